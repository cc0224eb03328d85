"""Exit codes, and how a stream that cannot be written to is given up."""

from __future__ import annotations

import os
from typing import TextIO

BUG, INTERRUPTED = 70, 130


def discard_stream(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere.

    `mlver log | head`: the reader has had enough, and Python would complain once more at its exit.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
