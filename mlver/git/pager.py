"""The pager that git would take, and how it is run.

A pager is a program that a person chose: by a variable, or in the configuration of their account or
machine. What one repository's own configuration names is never run: whoever copies a repository
gets that file, too.
"""

from __future__ import annotations

import array
import fcntl
import os
import shlex
import signal
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType

from mlver.errors import MlverError
from mlver.git.process import GitProcess

_DEFAULT = "less"
_SCOPES = ("system", "global", "command")
# As git sets them where they are not set: less keeps colours, and leaves the screen as it was.
_DEFAULTS = {"LESS": "FRX", "LV": "-c"}
# A command with one of these is for a shell.
_SHELL_CHARACTERS = frozenset("|&;<>()$`\\\"' \t\n*?[#~=%") - frozenset(" ")
# What a shell answers where it cannot start a program.
_UNSTARTED = (126, 127)
_NOT_STARTED = "could not be started"


def find_pager(directory: Path) -> str:
    """The pager of this person: GIT_PAGER, core.pager, PAGER, or less; empty for none."""
    for found in (os.environ.get("GIT_PAGER"), _read_setting(directory), os.environ.get("PAGER")):
        if found is not None:
            return "" if found.strip() in ("", "cat") else found
    return _DEFAULT


def _read_setting(directory: Path) -> str | None:
    try:
        finished = GitProcess(directory).try_read(
            ["config", "--show-scope", "--null", "--get-all", "core.pager"]
        )
    except MlverError:
        return None
    fields = finished.out.decode(errors="replace").split("\0")
    value = None
    for scope, candidate in zip(fields[::2], fields[1::2], strict=False):
        if scope in _SCOPES:
            value = candidate
    return value


def run_pager(command: str, text: bytes) -> str | None:
    """Show a text in a pager until its reader leaves it.

    None where that went well. Otherwise what the pager did: it was not started, or it failed with
    some of the text unread.
    """
    words = shlex.split(command) if _SHELL_CHARACTERS.isdisjoint(command) else ["sh", "-c", command]
    with closing(_TextPipe()) as feed:
        try:
            process = subprocess.Popen(words, stdin=feed.read_end, env={**_DEFAULTS, **os.environ})
        except OSError:
            return _NOT_STARTED
        with _ignored_interrupts() as interrupts:
            feed.send(text)
            process.wait()
            is_unread = feed.close_reading()
    if process.returncode in _UNSTARTED:
        return _NOT_STARTED
    # A reader may leave early, by a key or a Ctrl-C.
    if process.returncode == 0 or interrupts or not is_unread:
        return None
    return f"failed with status {process.returncode}"


class _TextPipe:
    """A pipe to a pager. Both ends are open here, so that unread text can be counted."""

    def __init__(self) -> None:
        self.read_end, self._write_end = os.pipe()
        self._unwritten = 0
        self._is_reading = True
        self._thread: threading.Thread | None = None

    def send(self, text: bytes) -> None:
        """Write a text while the pager reads it."""
        self._unwritten = len(text)
        self._thread = threading.Thread(target=self._write_all, args=(text,), daemon=True)
        self._thread.start()

    def close_reading(self) -> bool:
        """Whether some of the text is unread. After this a writer that nobody reads fails."""
        waiting = array.array("i", [0])
        fcntl.ioctl(self.read_end, termios.FIONREAD, waiting)
        is_unread = self._unwritten > 0 or waiting[0] > 0
        os.close(self.read_end)
        self._is_reading = False
        return is_unread

    def close(self) -> None:
        """Close what is open; a pager that is still there gets all of the text first."""
        if self._is_reading:
            os.close(self.read_end)
        if self._thread is None:
            os.close(self._write_end)
        else:
            self._thread.join()

    def _write_all(self, text: bytes) -> None:
        rest = memoryview(text)
        # A reader that leaves early closes the pipe, which is no error here.
        with suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._write_end, rest) :]
                self._unwritten = len(rest)
        os.close(self._write_end)


@contextmanager
def _ignored_interrupts() -> Iterator[list[int]]:
    """Leave a Ctrl-C to the pager, which gets it as well; yield a list that holds each of them."""
    interrupts: list[int] = []

    # A handler is not passed on to the pager, as an ignored signal would be.
    def note_signal(number: int, _frame: FrameType | None) -> None:
        interrupts.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, note_signal)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
