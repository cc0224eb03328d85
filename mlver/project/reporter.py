"""How work under way is told to whoever started it; commands print nothing themselves."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """What a front end offers: remarks as they arise, and progress of work counted in bytes."""

    def show_note(self, text: str) -> None:
        """Something the person should know that is not the result."""

    def report_landed(self, what: str) -> None:
        """What the command was to change is done and on the disk, whatever becomes of the rest of
        it.
        """

    def begin_work(self, what: str, total: int | None) -> None:
        """Work starts; `total` bytes, None when unknown."""

    def advance_work(self, count: int) -> None:
        """`count` more bytes are done."""

    def end_work(self) -> None:
        """The work begun last is over."""


class SilentReporter:
    """Tells nobody: for programs that use mlver as a library."""

    def show_note(self, text: str) -> None: ...

    def report_landed(self, what: str) -> None: ...

    def begin_work(self, what: str, total: int | None) -> None: ...

    def advance_work(self, count: int) -> None: ...

    def end_work(self) -> None: ...
