"""Fixtures of the tests of artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "a").write_text("1")
    (place / "extra").write_text("2")
    return place
