"""Large contents that come in parts, perhaps in several runs.

Each is put together in a file that is named by its digest, so that a run that was cut off is
continued by the next one. Nothing in it is proven.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from mlver.system import durable

# What nobody went on with for so many seconds is removed: 30 days.
_KEPT_FOR = 30 * 24 * 3600
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_partial(path: Path, size: int) -> int | None:
    """Open the file of a content, `size` bytes long, for this process alone; return its descriptor.

    What it held before is kept as far as it goes. None where another process has it.
    """
    with durable.naming_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = _open_writable(path)
            try:
                if not _lock_file(descriptor):
                    os.close(descriptor)
                    return None
                if _is_still_there(path, descriptor):
                    os.ftruncate(descriptor, size)
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            # Another process finished it between the two calls.
            os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a process that still runs has opened this file by `open_partial`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        # Somebody else's, who may be at work.
        return True
    try:
        return not _lock_file(descriptor)
    finally:
        os.close(descriptor)


def sweep_partials(directory: Path) -> int:
    """Remove the files that nobody went on with for a long time; return how many."""
    removed = 0
    oldest = time.time() - _KEPT_FOR
    with suppress(OSError):
        for entry in list(os.scandir(directory)):
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)  # noqa: PTH108
                    removed += 1
    return removed


def _open_writable(path: Path) -> int:
    try:
        return os.open(path, _FLAGS, 0o600)
    except PermissionError:
        # It was whole and could not be stored, so that it is read-only by now.
        if not path.is_symlink():
            path.chmod(0o600)
        return os.open(path, _FLAGS, 0o600)


def _lock_file(descriptor: int) -> bool:
    """Whether nobody else has the file now. The lock ends with the descriptor."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
