"""A model with two versions and a log of what each of them answered."""

from __future__ import annotations

import pytest

from tests.cli.conftest import *  # noqa: F403
from tests.conftest import Repository
from tests.features.scoring.answered import write_answers


@pytest.fixture
def answered(second: Repository) -> Repository:
    """1.0.0 is right in 5 of 8 answers, 1.1.0 in 7; the truth is in labels.csv."""
    write_answers(second)
    return second
