"""What `verify` names, and what it says of what it could not see."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import works
from tests.cli.results import document
from tests.conftest import Repository


def test_a_shallow_clone_is_told_that_not_all_was_seen(first: Repository, tmp_path: Path) -> None:
    whole = document(first.mlver("verify", "--all", "--json"), "verify")
    assert (whole["ok"], whole["shallow"]) == (True, False)
    (first.path / ".git/shallow").write_text(first.git("rev-parse", "HEAD") + "\n")
    found = document(first.mlver("verify", "--all", "--json"), "verify")
    assert (found["ok"], found["shallow"]) == (True, True)
    shown = works(first, "verify", "--all")
    assert "  history is not whole here" in shown
    assert "    hint: git fetch --unshallow\n" in shown
    assert "history is not whole" not in works(first, "verify")
