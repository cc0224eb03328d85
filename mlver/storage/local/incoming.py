"""The files that contents are written to before they have a name in the store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mlver.storage import packs
from mlver.system import copying, durable, parallel

# The kernel takes 1,024 pieces at a time; a member has three.
_VECTORS = 900


class PackWriter:
    """A pack in the making, written by the process that began it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.length = 0
        self.process = os.getpid()
        self._descriptor = descriptor
        self._flushed = 0

    @classmethod
    def create_at(cls, path: Path) -> PackWriter:
        """Begin a pack in a new file."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return cls(path, os.open(path, flags, 0o600))

    def append_members(self, contents: Mapping[str, bytes]) -> bytes:
        """Add members; return the run of them."""
        members: list[packs.PackMember] = []
        vectors: list[bytes] = []
        with durable.naming_errors(self.path):
            for digest, content in contents.items():
                member = packs.PackMember(digest, self.length + packs.BLOCK, len(content))
                members.append(member)
                vectors.extend(packs.frame_member(digest, content))
                self.length = packs.member_end(member)
                if len(vectors) >= _VECTORS:
                    _write_vectors(self._descriptor, vectors)
                    vectors.clear()
            if vectors:
                _write_vectors(self._descriptor, vectors)
        if self.length - self._flushed >= copying.FLUSH_BYTES:
            copying.start_flush(self._descriptor, self._flushed, self.length - self._flushed)
            self._flushed = self.length
        return packs.encode_run(members)

    def close_file(self) -> None:
        """Close the file; its deposit ends the pack."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


class LooseBlob:
    """Satisfies hashing's BlobWriter: a large content in a temporary.

    `receive` is called with its path and digest once it is whole.
    """

    def __init__(self, path: Path, descriptor: int, receive: Callable[[Path, str], None]) -> None:
        self._path = path
        self._receive = receive
        self._descriptor = descriptor
        self._out = copying.FlushingWriter(descriptor, path)

    @classmethod
    def create_at(cls, path: Path, receive: Callable[[Path, str], None]) -> LooseBlob:
        """Begin a content in a new file."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return cls(path, os.open(path, flags, 0o600), receive)

    @property
    def file_descriptor(self) -> int:
        """See hashing's BlobWriter."""
        return self._descriptor

    def clone_from(self, source: int) -> bool:
        """See hashing's BlobWriter."""
        with durable.naming_errors(self._path):
            return copying.clone_blocks(source, self._descriptor)

    def expect_bytes(self, size: int) -> None:
        """See hashing's BlobWriter."""
        self._out.expect_bytes(size)

    def write(self, data: memoryview) -> None:
        """See hashing's BlobWriter."""
        self._out.write(data)

    def copy_checked(self, source: int, hexadecimal: str) -> bool:
        """Take the content of an open file, sharing its blocks if that can be.

        False, and nothing is kept, where what arrived does not hash to this digest.
        """
        try:
            if self.clone_from(source):
                found, _ = parallel.hash_descriptor(
                    self._descriptor, None, parallel.ignore_progress
                )
            else:
                found, _ = copying.copy_hashed(source, self, parallel.ignore_progress)
            if found == hexadecimal:
                self.keep_as(found)
                return True
        except BaseException:
            self.discard_content()
            raise
        self.discard_content()
        return False

    def keep_as(self, digest: str) -> None:
        """See hashing's BlobWriter."""
        with durable.naming_errors(self._path):
            os.fchmod(self._descriptor, 0o444)
        self._close_descriptor()
        self._receive(self._path, digest)

    def discard_content(self) -> None:
        """See hashing's BlobWriter."""
        self._close_descriptor()
        durable.discard_temporary(self._path)

    def _close_descriptor(self) -> None:
        """Close the file once, however often this is called."""
        descriptor = self._descriptor
        # First of all, so that an error of closing it cannot lead to closing another file.
        self._descriptor = -1
        if descriptor >= 0:
            os.close(descriptor)


def _write_vectors(descriptor: int, vectors: list[bytes]) -> None:
    """Append all pieces, by one call of the system where it takes them."""
    written = os.writev(descriptor, vectors)
    if written < sum(map(len, vectors)):
        # A full disk or a signal cut it short: write the rest the plain way.
        durable.write_all(descriptor, memoryview(b"".join(vectors))[written:])
