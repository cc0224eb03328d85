"""The stat cache: a file with the same device, inode, size and times as before has the same digest.

That is good enough to show what changed, and no proof: what is pinned or audited is read.

Git's "racy" rule holds: a file that changed so recently that a further change might leave the same
times is not kept. A directory has one entry more, for all its files at once: where nothing changed,
no other entry is read.
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

# A signature is device, inode, size, mtime and ctime in nanoseconds. It has this machine's byte
# order, so that `total_size` can read many at once.
_SIGNATURE = struct.Struct("=QQQqq")
_FIELDS = 5
_ENTRY_SIZE = _SIGNATURE.size + 32
# All files of a directory at once: their imprint, the digest of their manifest, their size in bytes
# and their number.
_WHOLE = struct.Struct("=32s32sQQ")
_SECOND = 1_000_000_000
# Files that are encoded at a time: some hundred kilobytes.
_ENCODED_FILES = 4096
# Entries of vanished files that are dropped together: in a folder of half a million whose inner
# folders were all renamed, each file has one.
_VANISHED_PATHS = 4096
# Linux stamps files with the time of its last tick, at most 10 ms ago.
_FINE_NS = 20_000_000
# Some file systems count whole seconds, FAT two at a time.
_COARSE_NS = 2 * _SECOND
_NO_ROW: tuple[bytes | None, bytes] = (None, b"")
MatchedFile = tuple[bytes, bytes, bytes | None]


class FileTable(Protocol):
    """What `mlver.system.state.StateDatabase` does for us. Entries are opaque bytes there."""

    def read_files(self, worktree: str, path: bytes) -> Iterator[tuple[bytes, bytes]]: ...

    def keep_files(
        self, worktree: str, kept: Iterable[tuple[bytes, bytes]], dropped: Iterable[bytes]
    ) -> None: ...


def stat_signature(status: os.stat_result) -> bytes:
    return _SIGNATURE.pack(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


def signed_size(signature: bytes) -> int:
    return int.from_bytes(signature[16:24], sys.byteorder)


def total_size(signatures: Iterable[bytes]) -> int:
    return sum(memoryview(b"".join(signatures)).cast("Q")[2::_FIELDS])


def is_racy(signature: bytes, began_ns: int) -> bool:
    """Whether a change after our reading may go unseen.

    It may if the file changed only shortly before `began_ns`.
    """
    _, _, _, modified_ns, changed_ns = _SIGNATURE.unpack(signature)
    tick_ns = _FINE_NS
    if changed_ns % _SECOND == 0:
        tick_ns = _COARSE_NS
    return bool(max(modified_ns, changed_ns) + tick_ns >= began_ns)


class DirectoryImprint:
    """Every path and signature of a directory's files, in order, reduced to 32 bytes."""

    def __init__(self) -> None:
        self._hasher = hashlib.blake2b(digest_size=32)
        self._newest = 0

    def add_files(self, paths: Sequence[bytes], signatures: Sequence[bytes]) -> None:
        """Add files: a path and a signature of each. No path holds the NUL that ends it here."""
        encoded = [b"%b\0%b" % pair for pair in zip(paths, signatures, strict=True)]
        self.add_encoded(b"".join(encoded))
        times = memoryview(b"".join(signatures)).cast("q")
        newest_change = max(times[3::_FIELDS], default=0)
        newest_status = max(times[4::_FIELDS], default=0)
        self._newest = max(self._newest, newest_change, newest_status)

    def add_encoded(self, encoded: bytes) -> None:
        """Add what `encode_files` yields, where nobody will ask whether it is racy."""
        self._hasher.update(encoded)

    def final_digest(self) -> bytes:
        return self._hasher.digest()

    def is_racy(self, began_ns: int) -> bool:
        """Whether a file may have changed unseen since `began_ns`, however coarse its clock."""
        return self._newest + _COARSE_NS >= began_ns


