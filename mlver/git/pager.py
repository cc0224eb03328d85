"""The pager that git would take, and how it is run.

A pager is a program that a person chose: by a variable, or in the configuration of their account or
machine. What one repository's own configuration names is never run: whoever copies a repository
gets that file, too.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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


def find_pager(directory: Path) -> str:
    """The pager of this person: GIT_PAGER, core.pager, PAGER, or less; empty for none."""
    for found in (os.environ.get("GIT_PAGER"), _read_setting(directory), os.environ.get("PAGER")):
        if found is not None:
            return "" if found == "cat" else found
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


def run_pager(command: str, text: bytes) -> bool:
    """Show a text in a pager until its reader leaves it; False where it cannot be started."""
    words = shlex.split(command) if _SHELL_CHARACTERS.isdisjoint(command) else ["sh", "-c", command]
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env={**_DEFAULTS, **os.environ})
    except OSError:
        return False
    with _ignored_interrupts():
        # A reader that leaves early closes the pipe, which is no error here.
        process.communicate(text)
    return process.returncode not in _UNSTARTED


@contextmanager
def _ignored_interrupts() -> Iterator[None]:
    """Leave a Ctrl-C to the pager, which gets it as well."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _ignore_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _ignore_signal(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. A handler is not passed on to the pager, as an ignored signal would be."""
