"""A range of bytes by HTTP, and whether the answer is that range (RFC 9110, 14 and 15.3.7)."""

from __future__ import annotations

from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobTooShort,
    RangeIgnored,
    check_range,
)
from mlver.storage.remote.web import WebAnswer, WebClient, parse_content_range

MISSING_STATUSES = frozenset((404, 410))


def range_header(offset: int, size: int) -> dict[str, str]:
    """The header that asks for `size` bytes, one at least, from `offset` on."""
    return {"Range": f"bytes={offset}-{offset + size - 1}"}


def check_range_answer(
    client: WebClient, answer: WebAnswer, key: str, offset: int, size: int
) -> bytes:
    """The bytes of an answer, if they are the range that was asked for."""
    place = f"{client.address}/{key}"
    if answer.status in MISSING_STATUSES:
        raise BlobMissing(f"{place} does not exist")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise RangeIgnored(
            f"{client.address} compresses what it sends, so that ranges of it mean nothing;"
            " have it send the files as they are"
        )
    if answer.status == 206:
        return _check_partial(answer, place, offset, size)
    if answer.status == 416:
        raise _too_short_error(place, offset + size)
    if answer.status != 200:
        raise client.refusal(answer, f"reading {key}")
    if offset or len(answer.body) > size:
        raise RangeIgnored(
            f"the server answered a range of {size} bytes of {place} with the whole of it;"
            " use a server that supports range requests, and no proxy that drops them"
        )
    if len(answer.body) < size:
        raise _too_short_error(place, size)
    return answer.body


def _check_partial(answer: WebAnswer, place: str, offset: int, size: int) -> bytes:
    """The body of a partial answer, whose `Content-Range` has to be what was asked for."""
    given = parse_content_range(answer.headers.get("content-range", ""))
    if given is None or given[0] != offset or given[1] < offset:
        raise RangeIgnored(
            f"the server answered a range of {size} bytes of {place} with another one;"
            " use a server that supports range requests, and no proxy that changes them"
        )
    first, last, whole = given
    if last + 1 < offset + size:
        if whole is not None and whole < offset + size:
            raise _too_short_error(place, offset + size)
        raise BlobError(
            f"the server gave only {last + 1 - first} of {size} bytes of {place}, which has more;"
            " use a server that gives ranges whole"
        )
    return check_range(place, size, answer.body)


def _too_short_error(place: str, end: int) -> BlobTooShort:
    return BlobTooShort(
        f"{place} ends before byte {end}; store the object again from a copy that is whole"
    )
