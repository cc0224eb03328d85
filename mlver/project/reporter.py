"""How a command reports its work to its caller; commands print nothing themselves."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """What a front end offers: remarks as they arise, and progress of work counted in bytes."""

    def show_note(self, text: str) -> None:
        """Show something that the person should know and that is not the result."""

    def ask_person(self, question: str) -> bool:
        """Ask the person a question, and say whether they said yes; no where nobody sits there."""

    def report_landed(self, what: str) -> None:
        """Report that the change is on the disk, whatever happens to the rest of the command."""

    def begin_work(self, what: str, total: int | None) -> None:
        """Begin the display of work on `total` bytes, None when unknown."""

    def advance_work(self, count: int) -> None:
        """Count `count` more bytes as done."""

    def end_work(self) -> None:
        """End the display of the work that began last."""


class SilentReporter:
    """Reports nothing: for programs that use mlver as a library."""

    def show_note(self, text: str) -> None: ...

    def ask_person(self, question: str) -> bool:
        return False

    def report_landed(self, what: str) -> None: ...

    def begin_work(self, what: str, total: int | None) -> None: ...

    def advance_work(self, count: int) -> None: ...

    def end_work(self) -> None: ...
