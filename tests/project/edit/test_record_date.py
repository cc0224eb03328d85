"""A record is as old as SOURCE_DATE_EPOCH says, and never younger than its commit."""

from __future__ import annotations

import pytest

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from tests.conftest import Repository
from tests.project.helpers import initialise_project, register_one, write_artifact

_CLOCK = 1_770_000_000


@pytest.mark.parametrize(("ahead", "refused"), [(-(10**9), False), (901, False), (902, True)])
def test_no_version_is_dated_after_its_commit(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, ahead: int, refused: bool
) -> None:
    project = initialise_project(repository)
    write_artifact(repository, "w", {"a": "weights"})
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{_CLOCK} +0000")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(_CLOCK + ahead))
    if refused:
        with pytest.raises(MlverError, match="no version is dated after its commit") as error:
            register_one(project)
        assert error.value.hint == "unset SOURCE_DATE_EPOCH GIT_COMMITTER_DATE"
        assert project.registry.list_models() == []
    else:
        register_one(project)


@pytest.fixture
def project(repository: Repository) -> Project:
    made = initialise_project(repository)
    write_artifact(repository, "w", {"a": "weights"})
    return made


def test_a_date_of_git_alone_is_noticed_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record would have the date of the clock, and the commit an older one."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{_CLOCK - 10**8} +0000")
    with pytest.raises(MlverError, match="GIT_COMMITTER_DATE would date the version") as error:
        register_one(project)
    assert error.value.hint == "unset GIT_COMMITTER_DATE"
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    register_one(project)


def test_a_record_that_is_committed_later_is_not_held_to_a_commit_of_now(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{_CLOCK} +0000")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(_CLOCK + 10_000))
    register_one(project, commit=False)


@pytest.mark.parametrize("kind", ["promotion", "rollback"])
def test_no_promotion_is_dated_after_its_commit(
    story: Project,
    promoted_repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    def move_stage(*, dry_run: bool = False) -> None:
        if kind == "rollback":
            roll_back_stage(story, "m", stage="production", message="back", dry_run=dry_run)
        else:
            promote_version(story, "m@1.1.0", to="staging", message="go", dry_run=dry_run)

    head = promoted_repository.git("rev-parse", "HEAD")
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    for dry_run in (False, True):
        with pytest.raises(MlverError, match=f"GIT_COMMITTER_DATE would date the {kind}") as error:
            move_stage(dry_run=dry_run)
        assert error.value.hint == "unset GIT_COMMITTER_DATE"
    assert promoted_repository.git("rev-parse", "HEAD") == head
    assert promoted_repository.git("status", "--porcelain") == ""
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    move_stage()
    assert promoted_repository.mlver("verify", "--all").code == 0


def test_a_rollback_that_is_dated_by_what_it_follows_is_not_held_to_its_commit(
    story: Project, promoted_repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock is behind, and it must not wait for that."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(_CLOCK - 10**8))
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{_CLOCK - 10**8} +0000")
    roll_back_stage(story, "m", stage="production", message="back")
    assert promoted_repository.mlver("verify", "--all").code == 0
