"""A version is as old as SOURCE_DATE_EPOCH says, and never younger than its commit."""

from __future__ import annotations

import pytest

from mlver.errors import MlverError
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
        assert error.value.hint == "unset SOURCE_DATE_EPOCH"
        assert project.registry.list_models() == []
    else:
        register_one(project)
