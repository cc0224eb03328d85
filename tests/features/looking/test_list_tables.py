"""`mlver list` as a table for elsewhere: texts of many lines are cut, and that is said."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_works
from tests.conftest import Repository


@pytest.mark.parametrize("message", ["same words", "same words\nand others"])
def test_a_text_of_many_lines_is_marked(first: Repository, message: str) -> None:
    assert_works(first, "register", "digits", "--bump", "patch", "-m", message)
    table = assert_works(first, "list", "--markdown", "--columns", "message")
    expected = "`same words …`" if "\n" in message else "`same words`"
    assert f"| {expected} |" in table
