"""The stat cache: a file whose inode, size and times are as they were is taken to have the digest it had.

Git's "racy" rule holds: a file that changed so recently that a further change might leave the same times is not kept.
A directory has one entry more, for all its files at once: where nothing changed, no other is asked for.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from mlver.hashing.walk import FoundFile

# A signature is inode, size, mtime and ctime in nanoseconds, in this machine's byte order: `total_size`.
_SIGNATURE = struct.Struct("=QQqq")
# All files of a directory at once: their imprint, the digest of their manifest, their size in bytes and their number.
_WHOLE = struct.Struct("=32s32sQQ")
_SECOND = 1_000_000_000
# Files told of at a time: some hundred kilobytes.
_TOLD = 4096
# Linux stamps files with the time of its last tick, at most 10 ms ago; file systems that count seconds, or two (FAT).
_FINE_NS, _COARSE_NS = 20_000_000, 2 * _SECOND
MatchedFile = tuple[bytes, bytes, bytes | None]


class FileTable(Protocol):
    """What `mlver.system.state.State` does for us. Entries are opaque bytes there."""

    def read_files(self, worktree: str, path: bytes) -> Iterator[tuple[bytes, bytes]]: ...

    def keep_files(
        self, worktree: str, kept: Iterable[tuple[bytes, bytes]], dropped: Iterable[bytes]
    ) -> None: ...


def stat_signature(found: os.stat_result) -> bytes:
    return _SIGNATURE.pack(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def signed_size(signed: bytes) -> int:
    return int.from_bytes(signed[8:16], sys.byteorder)


def total_size(signatures: Iterable[bytes]) -> int:
    return sum(memoryview(b"".join(signatures)).cast("Q")[1::4])


def is_racy(signed: bytes, began_ns: int) -> bool:
    """Whether the file changed so shortly before `began_ns` that a change after our reading may go unseen."""
    _, _, modified, changed = _SIGNATURE.unpack(signed)
    coarse = changed % _SECOND == 0
    return bool(max(modified, changed) + (_COARSE_NS if coarse else _FINE_NS) >= began_ns)


class DirectoryImprint:
    """Every path and signature of a directory's files, in order, come down to 32 bytes."""

    def __init__(self) -> None:
        self._hasher = hashlib.blake2b(digest_size=32)
        self._newest = 0

    def add_files(self, paths: Sequence[bytes], signatures: Sequence[bytes]) -> None:
        """As many of the one as of the other. No path holds the NUL that ends it here."""
        self.add_encoded(
            b"".join([b"%b\0%b" % both for both in zip(paths, signatures, strict=True)])
        )
        times = memoryview(b"".join(signatures)).cast("q")
        self._newest = max(self._newest, max(times[2::4], default=0), max(times[3::4], default=0))

    def add_encoded(self, told: bytes) -> None:
        """The same for what `told_of` says, where nobody will ask whether it is racy."""
        self._hasher.update(told)

    def final_digest(self) -> bytes:
        return self._hasher.digest()

    def is_racy(self, began_ns: int) -> bool:
        """Whether one of the files may have changed unseen since `began_ns`, whatever the file system's clock."""
        return self._newest + _COARSE_NS >= began_ns


def encode_files(walked: Iterator[FoundFile]) -> Generator[bytes, None, None]:
    """What an imprint is made of, some thousands of files at a time."""
    pack = _SIGNATURE.pack
    while told := [
        b"%b\0%b" % (path, pack(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
        for path, found in islice(walked, _TOLD)
    ]:
        yield b"".join(told)


@dataclass(frozen=True, slots=True)
class MeasuredDirectory:
    """A directory as it was measured: the imprint of its files, the manifest's digest, their size and number."""

    imprint: bytes
    digest: bytes
    size: int
    files: int


class StatCache:
    """The digests of one working tree's files. `worktree` tells it from others that share the table."""

    def __init__(self, table: FileTable, worktree: str) -> None:
        self._table = table
        self._worktree = worktree
        self._gone: list[bytes] = []

    def match_files(self, key: bytes, walked: Iterable[FoundFile]) -> Iterator[MatchedFile]:
        """Yield (path, signature, digest if known) for each file found below the artifact `key`.

        Both sides come in the order of their bytes, so one pass over the table serves. What the table has and the walk
        doesn't is dropped with the next `keep`.
        """
        rows = self._table.read_files(self._worktree, key)
        pack = _SIGNATURE.pack
        below = key + b"/"
        known, entry = next(rows, (None, b""))
        for path, found in walked:
            signed = pack(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            full = below + path if path else key
            while known is not None and known < full:
                self._gone.append(known)
                known, entry = next(rows, (None, b""))
            if known == full:
                yield (
                    path,
                    signed,
                    entry[32:] if len(entry) == 64 and entry.startswith(signed) else None,
                )
                known, entry = next(rows, (None, b""))
            else:
                yield path, signed, None
        while known is not None:
            self._gone.append(known)
            known, entry = next(rows, (None, b""))

    def keep_measured(
        self, key: bytes, measured: Iterable[tuple[bytes, bytes, bytes]], began_ns: int
    ) -> None:
        """Keep (path, signature, digest) of files that were read from `began_ns` on, the racy ones excepted."""
        kept, racy = [], []
        for path, signed, digest in measured:
            full = key + b"/" + path if path else key
            if is_racy(signed, began_ns):
                racy.append(full)
            else:
                kept.append((full, signed + digest))
        self._table.keep_files(self._worktree, kept, self._gone + racy)
        self._gone = []

    def find_directory(self, key: bytes) -> MeasuredDirectory | None:
        """The directory `key` as it was kept."""
        for _, entry in self._table.read_files(self._worktree, key + b"/"):
            return MeasuredDirectory(*_WHOLE.unpack(entry)) if len(entry) == _WHOLE.size else None
        return None

    def keep_directory(self, key: bytes, whole: MeasuredDirectory) -> None:
        entry = _WHOLE.pack(whole.imprint, whole.digest, whole.size, whole.files)
        self._table.keep_files(self._worktree, [(key + b"/", entry)], ())

    def drop_vanished(self) -> None:
        """Drop what the last `join` found in the table and not on the disk."""
        self._table.keep_files(self._worktree, (), self._gone)
        self._gone = []
