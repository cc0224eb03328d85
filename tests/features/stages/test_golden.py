"""The stage golden is one like any other, and a rollback finds its holder."""

from __future__ import annotations

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

ROLLBACK = ("rollback", "digits", "--stage", "production", "-m", "Wrong")


@pytest.fixture
def golden(second: Repository) -> Repository:
    """With digits 1.0.0 golden, and then 1.1.0 and 1.2.0 in production."""
    text = (second.path / layout.CONFIG).read_text()
    rule = "stages:\n  golden:\n    after: [production]\n"
    second.write(layout.CONFIG, text.replace("stages:\n", rule, 1))
    second.commit("Keep a version to go back to")
    assert_works(second, "promote", "digits@1.0.0", "--to", "golden", "-m", "Known good")
    again = ("--allow-dirty", "--bump", "minor", "-m", "third")
    assert_works(second, "register", "digits", *again)
    for version in ("1.1.0", "1.2.0"):
        assert_works(second, "promote", f"digits@{version}", "--to", "production", "-m", "New")
    return second


def test_a_rollback_goes_to_the_holder_of_golden(golden: Repository) -> None:
    tried = read_document(golden.mlver(*ROLLBACK, "--golden", "--dry-run", "--json"), "rollback")
    assert (tried["version"], tried["previous"]) == ("1.0.0", "1.2.0")
    assert_works(golden, *ROLLBACK, "--golden")
    assert assert_works(golden, "stages").count("1.0.0") == 2
    assert_works(golden, "verify", "--all")


def test_a_stage_that_golden_never_held_is_not_rolled_back_to_it(golden: Repository) -> None:
    assert_works(golden, "promote", "digits@1.2.0", "--to", "staging", "-m", "Try")
    words = ("rollback", "digits", "--stage", "staging", "--golden", "-m", "Wrong")
    said = assert_refused(golden, *words)
    assert said.startswith("error: digits 1.0.0 never held staging, so a rollback cannot go there")


def test_golden_is_promoted_by_its_rule(golden: Repository) -> None:
    assert_works(golden, "register", "digits", "--allow-dirty", "--bump", "minor", "-m", "fourth")
    done = golden.mlver("promote", "digits@1.3.0", "--to", "golden", "-m", "Too early")
    assert (done.code, "never held production" in done.out) == (1, True)


def test_without_a_holder_the_next_command_is_named(second: Repository) -> None:
    said = assert_refused(second, *ROLLBACK, "--golden")
    assert said.startswith("error: `golden` is neither a version nor a stage here; ")
    said = assert_refused(second, *ROLLBACK, "--golden", "--to", "1.0.0", code=2)
    assert said.startswith("error: --golden and --to both say where to go back to")
