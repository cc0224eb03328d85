"""Runs a command of the person's own, with everything it starts, for a limited time.

The command is an argument list that no shell reads. It leads a session, and so a process group, of
its own: whatever ends it reaches what it started as well, and nothing of it goes on running after
it has ended.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage
from typing import IO

from mlver.errors import MlverError, printable_name

# How long a command may take to clean up once it was told to end.
GRACE_SECONDS = 5.0
# What ends a process that does not heed it.
_REQUESTS = (signal.SIGTERM, signal.SIGHUP)
_SHORTEST_WAIT, _LONGEST_WAIT = 0.001, 0.05
# Linux counts in KiB, macOS in bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """What to run: `environment` is all of it, and `keep_open` are descriptors it inherits.

    It reads `input`, which is empty unless given, and what it prints goes to `output`. `timeout` is
    in seconds, None for no limit.
    """

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    output: IO[bytes] | int
    input: IO[bytes] | int = subprocess.DEVNULL
    timeout: float | None = None
    keep_open: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """How it ended: `code` is negative for a signal, as in `subprocess`.

    `seconds` is the time by the clock, `cpu_seconds` that of its processors, with every child it
    waited for. `max_rss_bytes` is the most memory that one of these processes held at once: not the
    sum of several, and never less than what this process held when it started the command.
    """

    code: int
    timed_out: bool
    seconds: float
    cpu_seconds: float
    max_rss_bytes: int


def run_command(command: RunCommand) -> FinishedRun:
    """Run a command to its end; raise MlverError where it cannot be started.

    Past its time it is told to end (SIGTERM), and killed where it has not after a while. A Ctrl-C
    reaches it as one, and is raised once it has ended; so is a request to end that came to this
    process.
    """
    started = time.monotonic()
    process = _start(command)
    try:
        timed_out = _let_run(process.pid, command.timeout)
    finally:
        seconds = time.monotonic() - started
        # Its number stands for nothing else until it is collected, so no stranger is killed.
        _signal_group(process.pid, signal.SIGKILL)
        code, usage = _reap(process)
    return FinishedRun(
        code=code,
        timed_out=timed_out,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        max_rss_bytes=usage.ru_maxrss * _RSS_UNIT,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUse:
    """What this process used, with the children that it waited for."""

    cpu_seconds: float
    max_rss_bytes: int


def measure_own_use() -> OwnUse:
    """Measure what this process has used since it began."""
    times = os.times()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return OwnUse(cpu_seconds=sum(times[:4]), max_rss_bytes=max(own, children) * _RSS_UNIT)


def _let_run(leader: int, timeout: float | None) -> bool:
    """Wait until a command has ended; say whether it was told to, as its time was over."""
    limit = None if timeout is None else time.monotonic() + timeout
    with _heeding_requests():
        try:
            if _wait_until(leader, limit):
                return False
            _stop_group(leader, signal.SIGTERM)
        except KeyboardInterrupt:
            _stop_group(leader, signal.SIGINT)
            raise
    return True


def _start(command: RunCommand) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command.words),
            cwd=command.folder,
            env=dict(command.environment),
            stdin=command.input,
            stdout=command.output,
            start_new_session=True,
            pass_fds=command.keep_open,
        )
    except (OSError, ValueError) as error:
        name = command.words[0]
        reason = str(error)
        if isinstance(error, OSError):
            reason = error.strerror or reason
            # It may be the folder, or what stands for the input.
            if error.filename is not None and os.fsdecode(error.filename) != name:
                reason += f": {os.fsdecode(error.filename)}"
        raise MlverError(
            f"{printable_name(name)} cannot be run: {printable_name(reason)}"
        ) from None


@contextmanager
def _heeding_requests() -> Iterator[None]:
    """Take a request to end this process for a Ctrl-C: the command would go on alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in _REQUESTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _stop_group(leader: int, number: signal.Signals) -> None:
    """Ask the group to end, and wait a while for its leader."""
    _signal_group(leader, number)
    _wait_until(leader, time.monotonic() + GRACE_SECONDS)


def _signal_group(leader: int, number: signal.Signals) -> None:
    # macOS does not let anybody signal a group of which only the ended leader is left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _wait_until(leader: int, limit: float | None) -> bool:
    """Wait for the leader's end, which stays to be collected; say whether it came in time."""
    pause = _SHORTEST_WAIT
    while True:
        options = os.WEXITED | os.WNOWAIT | os.WNOHANG
        if os.waitid(os.P_PID, leader, options) is not None:
            return True
        left = None if limit is None else limit - time.monotonic()
        if left is not None and left <= 0:
            return False
        time.sleep(pause if left is None else min(pause, left))
        pause = min(2 * pause, _LONGEST_WAIT)


def _reap(process: subprocess.Popen[bytes]) -> tuple[int, struct_rusage]:
    _, status, usage = os.wait4(process.pid, 0)
    # Popen would wait for a process that is gone.
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage
