"""Whole histories: what it costs to check every record of a long one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks import landed, material
from tests.benchmarks.harness import Bench, Command, Cost, Race, Row, always
from tests.benchmarks.workload import workload

# Twice as many records may take so many times as long. What is more than twice is git's own doing:
# for each commit that adds a record, `git log` compares all of the folder, twice as wide here. In
# CPU time, that alone took 1.7 s of half and 5.2 s of all, and everything else 11.4 s and 22.8 s.
# The first bar was there before that pass was the only one left; then, all took 2.4 times as long.
_BAR = 2.3
_BAR_WITHOUT_GIT = 2.1
# What of verify's own pass through history only git does.
_LOG = ("git", "-c", "core.commitGraph=false", "log", "-z", "--format=%H %P", "--raw", "-m")
_OPTIONS = ("--no-renames", "--no-abbrev", "--full-history", "--sparse", "--topo-order")


@workload("verify-history")
def verify_history(bench: Bench) -> Iterator[Row]:
    """`verify --all` of versions and promotions that landed one by one among other commits.

    They are of one model and one stage, so that two folders hold all records: git compares whole
    folders for each commit. The peer is the same command, with half of everything.
    """
    many = 400 if bench.quick else 10_000
    with bench.scratch() as directory:
        tops: list[Path] = []
        for count in (many, many // 2):
            tops.append(landed.landed_line(bench, directory / str(count), count))
        verify = [Command([material.mlver(bench), "verify", "--all"], top) for top in tops]
        log = [Command([*_LOG, *_OPTIONS, "HEAD", "--", ".mlver"], top) for top in tops]
        whole, git = Race([], []), Race([], [])
        for _ in range(bench.times(3)):
            whole = _add_pair(bench, whole, verify)
            git = _add_pair(bench, git, log)
        rest = Race(_subtract(whole.ours, git.ours), _subtract(whole.theirs, git.theirs))
        name = f"verify --all: {many:,} records and seals among {many * 5:,} commits"
        yield Row.of_race(name, "half of both", whole, _BAR)
        yield Row.of_race(f"{name}, without `git log`", "half of both", rest, _BAR_WITHOUT_GIT)
        yield Row.of_race("the same `git log` alone", "half of both", git)


def _add_pair(bench: Bench, race: Race, commands: Sequence[Command]) -> Race:
    ours, theirs = (bench.cost(always(command)) for command in commands)
    return Race([*race.ours, ours], [*race.theirs, theirs])


def _subtract(costs: Sequence[Cost], parts: Sequence[Cost]) -> list[Cost]:
    return [cost.without(part) for cost, part in zip(costs, parts, strict=True)]
