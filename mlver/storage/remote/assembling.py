"""A large content that is put together from spans, which arrive in any order."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error
from mlver.storage.recipes import cut_evenly
from mlver.storage.remote.catalogue import part_key
from mlver.storage.remote.span_memory import PAGE_BYTES, cut_block
from mlver.storage.remote.survey import StoredCopy
from mlver.storage.remote.workers import TransferStopped
from mlver.system import copying, durable

# Read again to be hashed, out of the system's memory for the most part.
_PIECE_BYTES = 256 << 10


class _PartHasher(Protocol):
    def update(self, data: memoryview, /) -> None: ...


class PartSpan(NamedTuple):
    """So many bytes of a content at `offset`, and where they are: at `start` of a blob.

    `sha256` is their digest; empty where only that of the whole content is known.
    """

    key: str
    start: int
    offset: int
    size: int
    sha256: str


def list_spans(digest: Digest, stored_copy: StoredCopy) -> list[PartSpan]:
    """The spans that a copy is read by."""
    if stored_copy.recipe is not None:
        spans = []
        for part in stored_copy.recipe.parts:
            spans.append(PartSpan(part_key(part.sha256), 0, part.offset, part.size, part.sha256))
        return spans
    cuts = list(cut_evenly(0, stored_copy.size))
    sha256 = digest.hex if len(cuts) == 1 else ""
    key, start = stored_copy.key, stored_copy.offset
    return [PartSpan(key, start + offset, offset, size, sha256) for offset, size in cuts]


class AssembledContent:
    """The file of a content, written by several threads.

    The whole content is hashed span by span, while later ones still arrive; `count_hashed` is
    called with the number of bytes. `was_begun` tells whether the file may hold spans of an earlier
    run; `place` is its path, for messages. `fault` is what is wrong with the remote's copy: a key,
    and words; empty where nothing is.

    `is_large`: its spans are to pass through blocks of memory. Each block is given to `give_back`.
    """

    def __init__(
        self,
        digest: Digest,
        stored_copy: StoredCopy,
        descriptor: int,
        place: str,
        count_hashed: Callable[[int], None],
        give_back: Callable[[memoryview], None],
    ) -> None:
        self.digest = digest
        self.spans = list_spans(digest, stored_copy)
        self._key = stored_copy.key
        self.descriptor = descriptor
        self._place = place
        self.fault = ""
        self.was_begun = os.fstat(descriptor).st_blocks > 0
        self.is_large = stored_copy.size >= copying.DIRECT_BYTES
        self._direct = copying.reopen_direct(descriptor) if self.is_large else -1
        self._blocks: dict[int, memoryview] = {}
        self._count_hashed = count_hashed
        self._give_back = give_back
        self._arrived = [False] * len(self.spans)
        self._left = len(self.spans)
        self._hasher = hashlib.sha256()
        self._hashed = 0
        self._users = 0
        self._is_closed = False
        self._lock = threading.Lock()
        self._hash_lock = threading.Lock()

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write bytes that may be wrong: they are hashed before anybody relies on them."""
        with self._using_file():
            while data:
                count = os.pwrite(self.descriptor, data, offset)
                data = data[count:]
                offset += count

    def write_directly(self, offset: int, data: memoryview) -> None:
        """Write whole pages past the system's memory where that can be, and all else as usual.

        The data is as far from a page in memory as it is in the file.
        """
        start = min(-offset % PAGE_BYTES, len(data))
        end = len(data) - (len(data) - start) % PAGE_BYTES
        done = start
        with self._using_file():
            while done < end and self._direct >= 0:
                count = self._write_pages(offset + done, data[done:end])
                if count % PAGE_BYTES or not count:
                    break
                done += count
        self.write_at(offset, data[:start])
        self.write_at(offset + done, data[done:])

    def _write_pages(self, offset: int, pages: memoryview) -> int:
        """Write some pages; return how many bytes, none where the file system cannot."""
        try:
            return os.pwrite(self._direct, pages, offset)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return 0

    def start_flush(self, span: PartSpan) -> None:
        """Have the disk begin on a span that is written."""
        with self._using_file():
            copying.start_flush(self.descriptor, span.offset, span.size)

    @contextmanager
    def _using_file(self) -> Iterator[None]:
        """Keep the file open meanwhile. Raise TransferStopped where it is closed already."""
        with self._lock:
            # Once it is closed, the number may be that of another file.
            if self._is_closed:
                raise TransferStopped
            self._users += 1
        try:
            yield
        except OSError as error:
            raise self._build_refusal("storing", error) from error
        finally:
            with self._lock:
                self._users -= 1
                self._close_unused()

    def holds_span(self, span: PartSpan) -> bool:
        """Whether the file has the bytes of a span, from a run that was cut off."""
        return self.was_begun and bool(span.sha256) and self._has_digest(span)

    def _has_digest(self, span: PartSpan) -> bool:
        hasher = hashlib.sha256()
        self._hash_into(hasher, span)
        return hasher.hexdigest() == span.sha256

    def end_span(self, number: int) -> bool:
        """A span is there, or will never be; whether it was the last one."""
        self._arrived[number] = True
        # Looked at again each time: what arrives while another thread hashes is left to that one.
        while not self.fault and self._has_next() and self._hash_lock.acquire(blocking=False):
            try:
                self._hash_arrived()
            finally:
                self._hash_lock.release()
        with self._lock:
            while self.fault and self._blocks:
                self._give_back(self._blocks.popitem()[1])
            self._left -= 1
            return self._left == 0

    def is_sound(self) -> bool:
        """Whether the whole content, of which all spans are there, hashes to its digest.

        Where it does not, `fault` tells why.
        """
        if self.fault:
            return False
        with self._hash_lock:
            self._hash_arrived()
        if self._hasher.hexdigest() == self.digest.hex:
            return True
        self.fault = self._find_fault()
        return False

    def _find_fault(self) -> str:
        """Which of the spans are not the bytes that they should be."""
        for span in self.spans:
            if span.sha256 and not self._has_digest(span):
                return f"{span.key} is damaged"
        # Too large a blob, or a recipe that leads to other parts.
        return f"{self._key} has other bytes"

    def flush_file(self) -> None:
        """Have all bytes on the disk."""
        try:
            durable.sync_descriptor(self.descriptor)
        except OSError as error:
            raise self._build_refusal("storing", error) from error

    def close_file(self) -> None:
        """Close the file, once the writes that are under way have ended; no other one begins."""
        with self._lock:
            self._is_closed = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self._is_closed and not self._users and self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            if self._direct >= 0:
                os.close(self._direct)
                self._direct = -1

    def keep_block(self, number: int, block: memoryview) -> None:
        """A span that is written has all its bytes in this block as well, to be hashed."""
        with self._lock:
            self._blocks[number] = block

    def _has_next(self) -> bool:
        """Whether the next span to be hashed is there."""
        return self._hashed < len(self.spans) and self._arrived[self._hashed]

    def _hash_arrived(self) -> None:
        """Hash the spans that came since, as far as none is missing in between."""
        while self._has_next():
            span = self.spans[self._hashed]
            with self._lock:
                block = self._blocks.pop(self._hashed, None)
            if block is None:
                self._hash_into(self._hasher, span)
            else:
                self._hasher.update(cut_block(block, span.offset, span.size))
                self._give_back(block)
            self._count_hashed(span.size)
            self._hashed += 1

    def _hash_into(self, hasher: _PartHasher, span: PartSpan) -> None:
        end = span.offset + span.size
        # Used again and again, so that it stays in a core's own cache.
        memory = memoryview(bytearray(min(_PIECE_BYTES, span.size)))
        offset = span.offset
        try:
            while offset < end:
                count = os.preadv(self.descriptor, [memory[: end - offset]], offset)
                if not count:
                    break
                hasher.update(memory[:count])
                offset += count
        except OSError as error:
            raise self._build_refusal("reading", error) from error

    def _build_refusal(self, doing: str, error: OSError) -> MlverError:
        """The error of the file, which calls with a descriptor do not name."""
        error.filename = self._place
        return refusal_error(f"{doing} {self.digest}", error)
