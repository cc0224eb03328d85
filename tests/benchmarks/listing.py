"""Many versions filtered, and many models in one repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Prepare, Row, always
from tests.benchmarks.workload import workload

_FILTER = "metrics.accuracy >= 0.5 and labels.team = mt"
# One in so many is of the team that is asked for.
_TEAMS = 100
# How many versions, first those of a quick run, and how long a look through them may take.
_MOST_SECONDS = {50: 1.0, 400: 1.0, 1_000: 1.0, 10_000: 3.0}
# All but one are rows copied in its database: by its own interface, 10,000 take many minutes.
_MLFLOW_MADE = """
import sqlite3, sys
from mlflow import MlflowClient
count, teams = int(sys.argv[1]), int(sys.argv[2])
client = MlflowClient()
client.create_registered_model("model")
client.create_model_version("model", "weights")
client.set_model_version_tag("model", "1", "team", "nlp")
database = sqlite3.connect("registry.db")
for table in ("model_versions", "model_version_tags"):
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    (first,) = database.execute(f"SELECT * FROM {table}").fetchall()
    for number in range(2, count + 1):
        row = dict(zip(names, first), version=number)
        if "value" in row and number % teams == 0:
            row["value"] = "mt"
        marks = ", ".join("?" * len(names))
        database.execute(f"INSERT INTO {table} VALUES ({marks})", tuple(row.values()))
database.commit()
"""
_MLFLOW_ASKED = """
import sys
from mlflow import MlflowClient
client = MlflowClient()
asked = "name = 'model' and tags.team = 'mt'"
found = client.search_model_versions(asked, max_results=10_000)
assert len(found) == int(sys.argv[1]), len(found)
"""


@workload("list-where")
def list_where(bench: Bench) -> Iterator[Row]:
    """Versions by a metric and a label, one in a hundred of them.

    The records were read before, but where it says that they were not.
    """
    few, many = list(_MOST_SECONDS)[:2] if bench.quick else list(_MOST_SECONDS)[2:]
    gto = bench.environment("peers", "adopting") / "gto"
    with bench.scratch() as directory:
        tops = {
            count: material.long_line(bench, directory / str(count), count, _vary_record)
            for count in (few, many)
        }
        argv: list[str | Path] = [material.mlver(bench), "list", "--where", _FILTER]
        ours = {count: Command(argv, top) for count, top in tops.items()}
        for command in ours.values():
            bench.run(command.argv, command.cwd)
        race = bench.race(always(ours[few]), always(Command([gto, "show"], tops[few])), 3)
        yield Row.of_race(f"list --where of {few:,} versions", "`gto show`", race, 0.2)
        theirs = _make_registry(bench, directory / "mlflow", many)
        race = bench.race(always(ours[many]), always(theirs), 5)
        name = f"list --where of {many:,} versions"
        yield Row.of_race(name, "MLflow's `search_model_versions` by a tag", race)
        for count, command in ours.items():
            costs = [bench.cost(always(command)) for _ in range(bench.times(5))]
            yield Row.of_seconds(f"list --where of {count:,} versions", costs, _MOST_SECONDS[count])
            race = bench.race(_forgotten(command), _remembered(bench, command), 3)
            name = f"list --where of {count:,} versions, never read before"
            yield Row.of_race(name, "read before", race, 3)


@workload("many-models")
def many_models(bench: Bench) -> Iterator[Row]:
    """A repository of many models among many other files: what was read once is known.

    The bars are half of the seconds that the first versions took on such a machine.
    """
    models, versions, others = (5, 10, 200) if bench.quick else (30, 100, 12_000)
    with bench.scratch() as directory:
        top = material.many_models(bench, directory / "repository", models, versions, others)
        name = f"of {models} models, {versions} versions each, among {others:,} files"
        for argv, most in ((["verify", "--all"], 16.5), (["status"], 1.45), (["list"], 0.45)):
            command = Command([material.mlver(bench), *argv], top)
            bench.run(command.argv, command.cwd)
            costs = [bench.cost(always(command)) for _ in range(bench.times(5))]
            yield Row.of_seconds(f"{' '.join(argv)} {name}", costs, most)


def _vary_record(number: int, record: bytes) -> bytes:
    accuracy = b"accuracy: 0.%05d" % (50_000 + number * 7_919 % 49_999)
    record = record.replace(b"accuracy: 0.9", accuracy)
    if number % _TEAMS == 0:
        record = record.replace(b"team: nlp", b"team: mt")
    return record


def _make_registry(bench: Bench, top: Path, count: int) -> Command:
    """The same versions in a registry on SQLite, and the command that asks for some of them."""
    python = bench.environment("mlflow", "registry") / "python"
    top.mkdir()
    address = ["env", "MLFLOW_TRACKING_URI=sqlite:///registry.db", "MLFLOW_DISABLE_TELEMETRY=true"]
    bench.run([*address, python, "-c", _MLFLOW_MADE, str(count), str(_TEAMS)], top)
    return Command([*address, python, "-c", _MLFLOW_ASKED, str(count // _TEAMS)], top)


def _forgotten(command: Command) -> Prepare:
    """Without anything that was kept of records."""

    def prepare(_: Path) -> Command:
        for path in (command.cwd / ".git" / "mlver").glob("state.db*"):
            path.unlink()
        return command

    return prepare


def _remembered(bench: Bench, command: Command) -> Prepare:
    def prepare(_: Path) -> Command:
        bench.run(command.argv, command.cwd)
        return command

    return prepare
