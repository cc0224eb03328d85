"""Large files as they are copied: hashed on the way, and sent to the disk while they grow.

Nothing here makes a file durable; `durable` does that once the file is whole.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from queue import SimpleQueue
from typing import Protocol

from mlver.system.durable import naming_errors, write_all
from mlver.system.parallel import PIECE

# So much is written before the disk is asked to begin on it.
FLUSH_BYTES = 8 << 20
# So much is read and hashed before it is written by one call.
COPY_BYTES = 1 << 20
# A copy of this size or more is written past the system's memory. The copy of a smaller one is
# worth its place there: it is likely to be read next, and little time could be saved.
DIRECT_BYTES = 256 << 20
# How many pieces the reading thread may be ahead of the writing one.
_PIECES_AHEAD = 8
# What is written past the system's memory has to begin and end at a multiple of this.
_BLOCK = 4096
_O_DIRECT = getattr(os, "O_DIRECT", 0)
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
        self._is_direct = False

    def expect_bytes(self, size: int, direct_from: int | None = None) -> None:
        """Write past the system's memory, where it can, if so many bytes are many.

        Many are DIRECT_BYTES, or another number. To find memory for a large file, to copy it there
        and to forget it again takes most of the time of a copy. Every piece but the last has to be
        of whole pages then, and begin at one.
        """
        if size >= (DIRECT_BYTES if direct_from is None else direct_from):
            self._is_direct = self._switch_direct(_O_DIRECT)

    def write(self, data: memoryview) -> None:
        """Append the data; an OSError names the file."""
        with naming_errors(self._path):
            rest = data
            while rest and self._is_direct:
                rest = rest[self._write_directly(rest) :]
            write_all(self._descriptor, rest)
        self._count(len(data))

    def _write_directly(self, data: memoryview) -> int:
        """Write some of the data past the system's memory, or give that up; return how much."""
        if len(data) % _BLOCK == 0:
            try:
                return os.write(self._descriptor, data)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        self._switch_direct(0)
        self._is_direct = False
        return 0

    def _switch_direct(self, flag: int) -> bool:
        """Set the flag of the open file, or remove it with 0; return whether it is set now."""
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, (flags & ~_O_DIRECT) | flag)
        except OSError:
            if flag:
                return False
            raise
        return bool(flag)

    def _count(self, size: int) -> None:
        self._written += size
        waiting = self._written - self._flushed
        if waiting >= FLUSH_BYTES and not self._is_direct:
            start_flush(self._descriptor, self._flushed, waiting)
            self._flushed = self._written


class CopyTarget(Protocol):
    """A file that grows by what is written to it."""

    def expect_bytes(self, size: int) -> None:
        """Prepare for about so many bytes."""
        ...

    def write(self, data: memoryview) -> None:
        """Append the data."""
        ...


def copy_hashed(
    source: int, target: CopyTarget, progress: Callable[[int], None]
) -> tuple[str, int]:
    """Copy what is left to read of a descriptor; return the SHA-256 and the size of the copy.

    A second thread reads and hashes the pieces that this one writes: what is hashed is what is
    written, even where the source is changing. It changes nothing, so the order of all calls that
    do is the same in every run. An OSError of reading names no file.
    """
    target.expect_bytes(os.fstat(source).st_size)
    # The reader closes its own descriptor: a second Ctrl-C may leave the wait for it below, and the
    # number of the caller's would then be closed, and used again for another file.
    reader = _PieceReader(os.dup(source))
    thread = threading.Thread(target=reader.run, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # The system has no thread left.
        reader.close()
        raise
    size = 0
    try:
        for piece in reader.take_pieces():
            target.write(piece)
            size += len(piece)
            progress(len(piece))
    finally:
        # After an error or a Ctrl-C, nothing is to be read any more.
        reader.stop()
        thread.join()
    return reader.digest(), size


class _PieceReader:
    """Reads a descriptor to its end, piece by piece, hashes it, and closes the descriptor.

    `run` is for one thread, everything else for the thread that takes the pieces.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        self._hasher = hashlib.sha256()
        self._full: SimpleQueue[memoryview | None] = SimpleQueue()
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        self._stopped = False
        self._failure: BaseException | None = None
        # Such memory begins at a page, as what is written past the system's memory has to. It is
        # shared, because a private page that is being written so may get lost where another thread
        # forks (open(2), O_DIRECT).
        size = COPY_BYTES * _PIECES_AHEAD
        memory = memoryview(mmap.mmap(-1, size, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))
        for start in range(0, size, COPY_BYTES):
            self._free.put(memory[start : start + COPY_BYTES])

    def take_pieces(self) -> Iterator[memoryview]:
        """Yield the pieces in order, each until the next is asked for; raise what stopped `run`."""
        while (piece := self._full.get()) is not None:
            yield piece
            self._free.put(piece)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Have `run` return soon."""
        self._stopped = True
        self._free.put(memoryview(b""))

    def digest(self) -> str:
        """The SHA-256 of everything, once all pieces were taken."""
        return self._hasher.hexdigest()

    def run(self) -> None:
        """Read to the end, until `stop`."""
        try:
            is_whole = True
            while is_whole and not self._stopped:
                buffer = self._free.get()
                count = self._fill_buffer(buffer)
                if count:
                    self._full.put(buffer[:count])
                is_whole = count == len(buffer)
        # Whatever it is: half a hash must never pass for the file's.
        except BaseException as error:  # noqa: BLE001
            self._failure = error
        finally:
            self.close()
            self._full.put(None)

    def close(self) -> None:
        """Close the descriptor; only where `run` is never called."""
        os.close(self._source)

    def _fill_buffer(self, buffer: memoryview) -> int:
        """Read until the buffer is full or the source ends; return how many bytes were read."""
        done = 0
        while done < len(buffer) and not self._stopped:
            # A core hashes what it has just read from its own cache.
            part = buffer[done : done + PIECE]
            count = os.readv(self._source, [part])
            if count == 0:
                break
            self._hasher.update(part[:count])
            done += count
        return done


def reopen_direct(descriptor: int) -> int:
    """A second descriptor of a file, to write past the system's memory; -1 where that can't be.

    Memory, offset and size of what is written have to be multiples of 4096.
    """
    if not _O_DIRECT:
        return -1
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | _O_DIRECT | os.O_CLOEXEC)
    except OSError:
        return -1


def clone_blocks(source: int, target: int) -> bool:
    """Let an empty file share another's blocks; False if the file system cannot do that."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _NO_CLONE:
            return False
        raise
    return True


def link_descriptor(descriptor: int, name: str, folder: int | None = None) -> bool:
    """Give an open file another name, in an open folder or by a path; False where that can't be."""
    try:
        # Only `linkat` follows the link that Linux has for a descriptor.
        open_files = os.open("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.link(
            str(descriptor),
            name,
            src_dir_fd=open_files,
            dst_dir_fd=folder,
            follow_symlinks=True,
        )
    except OSError:
        return False
    finally:
        os.close(open_files)
    return True


@cache
def _load_sync_file_range() -> Callable[[int, int, int], None] | None:
    """Linux's sync_file_range, asked to start writing and not to wait; None elsewhere."""
    if sys.platform != "linux":
        return None
    import ctypes

    try:
        call = ctypes.CDLL(None).sync_file_range
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

    def start_writing(descriptor: int, offset: int, count: int) -> None:
        # Its answer does not matter: this only leaves less to do for the sync that follows.
        call(descriptor, offset, count, _SYNC_FILE_RANGE_WRITE)

    return start_writing
