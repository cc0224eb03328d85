"""Audits: every move of many stages judged afresh, and one stage of them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks import material, moved
from tests.benchmarks.harness import Bench, Command, Row, always
from tests.benchmarks.workload import workload

# On two cores, without signatures: git takes about 9 ms for each of those.
_ALL_S = 8.0
_STAGE_S = 0.6


@workload("audit")
def audit_moves(bench: Bench) -> Iterator[Row]:
    """`mlver audit` of all stages, and of one of 250 moves among all others; nothing is cached."""
    models, moves = (2, 20) if bench.quick else (20, 250)
    with bench.scratch() as directory:
        top = moved.moved_stages(bench, directory / "repository", models, moves)
        program = material.mlver(bench)
        everything = Command([program, "audit"], top)
        costs = [bench.cost(always(everything)) for _ in range(bench.times(5))]
        total = models * len(moved.STAGES) * moves
        yield Row.of_seconds(f"audit of {total:,} promotions", costs, _ALL_S)
        stage = Command([program, "audit", "m01", "--stage", moved.STAGES[-1]], top)
        costs = [bench.cost(always(stage)) for _ in range(bench.times(11))]
        yield Row.of_seconds(f"audit of one stage of {moves}, among {total:,}", costs, _STAGE_S)
