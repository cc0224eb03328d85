"""Which versions a rollback may go to."""

from __future__ import annotations

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository


def test_a_rollback_goes_only_to_what_held_the_stage(second: Repository) -> None:
    """It asks no gate, so it would be a way round all of them."""
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    assert assert_refused(
        second, "rollback", "digits", "--stage", "production", "--to", "1.1.0", "-m", "round"
    ) == (
        "error: digits 1.1.0 never held production, so a rollback cannot go there; promote it\n"
        "hint: mlver promote digits@1.1.0 --to production -m WHY\n"
    )
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "second")
    assert_works(
        second, "rollback", "digits", "--stage", "production", "--to", "1.0.0", "-m", "back"
    )
    # It held the stage, so the way forward again is open.
    assert_works(
        second, "rollback", "digits", "--stage", "production", "--to", "1.1.0", "-m", "on again"
    )
