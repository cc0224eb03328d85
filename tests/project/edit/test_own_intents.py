"""A plan is settled where this user's own mlver wrote it, by a command that writes records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.git import changes
from mlver.project.edit import edit as edits
from mlver.project.edit import intent
from mlver.project.edit.intent import ForeignIntent
from mlver.project.project import Project
from mlver.project.registering.register import register_version
from mlver.project.registering.request import RegisterRequest
from mlver.project.transaction import editing, set_foreign_aside, writing_files
from mlver.system import proof
from tests.conftest import Repository
from tests.project.helpers import leave_interrupted, write_artifact


class Killed(BaseException):
    """What takes a process away before it can clean up."""


def die(*_: object, **__: object) -> None:
    raise Killed


@pytest.fixture
def interrupted(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> Repository:
    """A repository whose version 1.0.0 was committed when its command was killed."""
    repository.write(".gitignore", "w\n")
    repository.commit()
    write_artifact(repository, "w", b"weights")
    with monkeypatch.context() as patch:
        patch.setattr(changes, "create_tag", die)
        patch.setattr(edits, "recover_edit", die)
        with pytest.raises(Killed):
            register_version(project, RegisterRequest(model="m", message="why", weights="w"))
    return repository


def settle(repository: Repository) -> None:
    with editing(Project.open_existing(repository.path), "the next command"):
        pass


def read_plan(repository: Repository) -> Path:
    return repository.path / ".git/mlver/intent.json"


def test_the_seal_is_made_from_the_record(interrupted: Repository) -> None:
    assert "why" not in read_plan(interrupted).read_text()
    settle(interrupted)
    record = (interrupted.path / ".mlver/models/m/versions/1.0.0.yaml").read_bytes()
    contents = interrupted.git("tag", "--list", "--format=%(contents)", "m@v1.0.0")
    digest = Digest.of_bytes(record)
    assert contents.rstrip() == f"m 1.0.0\n\nwhy\n\nMlver-Record: {digest}"
    assert interrupted.git("rev-parse", "m@v1.0.0^{commit}") == interrupted.git("rev-parse", "HEAD")


def test_a_plan_that_somebody_changed_is_not_believed(interrupted: Repository) -> None:
    path = read_plan(interrupted)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document, sort_keys=True))
    assert intent.read_pending(path.parent) is not None
    path.write_text(json.dumps({**document, "what": "tag"}))
    with pytest.raises(ForeignIntent):
        settle(interrupted)
    assert interrupted.git("tag") == ""


def write_former_plan(repository: Repository, **changes: object) -> None:
    """The plan as the mlver before wrote it: format 6, which has no `only`; signed by this user."""
    path = read_plan(repository)
    document = json.loads(path.read_text())
    del document["proof"], document["only"]
    document = {**document, "format": 6, **changes}
    document["proof"] = proof.sign_data(json.dumps(document, sort_keys=True).encode())
    path.write_text(json.dumps(document, indent=1))


def test_a_plan_of_the_mlver_before_is_settled_after_an_upgrade(interrupted: Repository) -> None:
    written = intent.read_pending(read_plan(interrupted).parent)
    write_former_plan(interrupted)
    assert intent.read_pending(read_plan(interrupted).parent) == written
    settle(interrupted)
    assert interrupted.git("tag") == "m@v1.0.0"
    assert not read_plan(interrupted).exists()


def test_a_plan_of_that_format_needs_its_signature_too(interrupted: Repository) -> None:
    write_former_plan(interrupted)
    path = read_plan(interrupted)
    path.write_text(path.read_text().replace("register m", "register n"))
    with pytest.raises(ForeignIntent, match="not by your own mlver"):
        settle(interrupted)


def test_a_plan_of_a_format_that_nobody_knows_is_not_read(interrupted: Repository) -> None:
    for number in (5, 9, "6"):
        write_former_plan(interrupted, only=[], format=number)
        with pytest.raises(ForeignIntent, match="not in a way this mlver understands"):
            settle(interrupted)


def test_the_plan_of_another_user_is_left_to_them(
    interrupted: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
        with pytest.raises(ForeignIntent, match="not by your own mlver"):
            settle(interrupted)
    assert read_plan(interrupted).exists()
    settle(interrupted)
    assert interrupted.git("tag") == "m@v1.0.0"


def test_a_plan_moves_with_its_repository(interrupted: Repository, tmp_path: Path) -> None:
    moved = Repository(interrupted.path.rename(tmp_path / "moved"))
    settle(moved)
    assert moved.git("tag") == "m@v1.0.0"


def test_a_command_that_writes_no_record_settles_no_other(interrupted: Repository) -> None:
    with (
        pytest.raises(MlverError, match=r"`register m 1\.0\.0` was interrupted") as refused,
        writing_files(Project.open_existing(interrupted.path), "checkout"),
    ):
        pytest.fail("it began beside a plan that it cannot keep")
    assert refused.value.hint == "mlver doctor --fix"
    assert read_plan(interrupted).exists()
    assert interrupted.git("tag") == ""
    interrupted.mlver("verify", "--all")
    assert interrupted.mlver("checkout", "m@1.0.0").code == 3
    assert interrupted.mlver("doctor").code == 0
    assert interrupted.git("tag") == ""
    assert interrupted.mlver("doctor", "--fix").code == 0
    assert interrupted.git("tag") == "m@v1.0.0"


def test_an_own_plan_is_never_set_aside(project: Project) -> None:
    leave_interrupted(project)
    assert set_foreign_aside(project, "doctor") is None
    assert intent.read_pending(project.state_directory) is not None
