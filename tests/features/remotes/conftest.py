from __future__ import annotations

from pathlib import Path

import pytest

from mlver.storage.remote.directory import init_directory
from tests.cli.conftest import first, project, stories

__all__ = ["first", "project", "stories"]


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of its own for each test, who trusts nothing yet."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A shared directory that is a store."""
    folder = tmp_path / "store"
    init_directory(folder)
    return folder
