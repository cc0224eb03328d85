"""The repository that most tests of hooks commit to."""

from __future__ import annotations

import pytest

from tests.conftest import CHECKOUT, Repository
from tests.features.hooks.hooks import HookedRepository, with_hooks


@pytest.fixture
def here(second: Repository, monkeypatch: pytest.MonkeyPatch) -> HookedRepository:
    """Two versions, one promotion; with the hooks."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hooks find mlver
    assert second.mlver("hook", "install").code == 0
    return with_hooks(second)
