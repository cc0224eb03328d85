"""MLflow's model registry on SQLite: whoever reaches its database, or its own interface.

Paths lie in its database, so that every case is played in the folder where the registry was made.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.forgeries.peers.judging import ToolCommand, require_honest, run_commands

PURPOSE = "a server for experiments, and a registry of versions, aliases and tags in a database"
ABSENT = {
    "rule weakened and restored": "it has no rules",
}
BY_DATABASE = "SQL in its database"
BY_INTERFACE = "its own interface"
BY_FILE = "written into its artifact store"
DATABASE = "registry.db"

_CLIENT = "from mlflow import MlflowClient\nclient = MlflowClient()\n"
_GROUND = """
import pathlib
runs = pathlib.Path("runs").resolve().as_uri()
experiment = client.create_experiment("digits", artifact_location=runs)
client.create_registered_model("digits")
for number in (1, 2, 3):
    run = client.create_run(experiment, tags={"mlflow.user": "kim"}).info.run_id
    client.log_metric(run, "accuracy", 0.9 + number / 100)
    client.set_terminated(run)
    folder = pathlib.Path(f"weights{number}").resolve()
    folder.mkdir()
    (folder / "model.bin").write_text(f"weights {number}" * 100)
    client.create_model_version("digits", folder.as_uri(), run)
for number in (1, 2):
    client.set_model_version_tag("digits", str(number), "validation_status", "approved")
    client.set_registered_model_alias("digits", "champion", str(number))
