"""A repository with a remote on the same disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground


@pytest.fixture
def remote(repository: Ground, tmp_path: Path) -> Ground:
    """The bare repository that `repository` has as its origin; it holds main."""
    made = Ground(tmp_path / "there.git")
    repository.git("init", "--quiet", "--bare", str(made.path))
    repository.git("remote", "add", "origin", str(made.path))
    repository.git("push", "--quiet", "origin", "main")
    return made


@pytest.fixture
def local(repository: Ground, remote: Ground) -> GitRepository:
    return GitRepository.find(repository.path)


@pytest.fixture
def tagged(repository: Ground, local: GitRepository) -> GitRepository:
    repository.git("tag", "--annotate", "--message=m", "m@v1.0.0")
    return local


@pytest.fixture
def found(repository: Ground) -> GitRepository:
    return GitRepository.find(repository.path)
