"""Drills: a rollback of one large file rehearsed, which is to take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Row, always
from tests.benchmarks.workload import MIB, register, workload

_DRILL_S = 10.0


@workload("drill-large")
def drill_large(bench: Bench) -> Iterator[Row]:
    """`mlver drill` of one file of 1 GiB: proven, copied, synced and removed again.

    The page cache is warm.
    """
    size = 64 * MIB if bench.quick else 1024 * MIB
    program = material.mlver(bench)
    with bench.scratch() as directory:
        top = material.project(bench, directory / "repository")
        material.one_file(top / "weights.bin", size)
        bench.run(register(bench, "weights.bin"), top)
        words = ["--to", "production", "-m", "Good", f"{material.MODEL}@1.0.0"]
        bench.run([program, "promote", *words], top)
        argv: list[str | Path] = [program, "drill", material.MODEL, "--stage", "production"]
        drill = Command([*argv, "--to", "1.0.0"], top)
        costs = [bench.cost(always(drill)) for _ in range(bench.times(5))]
        yield Row.of_seconds(f"drill of {size // MIB:,} MiB", costs, _DRILL_S)
