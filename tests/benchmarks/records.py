"""Records: start-up, and what long histories cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Prepare, Row, always
from tests.benchmarks.workload import workload

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
_PROBE = Path(__file__).with_name("probe.py")


@workload("start-up")
def start_up(bench: Bench) -> Iterator[Row]:
    """How long until the first word.

    Byte code is compiled, the page cache warm, the records were read before.
    """
    app = _typer_app(bench)
    peer = "a two-command Typer application"
    race = bench.race(_anywhere([material.mlver(bench), "--version"]), _anywhere(app), 41)
    yield Row.of_race("mlver --version", peer, race, 0.5)
    with bench.scratch() as directory:
        top = material.small_project(bench, directory / "repository")
        ours = Command([material.mlver(bench), "list"], top)
        bench.run(ours.argv, top)
        race = bench.race(always(ours), _anywhere(app), 41)
        yield Row.of_race("list of 5 versions, 2 stages", peer, race, 2)
        program = material.mlver(bench)
        nothing = Command([program, "hook", "pre-commit"], top)
        race = bench.race(always(nothing), _anywhere([program.parent / "python", "-c", "pass"]), 41)
        yield Row.of_race("hook pre-commit with nothing to do", "`python -c pass`", race, 3)


@workload("list-many")
def list_many(bench: Bench) -> Iterator[Row]:
    """The newest of many versions: what is not shown is not opened.

    The records shown were read before.
    """
    few, many = 10, 1_000 if bench.quick else 100_000
    with bench.scratch() as directory:
        tops = {
            count: material.long_line(bench, directory / str(count), count) for count in (few, many)
        }
        commands = {count: Command(_list(bench, 50), top) for count, top in tops.items()}
        for command in commands.values():
            bench.run(command.argv, command.cwd)
        opened = _records_opened(bench, commands[many])
        yield Row(
            f"list the newest 50 of {many:,}: records opened",
            f"{opened}",
            "shown",
            "50",
            f"{opened / 50:.2f}",
            "none not shown",
            opened <= 51,
        )
        refs = Command(["git", "for-each-ref", "--count=50"], tops[many])
        race = bench.race(always(commands[many]), always(refs), 15, but=always(commands[few]))
        yield Row.of_race(
            f"list the newest 50 of {many:,}, less start-up",
            "`git for-each-ref --count=50`",
            race,
            2,
        )


@workload("gto")
def against_gto(bench: Bench) -> Iterator[Row]:
    """The same tags in both: GTO keeps versions as tags alone.

    It is stopped where it takes longer than minutes.
    """
    limit = 120
    gto = bench.environment("peers", "adopting") / "gto"
    sizes = {50: 2.0} if bench.quick else {1_000: 0.2, 10_000: 0.02}
    for count, bar in sizes.items():
        with bench.scratch() as directory:
            top = material.long_line(bench, directory / "repository", count)
            ours = Command(_list(bench, 20), top)
            bench.run(ours.argv, top)
            script = f'timeout {limit} "$0" show || [ $? = 124 ]'
            theirs = Command(["sh", "-c", script, gto], top)
            race = bench.race(always(ours), always(theirs), 3 if count < 10_000 else 1)
            stopped = any(cost.seconds >= limit for cost in race.theirs)
            yield Row.of_race(
                f"list at {count:,} tags", f"`gto show`{', stopped' if stopped else ''}", race, bar
            )


@workload("rollback")
def rollback(bench: Bench) -> Iterator[Row]:
    """A stage moved back, every byte of the target proven first.

    The cost does not depend on the number of versions.
    """
    few, many = 10, 200 if bench.quick else 10_000
    with bench.scratch() as directory:
        tops = {
            count: material.long_line(bench, directory / str(count), count) for count in (few, many)
        }
        for top in tops.values():
            for version in ("0.0.0", "0.0.1"):
                told = [f"{material.MODEL}@{version}", "--to", "production", "-m", "Better"]
                bench.run([material.mlver(bench), "promote", *told], top)
        argv: list[str | Path] = [
            material.mlver(bench),
            "rollback",
            material.MODEL,
            "--stage",
            "production",
            "-m",
            "Back",
        ]

        def back(count: int) -> Prepare:
            def prepare(_: Path) -> Command:
                told = [f"{material.MODEL}@0.0.1", "--to", "production", "-m", "Better"]
                bench.run([material.mlver(bench), "promote", *told], tops[count])
                return Command(argv, tops[count])

            return prepare

        race = bench.race(back(many), back(few), 9)
        yield Row.of_race(f"rollback among {many:,} versions", f"the same among {few}", race, 1.1)
        race = bench.race(always(_commit(tops[many])), always(_commit(tops[few])), 9)
        yield Row.of_race(
            f"of which git: staging and committing a file among {many:,}",
            f"the same among {few}",
            race,
        )


def _commit(top: Path) -> Command:
    """What git itself does of a promotion, synced as there.

    It reads and writes an index of all records.
    """
    script = (
        "echo x >>train.py; git -c core.fsync=all update-index --add train.py"
        " && git -c core.fsync=all commit --quiet --only -m More -- train.py"
    )
    return Command(["sh", "-c", script], top)


def _list(bench: Bench, limit: int) -> list[str | Path]:
    return [material.mlver(bench), "list", "--limit", str(limit)]


def _anywhere(argv: list[str | Path]) -> Prepare:
    return lambda directory: Command(argv, directory)


def _typer_app(bench: Bench) -> list[str | Path]:
    """A module beside typer, started the way pip's console scripts start theirs."""
    programs = bench.environment("typer", "mlver")
    site = bench.run(
        [programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    ).strip()
    Path(site, "two_commands.py").write_text(TYPER_APP)
    script = programs / "two-commands"
    script.write_text(f"#!{programs / 'python'}\nfrom two_commands import app\napp()\n")
    script.chmod(0o755)
    bench.run([script, "hello"])
    return [script, "hello"]


def _records_opened(bench: Bench, command: Command) -> int:
    report = command.cwd.parent / "counts.json"
    bench.run(
        [material.mlver(bench).parent / "python", _PROBE, report, *command.argv[1:]], command.cwd
    )
    return int(json.loads(report.read_text())["records"])
