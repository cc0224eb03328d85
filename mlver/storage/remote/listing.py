"""The list of blobs that a store keeps among its blobs, for readers who cannot list it.

A plain web server serves files and tells nobody which there are. So whoever publishes a directory
or a bucket by HTTPS lets the store hold `listing.txt`, which every push renews. It is a hint: what
it names may be gone, what it does not name may be there, and every byte that is read is hashed.

    mlver/listing/1
    <size> <key>                     one line a blob, sorted
    <sha256 of all bytes before>     so that no half of it passes for the whole
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobStore,
    BytesSource,
    TransientBlobError,
    is_key,
)

LISTING = "listing.txt"
# More would be some 700,000 blobs.
MOST_LISTING_BYTES = 64 << 20
_HEADING = b"mlver/listing/1\n"
_LINE = re.compile(rb"(0|[1-9][0-9]{0,17}) ([a-z0-9._/-]{1,1100})")
_DIGEST_BYTES = 65


class ListedBlob(NamedTuple):
    """A blob as the listing names it, and its size in bytes."""

    key: str
    size: int


def format_listing(blobs: Iterable[ListedBlob]) -> bytes:
    """The text of a listing."""
    lines = [f"{listed.size} {listed.key}\n".encode() for listed in sorted(blobs)]
    text = _HEADING + b"".join(lines)
    return text + hashlib.sha256(text).hexdigest().encode() + b"\n"


def parse_listing(data: bytes, place: str) -> list[ListedBlob]:
    """The blobs of a listing.

    Raises TransientBlobError for one that is not whole, as one is that was replaced while it was
    read, and BlobError for anything else that is no listing. `place` is its address.
    """
    if not data.startswith(_HEADING):
        raise BlobError(
            f"{place} is no listing that this mlver can read;"
            " have the store's listing written again, or use a newer mlver"
        )
    text = data[:-_DIGEST_BYTES]
    if data[len(text) :] != hashlib.sha256(text).hexdigest().encode() + b"\n":
        raise TransientBlobError(
            f"{place} is not whole, as when it is being replaced; run the same command again later"
        )
    listed = []
    for number, line in enumerate(text[len(_HEADING) :].splitlines(), start=2):
        match = _LINE.fullmatch(line)
        if match is None or not is_key(match[2].decode()):
            raise BlobError(
                f"{place} is not valid: line {number} names no size and key;"
                " have the store's listing written again"
            )
        listed.append(ListedBlob(match[2].decode(), int(match[1])))
    return listed


def publish_listing(blobs: BlobStore) -> int:
    """Write the listing of a store into it, for readers by HTTPS, and say how many it names."""
    listed = []
    for blob_info in blobs.list_blobs(""):
        if blob_info.key != LISTING:
            listed.append(ListedBlob(blob_info.key, blob_info.size))
    blobs.replace_blob(LISTING, BytesSource(format_listing(listed)))
    return len(listed)


def renew_listing(blobs: BlobStore) -> None:
    """Write the listing again where the store has one, after blobs were stored or deleted."""
    with suppress(BlobMissing):
        blobs.stat_blob(LISTING)
        publish_listing(blobs)
