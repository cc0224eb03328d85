"""Listing a prefix and hashing its objects, here or in a worker anywhere.

`hash_chunk` takes plain values and opens its own reader, so that any executor can carry it to
another process or another machine. Nothing is stored.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Literal, cast

from mlver.errors import UsageError, printable_name
from mlver.extras import import_extra
from mlver.records.listing import HashedObject, ListedObject
from mlver.storage.remote.attempts import Attempts, Result
from mlver.storage.remote.blobs import BlobError, BlobMissing, TransientBlobError
from mlver.storage.remote.buckets import PIECE_BYTES, BucketReader, ObjectMoved, ObjectPiece
from mlver.storage.remote.open import BackEnd, parse_address
from mlver.system.timings import STANDARD

READERS = {
    "file": BackEnd("mlver.storage.remote.bucket_directory", "open_directory_reader"),
    "s3": BackEnd("mlver.storage.remote.cloud", "open_bucket_reader", "s3"),
    "gs": BackEnd("mlver.storage.remote.cloud", "open_bucket_reader", "gcs"),
    "az": BackEnd("mlver.storage.remote.cloud", "open_bucket_reader", "azure"),
    "https": BackEnd("mlver.storage.remote.published", "open_published_reader", "http"),
}
# Where a server may claim a SHA-256.
_CLAIMING = ("s3", "https")
THREADS = 8
# How often a call that failed for now is tried again.
_RETRIES = STANDARD.retries

ReadProgress = Callable[[int], None]
HashMode = Literal["current", "claimed", "pinned"]


def open_reader(url: str, options: Mapping[str, str]) -> BucketReader:
    """Open the reader of a prefix. `options` are such as `endpoint` and `region`, never secrets."""
    address = parse_address(url, options)
    back_end = READERS.get(address.scheme)
    if back_end is None:
        known = ", ".join(f"{scheme}://" for scheme in READERS)
        raise UsageError(f"nothing can list {printable_name(url)}; the address is one of {known}")
    if back_end.extra is None:
        module = importlib.import_module(back_end.module)
    else:
        module = import_extra(back_end.module, back_end.extra)
    return cast(BucketReader, getattr(module, back_end.factory)(address))


def list_prefix(url: str, options: Mapping[str, str]) -> list[ListedObject]:
    """All objects of a prefix, sorted by key. Raise BlobError."""
    reader = open_reader(url, options)
    return sorted(_repeat(lambda: list(reader.list_objects())))


def check_claims(url: str) -> None:
    """Raise UsageError where no server claims a SHA-256 of what lies at an address."""
    scheme = parse_address(url, {}).scheme
    if scheme not in _CLAIMING:
        known = " and ".join(f"{name}://" for name in _CLAIMING)
        raise UsageError(
            f"no server of {scheme}:// claims the SHA-256 of an object, as those of {known} do;"
            " leave --trust-server-checksums out"
        )


def hash_chunk(
    url: str,
    options: Mapping[str, str],
    objects: Sequence[ListedObject],
    *,
    progress: ReadProgress | None = None,
    mode: HashMode = "current",
) -> list[HashedObject]:
    """Hash objects of a prefix, in the order they are given.

    `current`: an object that is another one than was listed is listed again, once. `claimed`: the
    same, but a SHA-256 that the server claims is taken, and the object is not read. `pinned`: the
    very versions are read, and those that are gone are left out.

    Raise ObjectMoved where an object goes on changing or is gone, BlobError for whatever else keeps
    one from being read.
    """
    hasher = _ObjectHasher(url, open_reader(url, options), Event(), progress)
    call = partial(_HASH_CALLS[mode], hasher)
    pool = ThreadPoolExecutor(min(THREADS, max(1, len(objects))))
    try:
        return [item for item in pool.map(call, objects) if item is not None]
    finally:
        # After an error or a Ctrl-C the other threads end with the piece they are at.
        hasher.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _ObjectHasher:
    """What the threads of one chunk share."""

    url: str
    reader: BucketReader
    stop: Event
    progress: ReadProgress | None

    def report(self, count: int) -> None:
        """Count bytes as done."""
        if self.progress is not None:
            self.progress(count)


def _take_claim(hasher: _ObjectHasher, listed: ListedObject) -> HashedObject:
    claim = _repeat(lambda: hasher.reader.find_claim(listed))
    if claim is None:
        return _hash_object(hasher, listed)
    hasher.report(listed.size)
    key, size, etag, version = listed
    return HashedObject(key, size, claim, etag, version, claimed=True)


def _hash_object(hasher: _ObjectHasher, listed: ListedObject) -> HashedObject:
    hashed = _read_object(hasher, listed)
    if hashed is None:
        hashed = _read_object(hasher, _list_again(hasher, listed.key))
    if hashed is None:
        raise ObjectMoved(
            f"{printable_name(f'{hasher.url}/{listed.key}')} changed while it was read, twice; run"
            " the same command again when nothing writes there"
        )
    if hasher.reader.has_index:
        _check_stated(hasher, hashed)
    return hashed


def _check_stated(hasher: _ObjectHasher, hashed: HashedObject) -> None:
    """Raise BlobError where the bytes are not those that an index beside them states."""
    stated = hasher.reader.find_claim(hashed.listed)
    if stated not in (None, hashed.sha256):
        raise BlobError(
            f"{printable_name(f'{hasher.url}/{hashed.key}')} has the SHA-256 {hashed.sha256}, and"
            f" the index beside it states {stated}; ask whoever publishes it which of them is right"
        )


def _list_again(hasher: _ObjectHasher, key: str) -> ListedObject:
    try:
        return _repeat(lambda: hasher.reader.stat_object(key))
    except BlobMissing:
        raise ObjectMoved(
            f"{printable_name(f'{hasher.url}/{key}')} was listed, and is gone now; run the same"
            " command again when nothing writes there"
        ) from None


def _read_object(hasher: _ObjectHasher, listed: ListedObject) -> HashedObject | None:
    """Hash an object, of the version that its server says it has; None where it is not the one
    that was listed.
    """
    state = hashlib.sha256()
    version = listed.version
    try:
        for piece in _read_pieces(hasher, listed):
            state.update(piece.data)
            version = piece.found.version
            hasher.report(len(piece.data))
    except (ObjectMoved, BlobMissing):
        return None
    return HashedObject(listed.key, listed.size, state.hexdigest(), listed.etag, version)


def _read_pieces(hasher: _ObjectHasher, listed: ListedObject) -> Iterator[ObjectPiece]:
    """Every byte, in pieces of one version.

    Raise ObjectMoved where an answer is of another object.
    """
    offset = 0
    # An object of no bytes is looked at all the same.
    while offset < listed.size or not offset:
        if hasher.stop.is_set():
            raise TransientBlobError("the hashing was stopped")
        wanted = min(PIECE_BYTES, listed.size - offset)
        read = partial(hasher.reader.read_piece, listed.key, offset, wanted, listed.version)
        piece = _repeat(read)
        if not listed.is_same(piece.found) or len(piece.data) != wanted:
            raise ObjectMoved(f"{printable_name(listed.key)} changed")
        yield piece
        if not wanted:
            return
        listed = piece.found
        offset += wanted


_HASH_CALLS: Mapping[HashMode, Callable[[_ObjectHasher, ListedObject], HashedObject | None]] = {
    "current": _hash_object,
    "claimed": _take_claim,
    "pinned": _read_object,
}


def _repeat(call: Callable[[], Result]) -> Result:
    """Repeat a call that only reads, as long as it fails for now."""
    return Attempts(_RETRIES).repeat(call)
