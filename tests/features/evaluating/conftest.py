"""A repository with a pinned data set."""

from __future__ import annotations

import pytest

from tests.conftest import Repository
from tests.features.evaluating.exams import pin_exam


@pytest.fixture
def examined(second: Repository) -> Repository:
    """With two versions of digits, a data set called golden and a script that measures on it."""
    pin_exam(second)
    return second
