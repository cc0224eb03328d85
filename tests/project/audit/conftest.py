"""The repository that promotions are forged in, copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.copies import copy_folder
from tests.project.audit.forging import Town, build_town


@pytest.fixture(scope="session")
def town_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_town(tmp_path_factory.mktemp("forging"))


@pytest.fixture
def town(town_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    return Town(Repository(copy_folder(town_path, tmp_path / "town")), monkeypatch)
