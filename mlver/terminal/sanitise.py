"""The one sanitiser: text that others wrote may be shown, but may not act on the terminal.

Control characters can move the cursor, hide text or type commands; bidirectional controls can make
one name look like another. They are shown as escapes, in every string that reaches a screen.
"""

from __future__ import annotations

from mlver.errors import printable_name

__all__ = ["clean_lines", "printable_name"]


def clean_lines(text: str) -> list[str]:
    """The lines of `text`, each without control characters."""
    return [printable_name(line.expandtabs(4)) for line in text.split("\n")]
