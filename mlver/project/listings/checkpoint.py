"""What a hashing run has done so far, so that one that was killed goes on where it was.

A line a chunk is added to a file, signed by this user's own key: a repository may come as an
archive, `.git` and all, and a digest that somebody else wrote there is not believed. A line that is
torn or not signed counts as not written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.records.listing import HashedObject
from mlver.system import durable, proof
from mlver.system.regular import reading_regular

# The folder of all checkpoints, in the state of a repository.
HASHING = "hashing"
_SUFFIX = ".lines"
# No line and no file is longer; ten million objects take some 2 GiB.
_MOST_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class HashingCheckpoint:
    """The files of one prefix below `folder`: one for each state in which it was seen.

    `seen` is the digest of what the prefix holds now.
    """

    folder: Path
    url: str
    seen: Digest

    @classmethod
    def open_below(cls, folder: Path, url: str, seen: Digest) -> HashingCheckpoint:
        return cls(folder / Digest.of_bytes(url.encode()).hex[:32], url, seen)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.seen.hex}{_SUFFIX}"

    def read_objects(self) -> Iterator[HashedObject]:
        """What this and earlier runs hashed of the prefix as it is now."""
        if self.path in self._list_files():
            yield from self._read_file(self.path)

    @classmethod
    def has_noted(cls, folder: Path, url: str) -> bool:
        """Say whether this user has hashed something of a prefix here before."""
        checkpoint = cls.open_below(folder, url, Digest.of_bytes(b""))
        return next(checkpoint.read_older(), None) is not None

    def read_older(self) -> Iterator[HashedObject]:
        """What earlier runs hashed of the prefix in other states."""
        for path in self._list_files():
            if path != self.path:
                yield from self._read_file(path)

    def add_chunk(self, objects: Sequence[HashedObject]) -> None:
        """Add what was hashed. It is on the disk when this returns."""
        if not objects:
            return
        data = json.dumps([self.url, [list(item) for item in objects]]).encode()
        try:
            durable.make_directory(self.folder)
            # The line before may be torn: this one begins anew.
            line = b"\n%b %b\n" % (proof.sign_data(data).encode(), data)
            is_new = not self.path.exists()
            # Without O_NONBLOCK, a FIFO in its place would be waited for.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(self.path, flags | os.O_CLOEXEC, 0o666)
            with durable.naming_errors(self.path):
                try:
                    durable.write_all(descriptor, line)
                    durable.sync_descriptor(descriptor)
                finally:
                    os.close(descriptor)
            if is_new:
                durable.sync_directory(self.folder)
        except OSError as error:
            raise refusal_error("noting what was hashed", error) from error

    def drop_older(self) -> None:
        """Remove the files of earlier states: this one has all that counts of them."""
        self._drop_files(path for path in self._list_files() if path != self.path)

    def drop_all(self) -> None:
        """Remove every file of the prefix, its folder, and the one above if nothing is left."""
        self._drop_files(self._list_files())
        with suppress(OSError):
            self.folder.rmdir()
            self.folder.parent.rmdir()

    def _drop_files(self, paths: Iterable[Path]) -> None:
        # A file that stays is read again, and does no harm.
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _list_files(self) -> list[Path]:
        try:
            names = sorted(os.listdir(self.folder))
        except OSError:
            return []
        return [self.folder / name for name in names if name.endswith(_SUFFIX)]

    def _read_file(self, path: Path) -> Iterator[HashedObject]:
        with suppress(OSError), reading_regular(path) as stream:
            if os.fstat(stream.fileno()).st_size > _MOST_BYTES:
                return
            for line in stream:
                yield from self._read_line(line.rstrip(b"\n"), path)

    def _read_line(self, line: bytes, path: Path) -> Iterator[HashedObject]:
        signature, _, data = line.partition(b" ")
        if not data or not signature.isascii():
            return
        if not proof.is_signed(data, signature.decode(), path):
            return
        # What this user signed is as it was written, if perhaps by another mlver.
        with suppress(ValueError, TypeError):
            url, objects = json.loads(data)
            if url == self.url:
                yield from [HashedObject(*item) for item in objects]
