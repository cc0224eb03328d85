"""The star of `mlver list` marks the best version that may be used."""

from __future__ import annotations

from tests.cli.conftest import assert_works, train_model
from tests.conftest import Repository


def test_a_retired_version_is_the_best_in_nothing(second: Repository) -> None:
    assert_works(second, "config", "set", "--model", "digits", "directions.accuracy", "higher")
    second.commit("Which way is better")
    train_model(second, 3)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    assert "0.95*" in assert_works(second, "list")
    assert_works(second, "retire", "1.2.0", "-m", "leaks")
    shown = assert_works(second, "list")
    assert "0.94*" in shown
    assert "0.95*" not in shown
