"""Spans of a large content on their way through memory, where they are hashed and written from.

To find room for a large file in the system's memory takes the system longer than to receive it, and
to read it again in order to hash it costs one more copy. So a span has a block of its own memory.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from contextlib import suppress

from mlver.storage.recipes import PART_BYTES
from mlver.storage.remote.workers import TransferWorkers

# What is written past the system's memory begins and ends at a multiple of this.
PAGE_BYTES = 4096
# So much is written by one call.
_WRITTEN_AT_ONCE = 4 << 20
# So many blocks there are at most: 96 MiB, however many jobs there are.
_MOST_BLOCKS = 6
# Spans that wait until those before them are hashed.
_SPARE_BLOCKS = 2
_TICK_S = 0.1


class SpanMemory:
    """Blocks that hold a span each. They are used again, for new memory costs time.

    Who takes blocks in the order of the spans never waits for ever: the first span that is not
    hashed has a block.
    """

    def __init__(self, jobs: int) -> None:
        self._left = min(jobs + _SPARE_BLOCKS, _MOST_BLOCKS)
        self._free: list[memoryview] = []
        self._changed = threading.Condition()

    def take_block(self, workers: TransferWorkers) -> memoryview:
        """A block that nobody else has, as soon as there is one."""
        with self._changed:
            while not self._free and not self._left:
                workers.raise_if_stopped()
                self._changed.wait(_TICK_S)
            if self._free:
                return self._free.pop()
            self._left -= 1
        return memoryview(map_block())

    def give_back(self, block: memoryview) -> None:
        """Let somebody else have the block."""
        with self._changed:
            self._free.append(block)
            self._changed.notify()


def map_block() -> mmap.mmap:
    """New memory for a span, which begins at a page."""
    size = PART_BYTES + PAGE_BYTES
    if not hasattr(mmap, "MADV_DONTFORK"):
        return mmap.mmap(-1, size, mmap.MAP_SHARED | mmap.MAP_ANON)
    block = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANON)
    # A private page that is being written past the system's memory may get lost where another
    # thread forks, unless the child has none of it (open(2), O_DIRECT).
    block.madvise(mmap.MADV_DONTFORK)
    # To find room for a page at a time costs as much as the whole way to the disk.
    with suppress(OSError):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


def cut_block(block: memoryview, offset: int, size: int) -> memoryview:
    """Where in a block a span is: as far from a page as it is in its file."""
    shift = offset % PAGE_BYTES
    return block[shift : shift + size]


class SpanInMemory:
    """The bytes of a file from `offset` on, which arrive in a block.

    What has come is given to `write` every few MiB, with its offset.
    """

    def __init__(
        self, offset: int, size: int, block: memoryview, write: Callable[[int, memoryview], None]
    ) -> None:
        self._offset = offset
        self._write = write
        self._data = cut_block(block, offset, size)
        self._received = 0
        self._written = 0

    def add_piece(self, piece: memoryview) -> None:
        """Take the next bytes."""
        end = self._received + len(piece)
        self._data[self._received : end] = piece
        self._received = end
        reached = self._offset + end
        self._write_until(reached - reached % _WRITTEN_AT_ONCE - self._offset)

    def write_rest(self) -> None:
        """Write what is not written yet."""
        self._write_until(self._received)

    def _write_until(self, end: int) -> None:
        while self._written < end:
            offset = self._offset + self._written
            # To the next multiple of what is written at once.
            step = min(_WRITTEN_AT_ONCE - offset % _WRITTEN_AT_ONCE, end - self._written)
            data = self._data[self._written : self._written + step]
            self._write(offset, data)
            self._written += step
