"""Large files as they are copied: by the system where it can, and flushed while they grow.

Nothing here makes a file durable; `durable` does that once the file is whole.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Callable
from functools import cache

from mlver.system.durable import naming_errors, write_all

# So much is written before the disk is asked to begin on it.
FLUSH_BYTES = 8 << 20
# So much is copied by one call: little enough that a Ctrl-C does not have to wait.
COPY_BYTES = 8 << 20
_READ_BYTES = 1 << 17
# From <linux/fs.h>.
_FICLONE = 0x40049409
_SYNC_FILE_RANGE_WRITE = 2
_NO_CLONE = (
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.EINVAL,
    errno.EXDEV,
    errno.ENOSYS,
    errno.EPERM,
    errno.ETXTBSY,
)


def start_flush(descriptor: int, offset: int, count: int) -> None:
    """Have the disk begin on these bytes, so that the later sync finds little left to do."""
    flush = _load_sync_file_range()
    if flush is not None:
        flush(descriptor, offset, count)


class FlushingWriter:
    """A new file that grows, and that the disk begins to write every few MiB."""

    def __init__(self, descriptor: int, path: str | os.PathLike[str]) -> None:
        self._descriptor = descriptor
        self._path = path
        self._written = 0
        self._flushed = 0
        self._copies = hasattr(os, "copy_file_range")

    def write(self, data: memoryview) -> None:
        with naming_errors(self._path):
            write_all(self._descriptor, data)
        self._count(len(data))

    def take(self, source: int) -> int:
        """Append some of what is left to read of a descriptor; return how many bytes, 0 at its end.

        What reading `source` raises names no file; what writing raises names this one.
        """
        if self._copies:
            count = self._copy(source)
            if count:
                self._count(count)
                return count
        # What the system does not copy, or can't, is read and written: that finds the end, or says
        # which file fails.
        self._copies = False
        data = os.read(source, _READ_BYTES)
        if data:
            self.write(memoryview(data))
        return len(data)

    def _copy(self, source: int) -> int:
        """Have the system copy: it takes half the time, for no byte comes to this process."""
        try:
            return os.copy_file_range(source, self._descriptor, COPY_BYTES)
        except OSError:
            return 0

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Read bytes of the file into the buffer, or a part of it; return how many."""
        with naming_errors(self._path):
            count = os.preadv(self._descriptor, [buffer], offset)
            if count == 0:
                raise OSError(errno.EIO, "what was written cannot be read back")
        return count

    def _count(self, size: int) -> None:
        self._written += size
        waiting = self._written - self._flushed
        if waiting >= FLUSH_BYTES:
            start_flush(self._descriptor, self._flushed, waiting)
            self._flushed = self._written


def clone_blocks(source: int, target: int) -> bool:
    """Let an empty file share another's blocks; False if the file system cannot do that."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _NO_CLONE:
            return False
        raise
    return True


@cache
def _load_sync_file_range() -> Callable[[int, int, int], None] | None:
    """Linux's sync_file_range, asked to start writing and not to wait; None elsewhere."""
    if sys.platform != "linux":
        return None
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

    def start_writing(descriptor: int, offset: int, count: int) -> None:
        # Its answer does not matter: this only leaves less to do for the sync that follows.
        call(descriptor, offset, count, _SYNC_FILE_RANGE_WRITE)

    return start_writing
