"""The workloads: each a function from the bench to the rows it earned.

To add one, write the function and decorate it. What is warm and what is cold stands in its docstring.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Prepare, Row

Workload = Callable[[Bench], Iterator[Row]]
WORKLOADS: dict[str, Workload] = {}
MIB = 1 << 20

TYPER_APP = """\
import typer

app = typer.Typer()


@app.command()
def hello(name: str = "world") -> None:
    typer.echo(f"hello {name}")


@app.command()
def goodbye(name: str = "world", formal: bool = False) -> None:
    typer.echo(f"goodbye {name}" if formal else f"bye {name}")
"""
# Runs mlver in one process that counts the version records it opens.
COUNT_OPENS = """\
import sys
opened = set()
def heed(event, arguments):
    if event == "open" and "/.mlver/models/" in str(arguments[0]) and "/versions/" in str(arguments[0]):
        opened.add(str(arguments[0]))
sys.addaudithook(heed)
from mlver.cli.main import main
code = main(sys.argv[1:])
sys.stderr.write(f"{len(opened)}\\n") if code == 0 else sys.exit(code)
"""


def workload(name: str) -> Callable[[Workload], Workload]:
    def named(function: Workload) -> Workload:
        WORKLOADS[name] = function
        return function

    return named


@workload("register-large")
def register_large(bench: Bench) -> Iterator[Row]:
    """One large file: hashed, stored, synced, committed, tagged. The page cache is warm, the repository new.

    The bar's peer syncs nothing; the second peer does as much as mlver promises for the copy.
    """
    size = 64 * MIB if bench.quick else 1024 * MIB
    source = material.one_file(bench.root / "large" / "weights.bin", size)

    def ours(directory: Path) -> Command:
        top = material.project(bench, directory / "repository")
        (top / "weights.bin").hardlink_to(source)
        return Command(_register(bench, "weights.bin"), top)

    def theirs(sync: str) -> Prepare:
        return lambda directory: Command(
            ["sh", "-c", f'openssl dgst -sha256 "$0" && cp "$0" copy{sync}', source], directory
        )

    name = f"register one file of {size // MIB:,} MiB"
    yield Row.of_race(name, "`openssl dgst -sha256` + `cp`", bench.race(ours, theirs(""), 5), 1.3)
    yield Row.of_race(name, "the same + `sync` of the copy", bench.race(ours, theirs(" && sync copy"), 5))
    source.unlink()


@workload("register-many")
def register_many(bench: Bench) -> Iterator[Row]:
    """Many small files. Both tools meet a new repository, no cache of their own, and files just copied: cached."""
    count = 2_000 if bench.quick else 50_000
    source = material.many_files(bench.root / f"many-{count}", count)
    dvc = bench.environment("dvc", "dvc") / "dvc"

    def ours(directory: Path) -> Command:
        top = material.project(bench, directory / "repository")
        material.copied(source, top / "data")
        return Command(_register(bench, "data"), top)

    def theirs(directory: Path) -> Command:
        top = material.repository(bench, directory / "repository")
        (top / ".gitignore").unlink()
        bench.run([dvc, "init", "-q"], top)
        bench.run([dvc, "config", "core.site_cache_dir", directory / "site"], top)
        material.copied(source, top / "data")
        return Command([dvc, "add", "-q", "data"], top)

    yield Row.of_race(f"register {count:,} files of 1–20 KiB", "`dvc add`", bench.race(ours, theirs, 3), 0.3)


@workload("status-many")
def status_many(bench: Bench) -> Iterator[Row]:
    """Many small files, none changed since they were registered. Directory entries, inodes and stat cache are warm."""
    count = 2_000 if bench.quick else 50_000
    with bench.scratch() as directory:
        top = material.project(bench, directory / "repository")
        material.many_files(top / "data", count)
        bench.run(_register(bench, "data"), top)
        ours = Command([material.mlver(bench), "status"], top)
        theirs = Command(["find", "data", "-type", "f", "-printf", r"%i %s %T@\n"], top)
        race = bench.race(lambda _: ours, lambda _: theirs, 15)
        yield Row.of_race(f"status of {count:,} unchanged files", "`find -printf '%i %s %T@'`", race, 4)


@workload("memory")
def memory(bench: Bench) -> Iterator[Row]:
    """The largest process of a registration, at its peak."""
    small, large = (16 * MIB, 64 * MIB) if bench.quick else (64 * MIB, 1024 * MIB)
    few, many = (200, 2_000) if bench.quick else (5_000, 50_000)

    def of_file(size: int) -> Prepare:
        def prepare(directory: Path) -> Command:
            top = material.project(bench, directory / "repository")
            material.one_file(top / "weights.bin", size)
            return Command(_register(bench, "weights.bin"), top)

        return prepare

    def of_files(count: int) -> Prepare:
        def prepare(directory: Path) -> Command:
            top = material.project(bench, directory / "repository")
            material.many_files(top / "data", count)
            return Command(_register(bench, "data"), top)

        return prepare

    yield _compared_rss(
        f"peak RSS, register {large // MIB:,} MiB", bench, of_file(large), f"{small // MIB} MiB", of_file(small), 0.1
    )
    yield _compared_rss(f"peak RSS, register {many:,} files", bench, of_files(many), f"{few:,} files", of_files(few))


@workload("version")
def version(bench: Bench) -> Iterator[Row]:
    """How long until the first word. Byte code is compiled, the page cache warm."""
    race = bench.race(_anywhere([material.mlver(bench), "--version"]), _anywhere(_typer_app(bench)), 41)
    yield Row.of_race("mlver --version", "a two-command Typer application", race, 1.3)


@workload("list")
def list_small(bench: Bench) -> Iterator[Row]:
    """Five versions, two stages: what a person waits for. The records were read before."""
    with bench.scratch() as directory:
        top = material.small_project(bench, directory / "repository")
        ours = Command([material.mlver(bench), "list"], top)
        bench.run(ours.argv, top)
        race = bench.race(lambda _: ours, _anywhere(_typer_app(bench)), 41)
        yield Row.of_race("list of 5 versions, 2 stages", "a two-command Typer application", race, 2.5)


@workload("list-many")
def list_many(bench: Bench) -> Iterator[Row]:
    """The newest 20 of many versions: what is not shown is not opened. The records shown were read before."""
    few, many = 10, 500 if bench.quick else 10_000
    with bench.scratch() as directory:
        tops = {count: material.long_line(bench, directory / str(count), count) for count in (few, many)}
        commands = {count: Command([material.mlver(bench), "list"], top) for count, top in tops.items()}
        for command in commands.values():
            bench.run(command.argv, command.cwd)
        opened = _records_opened(bench, commands[many].cwd)
        yield Row(
            f"list of {many:,} versions: records opened",
            f"{opened}",
            "shown",
            "20",
            f"{opened / 20:.2f}",
            "none not shown",
            opened <= 20,
        )
        race = bench.race(lambda _: commands[many], lambda _: commands[few], 15)
        yield Row.of_race(f"list of {many:,} versions", f"mlver list of {few}", race)


def _register(bench: Bench, path: str) -> list[str | Path]:
    return [material.mlver(bench), "register", material.MODEL, "--weights", path, "-m", "A version"]


def _anywhere(argv: list[str | Path]) -> Prepare:
    return lambda directory: Command(argv, directory)


def _typer_app(bench: Bench) -> list[str | Path]:
    """A module beside typer, started the way pip's console scripts start theirs."""
    programs = bench.environment("typer", "typer>=0.28,<0.29")
    site = bench.run([programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    Path(site, "two_commands.py").write_text(TYPER_APP)
    script = programs / "two-commands"
    script.write_text(f"#!{programs / 'python'}\nfrom two_commands import app\napp()\n")
    script.chmod(0o755)
    bench.run([script, "hello"])
    return [script, "hello"]


def _records_opened(bench: Bench, top: Path) -> int:
    script = top.parent / "count_opens.py"
    script.write_text(COUNT_OPENS)
    counted = bench.run(
        ["sh", "-c", '"$0" "$1" list 2>&1 >/dev/null', material.mlver(bench).parent / "python", script], top
    )
    return int(json.loads(counted))


def _compared_rss(
    name: str, bench: Bench, ours: Prepare, peer: str, theirs: Prepare, tolerance: float | None = None
) -> Row:
    race = bench.race(ours, theirs, 3)
    ratios = sorted(our.rss / their.rss for our, their in zip(race.ours, race.theirs, strict=True))
    middle = ratios[len(ratios) // 2]
    here, there = (
        f"{sorted(cost.rss for cost in side)[len(side) // 2] / MIB:.1f} MiB" for side in (race.ours, race.theirs)
    )
    spread = f"{middle:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})"
    if tolerance is None:
        return Row(name, here, peer, there, spread)
    return Row(name, here, peer, there, spread, f"± {tolerance:.0%}", abs(middle - 1) <= tolerance)
