from __future__ import annotations

from pathlib import Path

import pytest

from mlver.storage.local import LocalStore


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore.open_in(tmp_path / "git/mlver")
