"""A repository whose versions were trained on tables with enough rows to tell a drift."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.drifting.made_tables import write_rows


def ignore_key(repository: Repository) -> None:
    assert_works(repository, "config", "set", "insight.drift.ignore", "id")
    repository.commit("Leave out the key")


@pytest.fixture
def trained(first: Repository) -> Repository:
    """With digits 1.0.0, whose table tells nothing, and 1.1.0 and 1.2.0, trained on other rows.

    The settings leave out the key of each row, of which nobody can tell.
    """
    ignore_key(first)
    for seed in (1, 2):
        first.write("data/train.csv", write_rows(seed))
        assert_works(first, "register", "digits", "--bump", "minor", "-m", "More rows")
    return first
