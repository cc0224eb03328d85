"""What git tells of a transfer while it works: its bytes for a bar, the rest for an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from git import RemoteProgress

# What git tells of its work, which explains no failure.
_CHATTER = re.compile(
    r"(?:remote: )?"
    r"(?:[A-Z][a-z]+ (?:objects|deltas|sources|references): .*"
    r"|Total \d+ .*|Delta compression using .*)"
    r"|(?:To|From) .*|Everything up-to-date"
)
_AMOUNT = re.compile(r"([0-9.]+) (bytes|KiB|MiB|GiB)\b")
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class TransferReporter(Protocol):
    """The part of a reporter that shows how many bytes have come or gone."""

    def begin_work(self, what: str, total: int | None) -> None: ...

    def advance_work(self, count: int) -> None: ...

    def end_work(self) -> None: ...


class SilentTransfer:
    """Shows nothing."""

    def begin_work(self, what: str, total: int | None) -> None: ...

    def advance_work(self, count: int) -> None: ...

    def end_work(self) -> None: ...


class TransferProgress(RemoteProgress):
    """Shows the bytes of one transfer, and keeps what else git printed, to explain a failure."""

    def __init__(self, what: str, reporter: TransferReporter) -> None:
        super().__init__()
        self.what = what
        self.reporter = reporter
        self.lines: list[str] = []
        self.begun = False
        self.spoken = False
        self.shown = 0

    def new_message_handler(self) -> Callable[[str], None]:
        parse = super().new_message_handler()

        def handle(line: str) -> None:
            text = line.rstrip()
            self.spoken = self.spoken or bool(_CHATTER.fullmatch(text))
            if text and not _CHATTER.fullmatch(text):
                self.lines.append(text)
            parse(line)

        return handle

    def update(
        self, op_code: int, cur_count: Any, max_count: Any = None, message: str = ""
    ) -> None:
        amount = _AMOUNT.match(message)
        if amount is None or not op_code & (self.RECEIVING | self.WRITING):
            return
        size = round(float(amount[1]) * _UNITS[amount[2]])
        # a bar that cannot be drawn stops no transfer
        with suppress(OSError):
            if not self.begun:
                self.begun = True
                self.reporter.begin_work(self.what, None)
            # git rounds what it prints, so a later figure may be the smaller one
            self.reporter.advance_work(max(0, size - self.shown))
        self.shown = max(size, self.shown)

    def close(self) -> None:
        if self.begun:
            self.reporter.end_work()
