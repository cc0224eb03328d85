"""Whether a text fits the terminal. What a pager then shows: tests/cli/test_terminal.py."""

from __future__ import annotations

import pytest

from mlver.terminal.paging import fits_terminal


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a\n" * 3, True),  # one row is left for the prompt
        ("a\n" * 4, False),
        ("a" * 30, True),
        ("a" * 31, False),  # the terminal wraps it
        ("\x1b[1m" * 40 + "a\n", True),  # colours take no room
        ("물" * 15, True),  # two columns each
        ("물" * 16, False),
    ],
)
def test_a_text_fits_by_its_rows(text: str, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "4")
    assert fits_terminal(text) is fits
