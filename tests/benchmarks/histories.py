"""Whole histories: what it costs to check every record of a long one."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks import landed, material
from tests.benchmarks.harness import Bench, Command, Row, always
from tests.benchmarks.workload import workload

# Twice as many records may take so many times as long.
_BAR = 2.3


@workload("verify-history")
def verify_history(bench: Bench) -> Iterator[Row]:
    """`verify --all` of versions and promotions that landed one by one among other commits.

    They are of one model and one stage, so that two folders hold all records: git compares whole
    folders for each commit. The peer is the same command, with half of everything.
    """
    many = 400 if bench.quick else 10_000
    with bench.scratch() as directory:
        commands: dict[int, Command] = {}
        for count in (many, many // 2):
            top = landed.landed_line(bench, directory / str(count), count)
            commands[count] = Command([material.mlver(bench), "verify", "--all"], top)
        race = bench.race(always(commands[many]), always(commands[many // 2]), 3)
        yield Row.of_race(
            f"verify --all: {many:,} records and seals among {many * 5:,} commits",
            "half of both",
            race,
            _BAR,
        )
