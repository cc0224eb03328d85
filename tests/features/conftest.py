"""The same repositories the command line is tested in; and one in which two branches parted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import copy_repository, first, project, second, stories
from tests.conftest import Repository
from tests.features.merging.merges import diverge_branches

__all__ = ["first", "project", "second", "stories"]


@pytest.fixture(scope="session")
def parted_once(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    parted = diverge_branches(tmp_path_factory.mktemp("resolve") / "repository")
    parted.pack()
    return parted


@pytest.fixture
def apart(parted_once: Repository, tmp_path: Path) -> Repository:
    """See `merges.parted`."""
    return copy_repository(parted_once, tmp_path / "repository")