def encode_files(walked: Iterator[FoundFile]) -> Generator[bytes, None, None]:
    """Encode the paths and signatures that an imprint is made of, some thousands at a time."""
    # Not by `stat_signature`: a call for each file would take as long as all the rest.
    pack = _SIGNATURE.pack
    while True:
        encoded = [
            b"%b\0%b"
            % (
                path,
                pack(
                    status.st_dev,
                    status.st_ino,
                    status.st_size,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                ),
            )
            for path, status in islice(walked, _ENCODED_FILES)
        ]
        if not encoded:
            return
        yield b"".join(encoded)


@dataclass(frozen=True, slots=True)
class MeasuredDirectory:
    """A directory as it was measured: its files' imprint, manifest digest, size and number."""

    imprint: bytes
    digest: bytes
    size: int
    files: int


class StatCache:
    """The digests of one working tree's files.

    `worktree` tells it from others that share the table. One that is not to be believed only
    learns: for what is pinned, every file is read.
    """

    def __init__(self, table: FileTable, worktree: str, *, is_believed: bool = True) -> None:
        self.is_believed = is_believed
        self._table = table
        self._worktree = worktree
        self._vanished: list[bytes] = []

    def match_files(self, key: bytes, walked: Iterable[FoundFile]) -> Iterator[MatchedFile]:
        """Yield (path, signature, digest if known) for each file walked below the artifact `key`.

        Both sides come in the order of their bytes, so one pass over the table serves. Entries of
        files that the walk no longer has are dropped on the way, the last of them by the next
        `keep_measured` or `drop_vanished`.
        """
        rows = self._table.read_files(self._worktree, key)
        # Not by `stat_signature`: a call for each file would take as long as all the rest.
        pack = _SIGNATURE.pack
        prefix = key + b"/"
        known_path, entry = next(rows, _NO_ROW)
        for path, status in walked:
            signature = pack(
                status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
            )
            full_path = prefix + path if path else key
            while known_path is not None and known_path < full_path:
                self._drop_later(known_path)
                known_path, entry = next(rows, _NO_ROW)
            digest: bytes | None = None
            if known_path == full_path:
                if len(entry) == _ENTRY_SIZE and entry.startswith(signature):
                    digest = entry[_SIGNATURE.size :]
                known_path, entry = next(rows, _NO_ROW)
            yield path, signature, digest
        while known_path is not None:
            self._drop_later(known_path)
            known_path, entry = next(rows, _NO_ROW)

    def _drop_later(self, path: bytes) -> None:
        """Remember an entry to be dropped; once there are many, drop them."""
        self._vanished.append(path)
        if len(self._vanished) >= _VANISHED_PATHS:
            self.drop_vanished()

    def keep_measured(
        self, key: bytes, measured: Iterable[tuple[bytes, bytes, bytes]], began_ns: int
    ) -> None:
        """Keep (path, signature, digest) of files read from `began_ns` on, except racy ones."""
        kept: list[tuple[bytes, bytes]] = []
        racy: list[bytes] = []
        for path, signature, digest in measured:
            full_path = key
            if path:
                full_path = key + b"/" + path
            if is_racy(signature, began_ns):
                racy.append(full_path)
            else:
                kept.append((full_path, signature + digest))
        self._table.keep_files(self._worktree, kept, self._vanished + racy)
        self._vanished = []

    def find_directory(self, key: bytes) -> MeasuredDirectory | None:
        """Find the directory `key` as it was kept."""
        first_row = next(self._table.read_files(self._worktree, key + b"/"), None)
        if first_row is None or len(first_row[1]) != _WHOLE.size:
            return None
        return MeasuredDirectory(*_WHOLE.unpack(first_row[1]))

    def keep_directory(self, key: bytes, whole: MeasuredDirectory) -> None:
        entry = _WHOLE.pack(whole.imprint, whole.digest, whole.size, whole.files)
        self._table.keep_files(self._worktree, [(key + b"/", entry)], ())

    def drop_vanished(self) -> None:
        """Drop the entries that `match_files` read and whose files the walk did not have."""
        self._table.keep_files(self._worktree, (), self._vanished)
        self._vanished = []
