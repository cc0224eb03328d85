from __future__ import annotations

from pathlib import Path

import pytest

from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from tests.conftest import Repository
from tests.copies import copy_folder
from tests.project.helpers import initialise_project, new_repository, register_one, write_artifact


@pytest.fixture
def project(repository: Repository) -> Project:
    """A git repository after `mlver init`."""
    return initialise_project(repository)


@pytest.fixture(scope="session")
def promoted_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions; production was given to the first, then to the second."""
    repository = new_repository(tmp_path_factory.mktemp("promoted") / "repository")
    project = initialise_project(repository)
    repository.write(".gitignore", "w\n")
    repository.commit()
    for number, text in (("1.0.0", "one"), ("1.1.0", "two")):
        write_artifact(repository, "w", {"a": text})
        register_one(project, version=number)
        promote_version(project, f"m@{number}", to="production", message="better")
    repository.pack()
    return repository.path


@pytest.fixture
def promoted_repository(promoted_path: Path, tmp_path: Path) -> Repository:
    """A copy of its own for each test."""
    return Repository(copy_folder(promoted_path, tmp_path / "promoted"))


@pytest.fixture
def story(promoted_repository: Repository) -> Project:
    """The project of `promoted_repository`."""
    return Project.open_existing(promoted_repository.path)
