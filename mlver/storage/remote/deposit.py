"""Contents on their way into a store over blobs.

They wait in files until all are at hand. Then they are stored, data before the indexes that lead to
it, and each blob is read again and hashed before any of them is called stored. A failure in between
leaves whole blobs that nothing refers to, and the next attempt uses them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error
from mlver.storage import packs
from mlver.storage.remote.blobs import (
    BlobMissing,
    BlobSource,
    BytesSource,
    FileSource,
    PutOutcome,
)
from mlver.storage.remote.catalogue import (
    BlobCatalogue,
    BlobCopy,
    index_key,
    object_key,
    pack_key,
)
from mlver.system import durable, parallel

# A pack is closed from here on. It is stored by one call, which a failure repeats from its start.
PACK_BYTES = 32 << 20


class _SmallContent(NamedTuple):
    """A content in the spool file, which belongs to a pack."""

    hex: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class _BuiltPack:
    """A pack in a file, its index, and the SHA-256 of its own bytes."""

    source: FileSource
    index: bytes
    hex: str


class _WrittenBlob(NamedTuple):
    """A blob that the remote accepted, and what it has to give back."""

    key: str
    size: int
    hex: str


class BlobDeposit:
    """Satisfies ObjectIntake. Enter it, hand contents over, leave it: then all are stored."""

    def __init__(self, catalogue: BlobCatalogue, spool: Path) -> None:
        self._catalogue = catalogue
        self._spool = spool
        self._files: list[Path] = []
        self._large: dict[str, FileSource] = {}
        self._small: dict[str, _SmallContent] = {}
        self._small_path: Path | None = None
        self._small_bytes = 0

    def __enter__(self) -> BlobDeposit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._store_objects()
        except OSError as failure:
            raise refusal_error("storing objects", failure) from failure
        finally:
            for spool_path in self._files:
                durable.discard_temporary(spool_path)

    def put_object(self, source: BinaryIO) -> Digest:
        """See ObjectIntake."""
        try:
            first_piece = source.read(parallel.LARGE)
            if len(first_piece) >= parallel.LARGE:
                return self._spool_large(first_piece, source)
            return self._spool_small(first_piece)
        except OSError as error:
            raise refusal_error("storing an object", error) from error

    def _spool_small(self, data: bytes) -> Digest:
        """Keep a small content at the end of the one spool file."""
        digest = Digest.of_bytes(data)
        if digest.hex in self._small:
            return digest
        if self._small_path is None:
            self._small_path = self._new_file()
        with self._small_path.open("ab") as file:
            # What a write that failed left behind the last content is overwritten by this one.
            file.truncate(self._small_bytes)
            file.write(data)
        self._small[digest.hex] = _SmallContent(digest.hex, self._small_bytes, len(data))
        self._small_bytes += len(data)
        return digest

    def _spool_large(self, piece_bytes: bytes, source: BinaryIO) -> Digest:
        """Keep a large content in a file of its own, hashing it on the way."""
        spool_path = self._new_file()
        hasher = hashlib.sha256()
        size = 0
        with spool_path.open("wb") as file:
            while piece_bytes:
                hasher.update(piece_bytes)
                file.write(piece_bytes)
                size += len(piece_bytes)
                piece_bytes = source.read(parallel.LARGE)
        digest = Digest(hasher.hexdigest())
        self._large.setdefault(digest.hex, FileSource(spool_path, size))
        return digest

    def _new_file(self) -> Path:
        """A path for a file that is removed when the deposit ends."""
        self._spool.mkdir(parents=True, exist_ok=True)
        spool_path = self._spool / durable.temporary_name()
        self._files.append(spool_path)
        return spool_path

    def _store_objects(self) -> None:
        """Store what waits, then read again what the remote says that it has."""
        written: list[_WrittenBlob] = []
        # The large ones first: they take longest, and need no index to be found.
        for hexadecimal, source in self._large.items():
            written.extend(self._store_blob(object_key(hexadecimal), source, hexadecimal))
        for built_pack in self._build_packs(self._select_small()):
            stem = packs.pack_name(built_pack.index)
            index = BytesSource(built_pack.index)
            # The pack first: an index without its pack would promise bytes that do not exist.
            written.extend(self._store_blob(pack_key(stem), built_pack.source, built_pack.hex))
            written.extend(self._store_blob(index_key(stem), index, stem))
            durable.discard_temporary(built_pack.source.path)
        # An answer alone is no proof: some servers acknowledge what they then lose.
        for blob in written:
            self._confirm_blob(blob)

    def _store_blob(
        self, key: str, source: BlobSource, hexadecimal: str
    ) -> tuple[_WrittenBlob, ...]:
        """Store a blob of known SHA-256, in place of a damaged one if there is one.

        Return it if it was written: one that was there has been hashed.
        """
        blobs = self._catalogue.blobs
        if blobs.put_blob(key, source) is PutOutcome.ALREADY_THERE:
            # Somebody else's, an earlier attempt's or a damaged one: only its bytes tell.
            if self._holds_bytes(key, source.size, hexadecimal):
                return ()
            blobs.replace_blob(key, source)
        return (_WrittenBlob(key, source.size, hexadecimal),)

    def _holds_bytes(self, key: str, size: int, hexadecimal: str) -> bool:
        """Whether the remote holds exactly these bytes under the key."""
        with suppress(BlobMissing):
            if self._catalogue.blobs.stat_blob(key).size == size:
                return self._catalogue.is_sound(hexadecimal, BlobCopy(key, 0, size))
        return False

    def _confirm_blob(self, blob: _WrittenBlob) -> None:
        """Raise MlverError unless the remote gives back the bytes that it was given."""
        if self._holds_bytes(blob.key, blob.size, blob.hex):
            return
        raise MlverError(
            f"{self._catalogue.blobs.address} accepted {blob.key} but does not have it whole;"
            " check that nothing else deletes there, then run the same command again"
        )

    def _select_small(self) -> list[_SmallContent]:
        """The small contents that the store has no sound copy of."""
        copies = self._catalogue.find_copies(self._small.keys(), small=True)
        selected = []
        for content in self._small.values():
            known_copies = copies.get(content.hex, ())
            if not any(
                self._catalogue.is_sound(content.hex, known_copy) for known_copy in known_copies
            ):
                selected.append(content)
        return selected

    def _build_packs(self, contents: Sequence[_SmallContent]) -> Iterator[_BuiltPack]:
        """One pack after another, each in a file."""
        begin = 0
        length = 0
        for end, content in enumerate(contents, 1):
            length += content.size
            if length >= PACK_BYTES or end == len(contents):
                yield self._build_pack(contents[begin:end])
                begin = end
                length = 0

    def _build_pack(self, contents: Sequence[_SmallContent]) -> _BuiltPack:
        """Write a pack of these contents, which lie in the spool file."""
        assert self._small_path is not None
        pack_path = self._new_file()
        hasher = hashlib.sha256()
        lines: list[bytes] = []
        length = 0
        with pack_path.open("wb") as pack_stream, self._small_path.open("rb") as spooled:
            for content in contents:
                member = packs.PackMember(content.hex, length + packs.BLOCK, content.size)
                lines.append(packs.index_line(member))
                length = packs.member_end(member)
                content_bytes = os.pread(spooled.fileno(), content.size, content.offset)
                for frame in packs.frame_member(content.hex, content_bytes):
                    hasher.update(frame)
                    pack_stream.write(frame)
            hasher.update(packs.TRAILER)
            pack_stream.write(packs.TRAILER)
        source = FileSource(pack_path, length + len(packs.TRAILER))
        return _BuiltPack(source, packs.build_index(lines), hasher.hexdigest())
