"""Values in the cells of a table for other programs."""

from __future__ import annotations

from typing import Any

from mlver.terminal.sanitise import printable_name
from mlver.terminal.words import format_exact


def format_csv_cell(value: Any) -> str:
    """A value whole, on one line; empty where there is none."""
    if value is None:
        return ""
    if type(value) in (int, float):
        return format_exact(value)
    text = " ".join(value) if isinstance(value, tuple) else format_exact(value)
    return _disarm_formula(printable_name(text))


def _disarm_formula(text: str) -> str:
    """A spreadsheet runs a text that begins so, unless it follows an apostrophe (OWASP)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
