"""How a command ends: exit codes, an interrupt, and a stream that cannot be written to."""

from __future__ import annotations

import os
from typing import TextIO

BUG = 70
INTERRUPTED = 130


class CommandInterrupted(KeyboardInterrupt):
    """A Ctrl-C, with the operations that were complete before it (`register digits 1.1.0`)."""

    def __init__(self, landed: tuple[str, ...]) -> None:
        super().__init__()
        self.landed = landed


def discard_stream(stream: TextIO) -> None:
    """Let everything that is still written to a stream go nowhere.

    In `mlver log | head` the reader leaves early, and Python would complain again at its exit.
    """
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        # A stream in memory keeps nobody waiting.
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
