"""A record that is gone from the work tree for a moment still counts, and keeps its number."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

NOTE = ".mlver/models/digits/notes/1.0.0/0001.yaml"
RETIREMENT = ".mlver/models/digits/retired/1.1.0/0001.yaml"


@pytest.fixture
def corrected(second: Repository) -> Repository:
    """1.0.0 has a note, and 1.1.0 is retired."""
    assert_works(second, "note", "digits@1.0.0", "-m", "Confuses 4 and 9")
    assert_works(second, "retire", "digits@1.1.0", "-m", "Wrong data")
    return second


def test_a_retirement_that_is_removed_or_edited_opens_no_stage(corrected: Repository) -> None:
    path = corrected.path / RETIREMENT
    text = path.read_text()
    for other in (None, text.replace("action: retire", "action: restore")):
        path.unlink()
        if other is not None:
            path.write_text(other)
        for words in (
            ("promote", "digits@1.1.0", "--to", "staging", "-m", "x"),
            ("retire", "digits@1.1.0", "--restore", "-m", "x"),
        ):
            said = assert_refused(corrected, *words)
            assert f"{RETIREMENT} is not what HEAD has there" in said
            assert said.endswith(f"hint: git checkout -- {RETIREMENT}\n")
        corrected.git("checkout", "--", RETIREMENT)
    assert "is retired" in assert_refused(
        corrected, "promote", "digits@1.1.0", "--to", "staging", "-m", "x"
    )


def test_a_note_that_is_removed_keeps_its_number(corrected: Repository) -> None:
    (corrected.path / NOTE).unlink()
    said = assert_refused(corrected, "note", "digits@1.0.0", "-m", "Another")
    assert f"{NOTE} is not what HEAD has there" in said
    corrected.git("checkout", "--", NOTE)
    assert_works(corrected, "note", "digits@1.0.0", "-m", "Another")
    assert_works(corrected, "verify", "--all")
