from __future__ import annotations

from pathlib import Path

import pytest

from tests.teams import Team, make_team


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of its own for each test, who trusts nothing yet."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """Two people, with everything confirmed that they are asked to trust."""
    made = make_team(tmp_path)
    assert made.ann.mlver("remote", "show", "store", "--yes").code == 0
    return made
