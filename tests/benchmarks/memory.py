"""How much memory the largest process of a command takes: large files, and many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Prepare, Row, always
from tests.benchmarks.workload import MIB, register, workload


@workload("memory")
def memory(bench: Bench) -> Iterator[Row]:
    """The largest process, at its peak."""
    small, large = (16 * MIB, 64 * MIB) if bench.quick else (64 * MIB, 1024 * MIB)

    def of_file(size: int) -> Prepare:
        def prepare(directory: Path) -> Command:
            top = material.project(bench, directory / "repository")
            material.one_file(top / "weights.bin", size)
            return Command(register(bench, "weights.bin"), top)

        return prepare

    yield Row.of_memory(
        f"peak RSS, register {large // MIB:,} MiB",
        bench.race(of_file(large), of_file(small), 3),
        f"{small // MIB} MiB",
    )
    few, many = (200, 2_000) if bench.quick else (50_000, 500_000)
    with bench.scratch() as directory:
        tops = {count: material.project(bench, directory / str(count)) for count in (few, many)}
        for count, top in tops.items():
            material.many_files(top / "data", count, size=64)
        commands = {count: Command(register(bench, "data"), top) for count, top in tops.items()}
        once = bench.once(always(commands[many]), always(commands[few]))
        yield Row.of_memory(
            f"peak RSS, register {many:,} files", once, f"{few:,} files", most=150 * MIB
        )
        commands = {
            count: Command([material.mlver(bench), "status"], top) for count, top in tops.items()
        }
        once = bench.race(always(commands[many]), always(commands[few]), 3)
        yield Row.of_memory(
            f"peak RSS, status of {many:,} files", once, f"{few:,} files", most=150 * MIB
        )
        commands = {
            count: Command([material.mlver(bench), "verify"], top) for count, top in tops.items()
        }
        once = bench.once(always(commands[many]), always(commands[few]))
        yield Row.of_memory(
            f"peak RSS, verify of {many:,} files", once, f"{few:,} files", most=150 * MIB
        )

        def out(count: int) -> Prepare:
            argv: list[str | Path] = [material.mlver(bench), "checkout", material.MODEL, "--to"]
            return lambda scratch: Command([*argv, scratch / "out"], tops[count])

        once = bench.once(out(many), out(few))
        yield Row.of_memory(
            f"peak RSS, checkout of {many:,} files", once, f"{few:,} files", most=150 * MIB
        )

        def second(count: int) -> Prepare:
            (tops[count] / "data" / "another.bin").write_bytes(b"another")
            argv: list[str | Path] = [material.mlver(bench), "register", material.MODEL]
            argv += ["--bump", "minor", "-m", "Another"]
            return always(Command(argv, tops[count]))

        once = bench.once(second(many), second(few))
        yield Row.of_memory(
            f"peak RSS, register beside {many:,} stored files",
            once,
            f"{few:,} files",
            most=150 * MIB,
        )


@workload("memory-changed")
def memory_changed(bench: Bench) -> Iterator[Row]:
    """The largest process, at its peak, where every working file is another than the version's."""
    few, many = (200, 2_000) if bench.quick else (50_000, 500_000)
    program = material.mlver(bench)
    with bench.scratch() as directory:
        tops = {
            count: material.registered(bench, directory / str(count), count, size=64)
            for count in (few, many)
        }
        for count, top in tops.items():
            material.many_files(top / "data", count, size=65)

        def verify(count: int) -> Prepare:
            script = '"$0" verify; [ $? = 1 ]'
            return always(Command(["sh", "-c", script, program], tops[count]))

        def replace_all(count: int) -> Prepare:
            return always(Command([program, "checkout", material.MODEL, "--force"], tops[count]))

        for name, prepare in (("verify", verify), ("checkout over", replace_all)):
            race = bench.once(prepare(many), prepare(few))
            yield Row.of_memory(
                f"peak RSS, {name} {many:,} changed files", race, f"{few:,}", most=150 * MIB
            )


@workload("sparse")
def sparse(bench: Bench) -> Iterator[Row]:
    """One file larger than any memory, all of it holes: hashed once, then looked at.

    The largest process, at peak.
    """
    sizes = {"small": MIB, "large": (1 if bench.quick else 100) * 1024 * MIB}
    with bench.scratch() as directory:
        tops = {name: material.project(bench, directory / name) for name in sizes}
        for name, size in sizes.items():
            # A small version first: only mlver would keep this one, and it would copy every byte.
            (tops[name] / "weights.bin").write_bytes(b"small")
            bench.run(register(bench, "weights.bin"), tops[name])
            with (tops[name] / "weights.bin").open("wb") as file:
                file.truncate(size)
        told = f"one sparse file of {sizes['large'] // (1024 * MIB)} GiB"
        rehearsed = [*register(bench, "weights.bin"), "--bump", "minor", "--dry-run"]
        asked: dict[str, list[str | Path]] = {
            "register --dry-run": rehearsed,
            "list": [material.mlver(bench), "list"],
            "status": [material.mlver(bench), "status"],
        }
        for name, argv in asked.items():
            commands = {size: Command(argv, top) for size, top in tops.items()}
            race = bench.once(always(commands["large"]), always(commands["small"]))
            yield Row.of_memory(
                f"peak RSS, {name}, {told}", race, "the same with 1 MiB", most=150 * MIB
            )
