"""Remarks and progress on stderr: a bar only on a terminal, and only for work that lasts."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, TextIO

from mlver.terminal.screen import TextScreen

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_S = 1.0


class TerminalReporter:
    """The command line's `Reporter`. `done` is what landed so far, for who is interrupted before it is told."""

    done: ClassVar[list[str]] = []

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: tuple[Progress, TaskID] | None = None
        self._what = ""
        self._total: int | None = None
        self._advanced = 0
        self._since = 0.0

    def show_note(self, text: str) -> None:
        with suppress(OSError):  # a remark that nobody can read stops no work
            TextScreen(self._stream).draw_line(("note: ", "warn"), text)

    def report_landed(self, what: str) -> None:
        self.done.append(what)

    def begin_work(self, what: str, total: int | None) -> None:
        self._what, self._total, self._advanced, self._since = what, total, 0, time.monotonic()

    def advance_work(self, count: int) -> None:
        self._advanced += count
        if self._bar is not None:
            progress, task = self._bar
            progress.update(task, completed=self._advanced)
        elif self._stream.isatty() and time.monotonic() - self._since > _PATIENCE_S:
            self._bar = self._start_bar()

    def end_work(self) -> None:
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None

    def _start_bar(self) -> tuple[Progress, TaskID]:
        from rich import progress as bars

        columns = (
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.TaskProgressColumn(),  # empty where the total is not known
            bars.DownloadColumn(),
            bars.TransferSpeedColumn(),
        )
        progress = bars.Progress(
            *columns, console=TextScreen(self._stream).rich_console, transient=True
        )
        progress.start()
        return progress, progress.add_task(self._what, total=self._total, completed=self._advanced)
