"""The one sanitiser: text that others wrote may be shown, but may not act on what shows it.

Control characters can move the cursor, hide text or type commands; bidirectional controls can make
one name look like another. They are shown as escapes, in every string that reaches a screen. The
log of a job is a screen, too: its runner takes a line that begins with `::`, and `##[` or `##vso[`
anywhere in a line, for commands of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from mlver.errors import printable_name

__all__ = ["clean_lines", "escape_mark", "find_command_marks", "hide_commands", "printable_name"]

# The runners of GitHub and Forgejo read `::name::` after blanks; GitHub's and Azure's `##name[`.
_COMMAND = re.compile(r"^[^\S\n]*(:)(?=:)|#(#)(?=\w*\[)", re.MULTILINE)


def clean_lines(text: str) -> list[str]:
    """The lines of `text`, each without control characters."""
    return [printable_name(line.expandtabs(4)) for line in text.split("\n")]


def find_command_marks(text: str) -> Iterator[int]:
    """Find the characters without which no runner takes a part of these lines for its command."""
    for match in _COMMAND.finditer(text):
        assert match.lastindex is not None
        yield match.start(match.lastindex)


def escape_mark(mark: str) -> str:
    """Write the character as `printable_name` would, if it were a control character."""
    return f"\\x{ord(mark):02x}"


def hide_commands(text: str, *, escape: Callable[[str], str] = escape_mark) -> str:
    """Write whole lines so that they hold no command of a runner."""
    pieces: list[str] = []
    start = 0
    for position in find_command_marks(text):
        pieces += (text[start:position], escape(text[position]))
        start = position + 1
    return "".join([*pieces, text[start:]])
