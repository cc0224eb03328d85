"""Screens that are longer than the terminal go through a pager, as git's do.

Never where stdout is no terminal, where the screen fits, or where none is wanted.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from mlver.terminal.preferences import find_preferences, wants_color
from mlver.terminal.screen import TextScreen, measure_width

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


class DrawnPage(io.StringIO):
    """Keeps what is drawn on a terminal, to be shown later.

    `colored`: whether it is to be drawn in colours.
    """

    def __init__(self, terminal: TextIO, *, colored: bool) -> None:
        super().__init__()
        self._terminal = terminal
        self._colored = colored

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the terminal, which decides what can be drawn."""
        return self._terminal.encoding

    def isatty(self) -> bool:
        return self._terminal.isatty() or self._colored


def print_drawn(draw: Callable[[TextIO], None]) -> None:
    """Draw on stdout, a terminal; what has no room there is shown in the pager."""
    if not _may_page(sys.stdout):
        draw(sys.stdout)
        return
    page = DrawnPage(sys.stdout, colored=False)
    draw(page)
    _show_page(page.getvalue())


@contextmanager
def help_paged() -> Iterator[None]:
    """Show what is printed on stdout meanwhile, which is help, in the pager where it is long.

    Typer draws its help itself: here it learns whether to do that in colours.
    """
    terminal = sys.stdout
    page = DrawnPage(terminal, colored=wants_color(terminal))
    sys.stdout = page
    try:
        yield
    finally:
        sys.stdout = terminal
        text = page.getvalue()
        if not wants_color(terminal):
            text = _STYLE.sub("", text)
        if _may_page(terminal):
            _show_page(text)
        else:
            terminal.write(text)


def _may_page(stream: TextIO) -> bool:
    preferences = find_preferences()
    # A dumb terminal shows one line after the other, and cannot be moved about in.
    return stream.isatty() and preferences.pager != "" and os.environ.get("TERM") != "dumb"


def _show_page(text: str) -> None:
    if not text or fits_terminal(text) or not _run_pager(text):
        sys.stdout.write(text)


def _run_pager(text: str) -> bool:
    """Show a text in the pager; False where there is none. A note says where it failed."""
    # Most screens are short, or go to a pipe.
    from mlver.git import pager

    command = find_preferences().pager
    if command is None:
        command = pager.find_pager(Path.cwd())
    if command.strip() in ("", "cat"):
        return False
    sys.stdout.flush()
    failure = pager.run_pager(command, text.encode(sys.stdout.encoding, "backslashreplace"))
    if failure is None:
        return True
    TextScreen(sys.stderr).draw_note(f"the pager `{command}` {failure}")
    return False


def fits_terminal(text: str) -> bool:
    """Whether a text and the prompt below it fit the terminal."""
    width, height = TextScreen(sys.stdout).rich_console.size
    lines = text.splitlines()
    if len(lines) >= height:
        return False
    rows = 0
    for line in lines:
        rows += max(1, -(-measure_width(_STYLE.sub("", line)) // width))
    return rows < height
