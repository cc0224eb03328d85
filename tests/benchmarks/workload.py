"""What a workload is: a function from the bench to the rows it earned, registered by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Row

Workload = Callable[[Bench], Iterator[Row]]
WORKLOADS: dict[str, Workload] = {}
MIB = 1 << 20


def workload(name: str) -> Callable[[Workload], Workload]:
    def named(function: Workload) -> Workload:
        WORKLOADS[name] = function
        return function

    return named


def register(bench: Bench, path: str) -> list[str | Path]:
    """The command that registers a first version of what lies at a path."""
    return [material.mlver(bench), "register", material.MODEL, "--weights", path, "-m", "A version"]
