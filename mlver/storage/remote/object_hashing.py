"""Listing a prefix and hashing its objects, here or in a worker anywhere.

`hash_chunk` takes plain values and opens its own reader, so that any executor can carry it to
another process or another machine. Nothing is stored.
"""

from __future__ import annotations

import hashlib
import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TypeVar, cast

from mlver.errors import UsageError, printable_name
from mlver.extras import import_extra
from mlver.records.listing import HashedObject, ListedObject
from mlver.storage.remote.blobs import BlobMissing, TransientBlobError
from mlver.storage.remote.buckets import PIECE_BYTES, BucketReader, ObjectMoved
from mlver.storage.remote.open import BackEnd, parse_address

READERS = {
    "file": BackEnd("mlver.storage.remote.bucket_directory", "open_directory_reader"),
    "s3": BackEnd("mlver.storage.remote.cloud", "open_bucket_reader", "s3"),
    "gs": BackEnd("mlver.storage.remote.cloud", "open_bucket_reader", "gcs"),
    "az": BackEnd("mlver.storage.remote.cloud", "open_bucket_reader", "azure"),
}
THREADS = 8
# A call that failed for now is tried again after so many seconds; the back-ends themselves have
# tried before.
_PAUSES = (0.2, 1.0, 5.0)

ReadProgress = Callable[[int], None]
Result = TypeVar("Result")


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
    found = _try_again(lambda: list(reader.list_objects()))
    # a reader may have a class of its own for them, which workers need not know
    return sorted(ListedObject(*item) for item in found)


def hash_chunk(
    url: str,
    options: Mapping[str, str],
    objects: Sequence[ListedObject],
    *,
    progress: ReadProgress | None = None,
) -> list[HashedObject]:
    """Hash objects of a prefix, in the order they are given.

    An object that is another one than was listed is listed again, once. Raise ObjectMoved where it
    goes on changing or is gone, BlobError for whatever else keeps one from being read.
    """
    reader = open_reader(url, options)
    stop = Event()
    hash_one = partial(_hash_object, _ObjectHasher(url, reader, stop, progress))
    pool = ThreadPoolExecutor(min(THREADS, max(1, len(objects))))
    try:
        return list(pool.map(hash_one, objects))
    finally:
        # After an error or a Ctrl-C the other threads end with the piece they are at.
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _ObjectHasher:
    """What the threads of one chunk share."""

    url: str
    reader: BucketReader
    stop: Event
    progress: ReadProgress | None


def _hash_object(hasher: _ObjectHasher, listed: ListedObject) -> HashedObject:
    sha256 = _read_object(hasher, listed)
    if sha256 is None:
        listed = ListedObject(*_list_again(hasher, listed.key))
        sha256 = _read_object(hasher, listed)
    if sha256 is None:
        raise ObjectMoved(
            f"{printable_name(f'{hasher.url}/{listed.key}')} changed while it was read, twice; run"
            " the same command again when nothing writes there"
        )
    return HashedObject(listed.key, listed.size, sha256, listed.etag, listed.version)


def _list_again(hasher: _ObjectHasher, key: str) -> ListedObject:
    try:
        return _try_again(lambda: hasher.reader.stat_object(key))
    except BlobMissing:
        raise ObjectMoved(
            f"{printable_name(f'{hasher.url}/{key}')} was listed, and is gone now; run the same"
            " command again when nothing writes there"
        ) from None


def _read_object(hasher: _ObjectHasher, listed: ListedObject) -> str | None:
    """The SHA-256 of an object; None where it is not the one that was listed."""
    state = hashlib.sha256()
    try:
        for data in _read_pieces(hasher, listed):
            state.update(data)
            if hasher.progress is not None:
                hasher.progress(len(data))
    except (ObjectMoved, BlobMissing):
        return None
    return state.hexdigest()


def _read_pieces(hasher: _ObjectHasher, listed: ListedObject) -> Iterator[bytes]:
    """Every byte, in pieces; raise ObjectMoved where an answer is of another object."""
    offset = 0
    # An object of no bytes is looked at all the same.
    while offset < listed.size or not listed.size:
        if hasher.stop.is_set():
            raise TransientBlobError("the hashing was stopped")
        wanted = min(PIECE_BYTES, listed.size - offset)
        read = partial(hasher.reader.read_piece, listed.key, offset, wanted)
        piece = _try_again(read)
        if piece.found != listed or len(piece.data) != wanted:
            raise ObjectMoved(f"{printable_name(listed.key)} changed")
        if not wanted:
            return
        yield piece.data
        offset += wanted


def _try_again(call: Callable[[], Result]) -> Result:
    """Repeat a call that only reads, as long as it fails for now."""
    for pause in _PAUSES:
        try:
            return call()
        except TransientBlobError:
            time.sleep(pause)
    return call()
