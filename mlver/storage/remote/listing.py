"""The list of blobs that a store keeps among its blobs, for readers who cannot list it.

A plain web server serves files and tells nobody which there are. So whoever publishes a directory
or a bucket by HTTPS lets the store hold `listing.txt`, which every push renews. It is a hint: what
it names may be gone, what it does not name may be there, and every byte that is read is hashed.

    mlver/listing/1
    <size> <UTC time> <key>          one line a blob, sorted by key; the time is that of storage
    <sha256 of all bytes before>     so that no half of it passes for the whole
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

from mlver.storage.remote.blobs import (
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobStore,
    BytesBlob,
    TransientBlobError,
    is_key,
)

LISTING = "listing.txt"
# More would be some 700,000 blobs.
MOST_LISTING_BYTES = 64 << 20
_HEADING = b"mlver/listing/1\n"
_LINE = re.compile(rb"(0|[1-9][0-9]{0,17}) ([0-9T:Z-]{20}) ([a-z0-9._/-]{1,1100})")
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_DIGEST_BYTES = 65


def format_listing(blobs: Iterable[BlobInfo]) -> bytes:
    """The text of a listing."""
    lines = []
    for info in sorted(blobs, key=lambda info: info.key):
        lines.append(f"{info.size} {info.stored.strftime(_TIME)} {info.key}\n".encode())
    text = _HEADING + b"".join(lines)
    return text + hashlib.sha256(text).hexdigest().encode() + b"\n"


def parse_listing(data: bytes, place: str) -> list[BlobInfo]:
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
        blob_info = _parse_line(line)
        if blob_info is None:
            raise BlobError(
                f"{place} is not valid: line {number} names no size, time and key;"
                " have the store's listing written again"
            )
        listed.append(blob_info)
    return listed


def publish_listing(blobs: BlobStore) -> int:
    """Write the listing of a store into it, for readers by HTTPS, and say how many it names."""
    listed = [blob_info for blob_info in blobs.list_blobs("") if blob_info.key != LISTING]
    blobs.replace_blob(LISTING, BytesBlob(format_listing(listed)))
    return len(listed)


def renew_listing(blobs: BlobStore) -> None:
    """Write the listing again where the store has one, after blobs were stored or deleted."""
    with suppress(BlobMissing):
        blobs.stat_blob(LISTING)
        publish_listing(blobs)


def _parse_line(line: bytes) -> BlobInfo | None:
    match = _LINE.fullmatch(line)
    if match is None or not is_key(match[3].decode()):
        return None
    try:
        stored = datetime.strptime(match[2].decode(), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return BlobInfo(match[3].decode(), int(match[1]), stored)
