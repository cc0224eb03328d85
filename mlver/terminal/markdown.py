"""Markdown as GitHub and GitLab read it: tables, and text that others chose.

In a code span nothing is a link, a mention, an image or HTML, and no text ends the span, because
its fence is longer than any run of backticks inside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlver.terminal.sanitise import printable_name

_LONGEST = 300
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def quote_code(text: str, longest: int = _LONGEST) -> str:
    """Text that others chose, on one line and without any power over the page.

    What is longer than `longest` characters is cut.
    """
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    # A table's cell ends at a bar even inside a code span, and GitHub and GitLab differ on how to
    # escape one.
    shown_text = printable_name(text).replace("|", "│") or " "
    longest_run = 0
    for run in re.findall("`+", shown_text):
        longest_run = max(longest_run, len(run))
    fence = "`" * (longest_run + 1)
    # One blank at each end is not shown, and keeps backticks inside apart from the fence.
    if longest_run or shown_text != shown_text.strip():
        shown_text = f" {shown_text} "
    return f"{fence}{shown_text}{fence}"


def format_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    *,
    most: int = 30,
) -> str:
    """A table of at most so many rows; those of the columns `right` are aligned to the right."""
    ruler_cells: list[str] = []
    for column in range(len(headers)):
        ruler_cells.append("--:" if column in right else "---")
    table_lines = [f"| {' | '.join(cells)} |" for cells in (headers, ruler_cells, *rows[:most])]
    hidden = len(rows) - most
    if hidden > 0:
        table_lines += ["", f"and {hidden:,} more"]
    return "\n".join(table_lines)


def quote_block(text: str) -> str:
    """Paragraphs that others chose, as paragraphs: no heading, link, image or HTML begins in them.

    Every character that Markdown gives a meaning is escaped (CommonMark 0.31, section 2.4).
    """
    shown = (_PUNCTUATION.sub(r"\\\g<0>", printable_name(line)) for line in text.splitlines())
    return "\n".join(line.strip() for line in shown).strip()
