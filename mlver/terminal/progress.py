"""Notes and progress on stderr: a bar only on a terminal, and only for work that takes a while."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from mlver.terminal.preferences import find_preferences
from mlver.terminal.screen import TextScreen

# Imported where a bar begins: most commands are done before that.
if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_S = 1.0


class TerminalReporter:
    """The command line's `Reporter`. It remembers what landed, in case of an interrupt."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._landed: list[str] = []
        # Several threads may work at once, and there is one bar.
        self._lock = threading.Lock()
        self._bar: tuple[Progress, TaskID] | None = None
        self._description = ""
        self._total: int | None = None
        self._advanced = 0
        self._started_at = 0.0

    @property
    def landed(self) -> tuple[str, ...]:
        """The operations that are complete, as they were typed (`register digits 1.1.0`)."""
        return tuple(self._landed)

    def show_note(self, text: str) -> None:
        # A note that nobody can read stops no work.
        with suppress(OSError):
            TextScreen(self._stream).draw_note(text)

    def ask_person(self, question: str) -> bool:
        """Ask where the person sits at a terminal; anything but `y` or `yes` is no."""
        if not (self._stream.isatty() and sys.stdin.isatty()):
            return False
        screen = TextScreen(self._stream)
        for line in question.splitlines():
            screen.draw_line(line)
        screen.draw_line("Type yes to agree: ")
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def report_landed(self, what: str) -> None:
        self._landed.append(what)

    def begin_work(self, what: str, total: int | None) -> None:
        self._description = what
        self._total = total
        self._advanced = 0
        self._started_at = time.monotonic()

    def advance_work(self, count: int) -> None:
        with self._lock:
            self._advanced += count
            if self._bar is not None:
                progress, task = self._bar
                progress.update(task, completed=self._advanced)
            elif time.monotonic() - self._started_at > _PATIENCE_S and self._shows_progress():
                self._bar = self._start_bar()

    def end_work(self) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar[0].stop()
                self._bar = None

    def _start_bar(self) -> tuple[Progress, TaskID]:
        from mlver.terminal.bar import start_bar

        progress = start_bar(TextScreen(self._stream).rich_console)
        task = progress.add_task(self._description, total=self._total, completed=self._advanced)
        return progress, task

    def _shows_progress(self) -> bool:
        preferences = find_preferences()
        return preferences.progress and not preferences.quiet and self._stream.isatty()
