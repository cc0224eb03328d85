"""Runs mlver on a pseudo terminal, as a person does, and reads what appears there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.conftest import CHECKOUT

PATIENCE_S = 30.0
_COLUMNS = 80


class Shown(NamedTuple):
    """The exit code, and everything that appeared on the terminal."""

    code: int
    text: str


def run_on_terminal(
    arguments: tuple[str, ...],
    where: Path,
    *,
    rows: int = 24,
    keys: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Shown:
    """Run `mlver ARGUMENTS…` on a terminal; each of `keys` is pressed once its text is there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, _COLUMNS, 0, 0))
    environment = {**os.environ, "PYTHONPATH": os.fspath(CHECKOUT), "TERM": "xterm"}
    environment.update(variables or {})
    # The terminal itself says how large it is.
    environment.pop("COLUMNS", None)
    environment.pop("LINES", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "mlver", *arguments],
        cwd=where,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        text = _read_terminal(ours, dict(keys or {}))
        return Shown(process.wait(PATIENCE_S), text)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_terminal(terminal: int, keys: dict[str, str]) -> str:
    shown = b""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:  # nobody holds the other end any more
            break
        if not piece:
            break
        shown += piece
        for text in [text for text in keys if text in shown.decode(errors="replace")]:
            os.write(terminal, keys.pop(text).encode())
    return shown.decode(errors="replace").replace("\r\n", "\n")
