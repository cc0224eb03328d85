"""Text as it is, for a program that would read rich's markup in it, such as Typer's help."""

from __future__ import annotations

from rich.markup import escape


def escape_markup(text: str) -> str:
    """Write a text so that rich shows it as it is: `mlver[s3]`, `[default: 30]`."""
    return escape(text)
