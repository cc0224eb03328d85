"""One writer at a time, across every work tree of a repository.

The kernel's own lock on an open file: it ends with the last process that holds it, so nobody ever
has to delete it. The git processes an edit starts hold it too: a git that outlives a killed mlver
keeps the next writer waiting.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlver.errors import MlverError, refusal_error
from mlver.system.regular import read_regular

WAIT_S = 30.0
_POLL_S = 0.02


@contextmanager
def hold_lock(directory: Path, wait: float = WAIT_S) -> Iterator[int]:
    """Hold the lock in `directory`, waiting `wait` seconds for it.

    Yield its descriptor, for the processes that are started while it is held. Raise MlverError,
    naming the holder, when the time is up.
    """
    path = directory / "lock"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise refusal_error("locking the repository", error) from error
    try:
        _acquire_lock(descriptor, path, wait)
        holder = {"pid": os.getpid(), "command": sys.argv[1:], "since": time.time()}
        _write_holder(descriptor, holder)
        yield descriptor
    finally:
        # never unlocked by name: a git that still runs keeps its own copy, and with it the lock
        os.close(descriptor)


def _acquire_lock(descriptor: int, path: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise MlverError(
                    f"another mlver is writing here: {_describe_holder(path)}; waited {wait:g} s;"
                    " let it finish and run the command again, or wait longer",
                    hint="mlver --wait 300 COMMAND",
                ) from None
            time.sleep(_POLL_S)
        except OSError as error:
            raise refusal_error(f"locking {path}", error) from error
        else:
            return


def _write_holder(descriptor: int, holder: dict[str, object]) -> None:
    """Note who holds the lock, for those who wait: a courtesy, never a reason to stop."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _describe_holder(path: Path) -> str:
    try:
        # only shown to a person, and sanitised on the way
        holder = json.loads(read_regular(path))
        pid = int(holder["pid"])
        words = " ".join(map(str, holder["command"]))
        duration = f"for {time.time() - holder['since']:.0f} s"
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say which process"
    if not Path("/proc/self").exists() or Path(f"/proc/{pid}").exists():
        return f"process {pid} (mlver {words}), {duration}"
    # the holder has ended, and a process it started keeps the lock
    return f"a program that process {pid} (mlver {words}) started and that still runs, {duration}"
