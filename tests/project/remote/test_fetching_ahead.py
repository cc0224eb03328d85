"""Commands fetch what they need before they take the lock, so that others can work meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mlver.project import checkout
from mlver.project.project import Project
from mlver.project.transaction import writing_files
from mlver.storage.remote.team import BlobTeamStore
from mlver.storage.remote.team_store import DownloadReport
from mlver.system import lock
from tests.conftest import Repository
from tests.teams import Team, write_model

_MEASURE = ("sh", "-c", """echo '{"accuracy": 1}' > "$MLVER_METRICS\"""")
_EVALUATE = ("evaluate", "digits@1.0.0", "--on", "golden", "--", *_MEASURE)
_COMMANDS = {
    "checkout": ("checkout", "digits@1.0.0"),
    "export": ("export", "digits@1.0.0", "out"),
    "promote": ("promote", "digits@1.0.0", "--to", "staging", "-m", "go"),
    "rollback": ("rollback", "digits", "--stage", "production", "-m", "back"),
    "rollback-checkout": (
        *("rollback", "digits", "--stage", "production", "--checkout", "-m", "back"),
    ),
    "evaluate": _EVALUATE,
}


@pytest.fixture
def ben(team: Team) -> Repository:
    """A clone without any object, where production went from 1.0.0 to 1.1.0."""
    ann = team.ann
    ann.write("data/golden.csv", "1,2\n")
    promote = ("--to", "production", "--force", "-m", "go")
    steps: list[tuple[str, ...]] = [
        ("config", "pin", "golden", "data/golden.csv"),
        ("promote", "digits@1.0.0", *promote),
        ("register", "digits", "--bump", "minor", "-m", "second"),
        ("promote", "digits@1.1.0", *promote),
    ]
    for step in steps:
        if step[0] == "register":
            write_model(ann, "second")
        assert ann.mlver(*step).code == 0
    ann.commit("Pin golden")
    assert ann.mlver(*_EVALUATE).code == 0
    assert ann.mlver("push").code == 0
    return team.clone("ben")


def work_before_fetching(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> list[int]:
    """Do some work each time before objects are fetched; the list that is returned counts."""
    download = BlobTeamStore.download
    times: list[int] = []

    def download_after(store: BlobTeamStore, *arguments: Any) -> DownloadReport:
        times.append(len(times))
        work()
        return download(store, *arguments)

    monkeypatch.setattr(BlobTeamStore, "download", download_after)
    return times


@pytest.mark.parametrize("name", _COMMANDS)
def test_others_may_record_while_a_command_fetches(
    ben: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    codes: list[int] = []

    def register() -> None:
        write_model(ben, "third")
        recorded = ("register", "digits", "--version", f"2.{len(codes)}.0", "-m", "Meanwhile")
        codes.append(ben.mlver("--wait", "0", *recorded).code)
        shutil.rmtree(ben.path / "model")

    work_before_fetching(monkeypatch, register)
    done = ben.mlver(*_COMMANDS[name])
    assert done.code == 0, done.err
    assert codes == [0] * (2 if name == "evaluate" else 1)
    assert "fetched 3 objects" in done.err
    assert ben.mlver("verify", "--all", "--offline").code == 0
    assert "2.0.0" in ben.mlver("list").out


def test_notes_come_in_the_order_of_the_work(ben: Repository) -> None:
    assert ben.mlver("retire", "digits@1.0.0", "-m", "old").code == 0
    notes = ben.mlver("checkout", "digits@1.0.0").err.splitlines()
    assert "retired" in notes[0]
    assert "fetched 3 objects" in notes[1]


def test_what_went_away_before_the_lock_is_fetched_again(
    ben: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def write_without_objects(project: Project, what: str) -> Iterator[None]:
        for name in ("objects", "packs"):
            shutil.rmtree(project.state_directory / name)
        with writing_files(project, what):
            yield

    monkeypatch.setattr(checkout, "writing_files", write_without_objects)
    times = work_before_fetching(monkeypatch, lambda: None)
    done = ben.mlver("checkout", "digits@1.0.0")
    assert done.code == 0, done.err
    assert len(times) == 2
    assert done.err.count("fetched 3 objects") == 2


def test_what_no_remote_has_is_asked_for_once(
    ben: Repository, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("objects", "packs", "parts", "recipes"):
        shutil.rmtree(team.bucket / name, ignore_errors=True)
    times = work_before_fetching(monkeypatch, lambda: None)
    done = ben.mlver("checkout", "digits@1.0.0")
    assert done.code == 3
    assert "hint: mlver pull digits@1.0.0" in done.err
    assert len(times) == 1


@pytest.mark.parametrize(
    "command",
    [
        ("checkout", "digits@1.0.0", "--only", "nothing"),
        ("export", "digits@1.0.0", "--as", "environment", "out"),
        ("promote", "digits@1.1.0", "--to", "production", "-m", "again"),
        ("rollback", "digits", "--stage", "production", "--to", "7.0.0", "-m", "back"),
        ("evaluate", "digits@1.0.0", "--on", "nothing", "--", "true"),
    ],
    ids=lambda command: command[0],
)
def test_what_needs_no_bytes_fetches_none(
    ben: Repository, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    times = work_before_fetching(monkeypatch, lambda: None)
    ben.mlver(*command)
    assert times == []


def test_a_remote_that_cannot_be_asked_is_told_of_once(ben: Repository, team: Team) -> None:
    team.bucket.rename(team.place / "elsewhere")
    done = ben.mlver("checkout", "digits@1.0.0")
    assert done.code == 3
    assert done.err.count("nothing was fetched") == 1


def test_the_lock_that_another_holds_is_waited_for_as_the_person_says(ben: Repository) -> None:
    state = ben.path / ".git/mlver"
    state.mkdir()
    with lock.hold_lock(state):
        done = ben.mlver("--wait", "0", "checkout", "digits@1.0.0")
    assert done.code == 3
    assert "another mlver is writing here" in done.err
    assert "fetched" not in done.err
