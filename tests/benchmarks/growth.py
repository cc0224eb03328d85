"""Growth: what each operation costs at several sizes, and the exponent of the curve through them.

The smallest size's cost is taken off the others: what is left grows with the size alone. An
exponent of 1 is linear.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import linear_regression, median

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Prepare, Row, always
from tests.benchmarks.workload import register, workload

BAR = 1.05
Grown = Callable[[Path, int], Command]


@workload("growth-files")
def growth_files(bench: Bench) -> Iterator[Row]:
    """With the number of files, all warm."""
    sizes = (1, 500, 1_000, 2_000) if bench.quick else (1, 12_500, 50_000, 200_000)

    def registering(directory: Path, count: int) -> Command:
        top = material.project(bench, directory / "repository")
        material.many_files(top / "data", count, size=256)
        return Command(register(bench, "data"), top)

    def reading(*argv: str) -> Grown:
        def prepare(directory: Path, count: int) -> Command:
            return Command(
                [material.mlver(bench), *argv],
                material.registered(bench, directory / "r", count, size=256),
            )

        return prepare

    def taking_out(directory: Path, count: int) -> Command:
        top = material.registered(bench, directory / "r", count, size=256)
        return Command(
            [material.mlver(bench), "checkout", material.MODEL, "--to", directory / "out"], top
        )

    operations = {
        "register": registering,
        "status": reading("status"),
        "verify": reading("verify"),
        "checkout": taking_out,
    }
    for name, prepare in operations.items():
        yield _row(f"{name}: files", sizes, _costs(bench, sizes, prepare))


@workload("growth-versions")
def growth_versions(bench: Bench) -> Iterator[Row]:
    """With the number of versions of one model; what was parsed once is not parsed again."""
    sizes = (10, 100, 400) if bench.quick else (10, 2_500, 10_000, 40_000)
    with bench.scratch() as directory:
        tops = {count: material.long_line(bench, directory / str(count), count) for count in sizes}
        program = material.mlver(bench)
        for top in tops.values():
            bench.run(
                [program, "promote", f"{material.MODEL}@0.0.1", "--to", "production", "-m", "Good"],
                top,
            )
        for argv in (
            ["list"],
            ["show", material.MODEL],
            ["log"],
            ["status"],
            ["diff", f"{material.MODEL}@0.0.0", f"{material.MODEL}@0.0.1"],
            ["verify", "--all"],
        ):
            costs = []
            for count in sizes:
                command = Command([program, *argv], tops[count])
                bench.run(command.argv, command.cwd)
                costs.append(
                    median(bench.cost(always(command)).seconds for _ in range(bench.times(5)))
                )
            yield _row(f"{argv[0]}: versions", sizes, costs)


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The slope of log(cost) over log(size), by least squares, each cost less that of the smallest
    size.

    Costs that do not rise above a twentieth of the smallest have no slope: 0.
    """
    start = costs[0]
    risen = {
        size: cost - start
        for size, cost in zip(sizes[1:], costs[1:], strict=True)
        if cost > 1.05 * start
    }
    if len(risen) < 2:
        return 0.0
    return linear_regression(
        [math.log(size) for size in risen], [math.log(cost) for cost in risen.values()]
    ).slope


def _costs(bench: Bench, sizes: Sequence[int], prepare: Grown) -> list[float]:
    def sized(count: int) -> Prepare:
        return lambda directory: prepare(directory, count)

    return [
        median(bench.cost(sized(count)).seconds for _ in range(bench.times(3))) for count in sizes
    ]


def _row(name: str, sizes: Sequence[int], costs: Sequence[float]) -> Row:
    slope = exponent(sizes, costs)
    ours = ", ".join(f"{cost:.2f} s" for cost in costs)
    told = ", ".join(f"{size:,}" for size in sizes)
    return Row(name, ours, "at", told, f"exponent {slope:.2f}", f"≤ {BAR}", slope <= BAR)