"""


def _ask(name: str, call: str) -> ToolCommand:
    return ToolCommand(name, ("python", f"{_CLIENT}print({call})"), check=False)


_DIGEST = """\
import hashlib, pathlib
files = sorted(pathlib.Path("downloaded").rglob("model.bin"))
print([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
"""
_RUNS = (
    "[(run.data.metrics, run.data.tags.get('mlflow.user'),"
    " client.get_metric_history(run.info.run_id, 'accuracy'))"
    " for run in client.search_runs(['1'])]"
)
COMMANDS = (
    ToolCommand("mlflow doctor", ("mlflow", "doctor")),
    ToolCommand("mlflow db upgrade", ("mlflow", "db", "upgrade", f"sqlite:///{DATABASE}")),
    ToolCommand(
        "mlflow artifacts download",
        ("mlflow", "artifacts", "download", "-u", "models:/digits@champion", "-d", "downloaded"),
    ),
    ToolCommand("", ("python", _DIGEST), check=False),
    _ask(
        "get_registered_model, search_model_versions",
        "dict(client.get_registered_model('digits')),"
        " [dict(version) for version in client.search_model_versions()]",
    ),
    _ask("get_model_version_by_alias", "client.get_model_version_by_alias('digits', 'champion')"),
    _ask("get_latest_versions", "client.get_latest_versions('digits')"),
    _ask("search_runs, get_metric_history", _RUNS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryForgery:
    """What a forger does: SQL statements, a call of MLflow's own client, or `files` written."""

    kind: str
    forged: str
    statements: Sequence[str] = field(default_factory=tuple)
    call: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def arrival(self) -> str:
        if self.files:
            return BY_FILE
        return BY_INTERFACE if self.call else BY_DATABASE


def build_registry(case: Path, environment: Mapping[str, str], python: Path) -> None:
    """Build three versions with their runs; two were approved, and the second is the champion."""
    case.mkdir(parents=True)
    build = ToolCommand("the registry", ("python", _CLIENT + _GROUND))
    require_honest(run_commands(python, [build], case, environment))


def play_forgery(
    case: Path, forgery: RegistryForgery, environment: Mapping[str, str], python: Path
) -> None:
    """Do to a copy of the registry what the forger does."""
    for name, data in forgery.files.items():
        (case / name).write_bytes(data)
    if forgery.call:
        call = ToolCommand(forgery.forged, ("python", _CLIENT + forgery.call))
        require_honest(run_commands(python, [call], case, environment))
    connection = sqlite3.connect(case / DATABASE)
    try:
        with connection:
            for statement in forgery.statements:
                if connection.execute(statement).rowcount < 1:
                    raise AssertionError(f"it changes nothing: {statement}")
    finally:
        connection.close()


def list_forgeries() -> Iterator[RegistryForgery]:
    yield from _list_edited()
    yield from _list_removed()
    third_moves = [
        "UPDATE model_versions SET version = 4 WHERE version = 3",
        "INSERT INTO model_versions SELECT name, 3, creation_time + 1, last_updated_time + 1,"
        " 'as agreed', user_id, current_stage, source, run_id, status, status_message, run_link,"
        " storage_location, workspace FROM model_versions WHERE version = 1",
    ]
    yield RegistryForgery(kind="inserted", forged="a version between two", statements=third_moves)
    swap = [
        f"UPDATE model_versions SET version = {new} WHERE version = {old}"
        for old, new in ((1, 9), (2, 1), (9, 2))
    ]
    yield RegistryForgery(kind="reordered", forged="two versions", statements=swap)
    early = "UPDATE model_versions SET creation_time = 1577869200000 WHERE version = 3"
    yield RegistryForgery(
        kind="backdated", forged="a version, before the first", statements=[early]
    )
    yield from _list_claimed()


def _list_edited() -> Iterator[RegistryForgery]:
    source = "(SELECT source FROM model_versions WHERE version = 3)"
    yield RegistryForgery(
        kind="edited",
        forged="where a version's weights are",
        statements=[f"UPDATE model_versions SET source = {source} WHERE version = 2"],
    )
    run = "(SELECT run_id FROM model_versions WHERE version = 2)"
    yield RegistryForgery(
        kind="edited",
        forged="a run's metric",
        statements=[
            f"UPDATE metrics SET value = 0.99 WHERE run_uuid = {run}",
            f"UPDATE latest_metrics SET value = 0.99 WHERE run_uuid = {run}",
        ],
    )
    yield RegistryForgery(
        kind="edited",
        forged="the bytes of a version",
        files={"weights2/model.bin": b"the forger's weights\n"},
    )
    yield RegistryForgery(
        kind="edited",
        forged="a version's description, and the metric of a run that ended",
        call=(
            "client.update_model_version('digits', '2', description='as agreed')\n"
            "run = client.get_model_version('digits', '2').run_id\n"
            "client.log_metric(run, 'accuracy', 0.99)\n"
        ),
    )


def _list_removed() -> Iterator[RegistryForgery]:
    tables = ("model_version_tags", "model_versions")
    yield RegistryForgery(
        kind="removed",
        forged="a version",
        statements=[f"DELETE FROM {table} WHERE version = 1" for table in tables],
    )
    yield RegistryForgery(
        kind="removed", forged="a version", call="client.delete_model_version('digits', '1')\n"
    )
    yield RegistryForgery(
        kind="removed",
        forged="the version that an alias names",
        statements=[f"DELETE FROM {table} WHERE version = 2" for table in tables],
    )


def _list_claimed() -> Iterator[RegistryForgery]:
    yield RegistryForgery(
        kind="invented gates",
        forged="no gates; the tag `validation_status: approved`, and the alias",
        call=(
            "client.set_model_version_tag('digits', '3', 'validation_status', 'approved')\n"
            "client.set_registered_model_alias('digits', 'champion', '3')\n"
        ),
    )
    person = "UPDATE tags SET value = 'alice' WHERE key = 'mlflow.user'"
    yield RegistryForgery(
        kind="other author",
        forged="who ran it, and who made the version",
        statements=[person, "UPDATE model_versions SET user_id = 'alice' WHERE version = 3"],
    )
    yield RegistryForgery(
        kind="other author",
        forged="who ran it",
        call=(
            "run = client.get_model_version('digits', '3').run_id\n"
            "client.set_tag(run, 'mlflow.user', 'alice')\n"
        ),
    )
