"""A stage gets away from a retired version, though its retirement cannot be read."""

from __future__ import annotations

import pytest

import mlver
from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

WHY = "leaks"
UNREADABLE = layout.retirement_path("digits", "1.0.0", 1)
PRODUCTION = ("--stage", "production", "-m", "Slow")


@pytest.fixture
def moved(second: Repository) -> Repository:
    """With digits 1.1.0 in production, after 1.0.0."""
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    return second


@pytest.fixture
def damaged(moved: Repository) -> Repository:
    """With a retirement of 1.0.0 that cannot be read."""
    assert_works(moved, "retire", "digits@1.0.0", "-m", WHY)
    moved.write(UNREADABLE, "schema: mlver/retirement/1\n")
    moved.commit("Damage")
    return moved


def test_no_rollback_to_a_retired_version_is_hinted(moved: Repository) -> None:
    assert_works(moved, "retire", "digits@1.0.0", "-m", WHY)
    said = assert_refused_after_notes(moved, "rollback", "digits", *PRODUCTION)
    assert said.endswith("hint: mlver retire digits@1.0.0 --restore -m WHY\n")
    assert_works(moved, "retire", "digits@1.0.0", "--restore", "-m", "It may be used")
    assert_works(moved, "rollback", "digits", *PRODUCTION)
    said = assert_refused(moved, "rollback", "digits", *PRODUCTION)
    assert said.endswith("hint: mlver rollback digits --stage production --to 1.1.0 -m WHY\n")
    assert_works(moved, "retire", "digits@1.1.0", "-m", WHY)
    said = assert_refused(moved, "rollback", "digits", *PRODUCTION)
    assert said.endswith("hint: mlver retire digits@1.1.0 --restore -m WHY\n")


def assert_refused_after_notes(repository: Repository, *arguments: str) -> str:
    done = repository.mlver(*arguments)
    assert (done.code, done.out) == (3, "")
    return done.err


def test_what_an_emptied_stage_held_is_hinted(moved: Repository) -> None:
    assert_works(moved, "retire", "digits", "--stage", "production", "-m", "gone")
    assert_works(moved, "retire", "digits@1.1.0", "-m", WHY)
    assert assert_refused(moved, "rollback", "digits", *PRODUCTION) == (
        "error: no version of digits holds production, so there is nothing to roll back from\n"
        "hint: mlver promote digits@1.0.0 --to production -m WHY\n"
        "hint: mlver log digits\n"
    )


def test_a_rollback_passes_over_what_may_be_retired(damaged: Repository) -> None:
    said = assert_refused_after_notes(damaged, "rollback", "digits", *PRODUCTION)
    assert said.startswith("note: skipped digits 1.0.0, which may be retired: .mlver/models/")
    assert "what production held before digits 1.1.0 was rolled back or retired" in said
    assert said.endswith("hint: mlver rollback digits --stage production --to 1.0.0 -m WHY\n")
    done = damaged.mlver("rollback", "digits", "--to", "1.0.0", *PRODUCTION)
    assert done.err.startswith("note: digits 1.0.0 may be retired: .mlver/models/")
    assert done.out.startswith("Rolled back production from 1.1.0 to digits 1.0.0\n")


def test_what_may_be_retired_is_given_out_with_a_notice(damaged: Repository) -> None:
    done = damaged.mlver("checkout", "digits@1.0.0")
    assert done.code == 0
    assert done.err.startswith("note: digits 1.0.0 may be retired: .mlver/models/")
    with pytest.warns(UserWarning, match="digits 1.0.0 may be retired: ") as warned:
        mlver.open(damaged.path).resolve("digits@1.0.0")
    assert len(warned) == 1
    assert_refused(damaged, "promote", "digits@1.0.0", "--to", "staging", "-m", "x")


def test_resolving_a_retired_version_warns_once(
    moved: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    assert_works(moved, "retire", "digits@1.0.0", "-m", WHY)
    with pytest.warns(UserWarning, match="digits 1.0.0 is retired: leaks"):
        mlver.open(moved.path).resolve("digits@1.0.0")
    assert caplog.messages == []


def test_who_holds_a_stage_is_told_to_roll_it_back(moved: Repository) -> None:
    """An emptied stage has nothing to go back to, so emptying is the last that is hinted."""
    retire = ("retire", "digits@1.1.0", "-m", WHY, "--in-favour-of", "1.0.0")
    said = assert_works(moved, *retire)
    assert said == (
        "Retired digits 1.1.0; use 1.0.0 instead\n"
        "It still holds production\n"
        "hint: mlver rollback digits --stage production -m WHY\n"
    )
    assert assert_works(moved, *retire).startswith("digits 1.1.0 is retired already (record 1)\n")
    assert_works(moved, "retire", "digits@1.0.0", "-m", WHY)
    said = assert_works(moved, "retire", "digits@1.1.0", "-m", "leaks more")
    assert said.endswith("hint: mlver retire digits --stage production -m WHY\n")


def test_what_may_be_retired_is_shown_with_a_notice(damaged: Repository) -> None:
    done = damaged.mlver("show", "digits@1.0.0")
    assert done.code == 0
    assert done.err.startswith("note: digits 1.0.0 may be retired: .mlver/models/")


def test_one_retirement_that_cannot_be_read_hides_no_other(damaged: Repository) -> None:
    assert_works(damaged, "retire", "digits@1.1.0", "-m", WHY)
    model = read_document(damaged.mlver("list", "--json"), "list")["models"][0]
    assert model["retired"] == ["1.1.0"]
    assert [fault.partition(" ")[0] for fault in model["faults"]] == [UNREADABLE]
