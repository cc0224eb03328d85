"""Opens files that anybody may have put in place: each is a regular file, or it is refused.

A repository can come as an archive, and a store can lie in a shared folder. A FIFO there would make
a plain `open` wait for ever, and a device would never end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from io import BufferedReader

# O_NONBLOCK: opening a FIFO returns at once instead of waiting for somebody who writes to it.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symlink"),
)
AnyPath = str | bytes | os.PathLike[str]


def open_regular(
    path: AnyPath, *, follow: bool = False, opener: Callable[[AnyPath, int], int] = os.open
) -> int:
    """Open a regular file for reading, by `opener` where that is given; return its descriptor.

    Raise OSError, which names the path and what is there, for anything else. A symlink in its
    place is refused as well, unless `follow`.
    """
    flags = _FLAGS
    if not follow:
        flags |= os.O_NOFOLLOW
    try:
        descriptor = opener(path, flags)
    except OSError as error:
        # ELOOP: a symlink, ENXIO: a socket.
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise _irregular_error(path, os.lstat(path).st_mode, error.errno) from None
        raise
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise _irregular_error(path, mode, errno.EINVAL)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def reading_regular(path: AnyPath, *, follow: bool = False) -> Iterator[BufferedReader]:
    """Open a regular file for a `with` block; raise OSError as `open_regular` does."""
    with os.fdopen(open_regular(path, follow=follow), "rb") as file:
        yield file


def read_regular(path: AnyPath, limit: int = -1, *, follow: bool = False) -> bytes:
    """Read a regular file, at most `limit` bytes of it; raise OSError as `open_regular` does."""
    with reading_regular(path, follow=follow) as file:
        return file.read(limit)


def _irregular_error(path: AnyPath, mode: int, number: int) -> OSError:
    kind = "a device"
    for is_kind, name in _KINDS:
        if is_kind(mode):
            kind = name
    return OSError(number, f"it is {kind}, not a regular file", os.fsdecode(path))
