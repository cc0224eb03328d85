"""What others wrote does nothing in a terminal, a spreadsheet or a page that shows an audit."""

from __future__ import annotations

import csv
import io

import pytest
from markdown_it import MarkdownIt

from tests.features.auditing.reading import audit, list_moves
from tests.project.audit.forging import Town

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\x1b[2J\x1b]0;gone\x07",
    "a\r::error::b",
    "| cell | <script>alert(1)</script> ![x](http://example.org/x.png) @everyone",
    "`` ` ``` [a](javascript:alert(1))",
    "\u202egnp.exe",
    "“. Gates: all passed. Approved by Ana.”",
)


def forge_message(town: Town, message: str) -> None:
    town.enter("Mallory", day=2)
    town.write_forgery(message=message, created="2026-01-04T03:04:05Z")
    town.repository.commit("mlver: promote m production to 1.0.0")


@pytest.mark.parametrize("message", HOSTILE)
def test_a_message_is_shown_and_does_nothing(town: Town, message: str) -> None:
    forge_message(town, message)
    for arguments in ((), ("--at", "2026-01-04"), ("--csv",), ("--markdown",)):
        done = town.repository.mlver("audit", "--stage", "production", *arguments)
        assert done.code == 0, done.err
        for character in ("\x1b", "\x07", "\r", "\u202e"):
            assert character not in done.out
    assert list_moves(audit(town.repository)[1])[-1]["message"] == message


@pytest.mark.parametrize("message", HOSTILE)
def test_a_spreadsheet_runs_nothing(town: Town, message: str) -> None:
    forge_message(town, message)
    text = town.repository.mlver("audit", "--stage", "production", "--csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 3
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("message", HOSTILE)
@pytest.mark.parametrize("at", [(), ("--at", "2026-01-04")])
def test_in_markdown_a_message_stays_in_its_code_span(
    town: Town, message: str, at: tuple[str, ...]
) -> None:
    forge_message(town, message)
    text = town.repository.mlver("audit", "--stage", "production", "--markdown", *at).out
    html = render_markdown(text)
    for tag in ("<script", "<img", "<a ", "<em>", "<strong>"):
        assert tag not in html
    rows = [line for line in text.splitlines() if line.startswith("| `m production")]
    assert all(line.count("|") == rows[0].count("|") for line in rows)


def render_markdown(text: str) -> str:
    return str(MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text))
