"""A change begins with what was interrupted, and is refused under settings that nobody read."""

from __future__ import annotations

import pytest

from mlver.errors import InvalidDocument, MlverError
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.project.transaction import editing, locking
from tests.conftest import Repository
from tests.project.helpers import leave_interrupted

CONFIG = ".mlver/config.yaml"
UNKNOWN_SECTION = "teleport:\n  target: prod\n"


def open_with_settings(repository: Repository, settings: str) -> Project:
    repository.write(CONFIG, settings)
    return Project.open_existing(repository.path)


def test_settings_of_a_newer_mlver_do_not_stop_recovery(repository: Repository) -> None:
    project = open_with_settings(repository, f"schema: mlver/config/1\n{UNKNOWN_SECTION}")
    leave_interrupted(project)
    with pytest.raises(MlverError, match="`teleport`"), editing(project, "tag"):
        pytest.fail("an edit began under settings that were not read")
    assert intent.read_pending(project.state_directory) is None


@pytest.mark.parametrize(
    "settings",
    [
        f"schema: mlver/config/1\nstages: 5\n{UNKNOWN_SECTION}",
        f"schema: mlver/config/2\n{UNKNOWN_SECTION}",
        f"schema: mlver/config/1\nstages: [\n{UNKNOWN_SECTION}",
    ],
    ids=["invalid section", "newer format", "no YAML"],
)
def test_settings_that_cannot_be_read_hide_no_section(
    repository: Repository, settings: str
) -> None:
    project = open_with_settings(repository, settings)
    with pytest.raises(InvalidDocument), editing(project, "tag"):
        pytest.fail("an edit began under settings that were not read")


def test_without_settings_nothing_is_forbidden(repository: Repository) -> None:
    with editing(Project.find_from(repository.path), "init") as edit:
        assert edit.landed is None


def test_the_lock_alone_settles_nothing(repository: Repository) -> None:
    project = Project.find_from(repository.path)
    leave_interrupted(project)
    with locking(project, "verify") as holding:
        assert holding.repository.keep_open
    assert intent.read_pending(project.state_directory) is not None
