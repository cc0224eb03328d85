from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage.remote.blobs import BlobError, BlobInfo, TransientBlobError
from mlver.storage.remote.listing import (
    LISTING,
    format_listing,
    parse_listing,
    publish_listing,
    renew_listing,
)
from tests.storage.remote.blob_conformance import put_keys, read_blob
from tests.storage.remote.memory import MemoryBlobs

_WHEN = datetime(2026, 11, 29, 22, 3, 4, tzinfo=UTC)
_BLOBS = [BlobInfo("objects/ab/abcd", 7, _WHEN), BlobInfo("a", 0, _WHEN)]
_TIME = b"2026-11-29T22:03:04Z"


def sign_text(text: bytes) -> bytes:
    return text + hashlib.sha256(text).hexdigest().encode() + b"\n"


def test_a_listing_is_read_as_it_was_written() -> None:
    assert parse_listing(format_listing(_BLOBS), "x") == _BLOBS[::-1]
    assert parse_listing(format_listing([]), "x") == []
    assert format_listing(_BLOBS).startswith(b"mlver/listing/1\n0 " + _TIME + b" a\n7 ")


def test_no_part_of_a_listing_passes_for_the_whole() -> None:
    whole = format_listing(_BLOBS)
    for length in range(len(whole)):
        with pytest.raises(BlobError):
            parse_listing(whole[:length], "x")
    with pytest.raises(TransientBlobError, match="not whole"):
        parse_listing(whole.replace(b"7 ", b"8 "), "x")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"1",
        b"1 _ ",
        b"1 _ A",
        b"1 _ ../x",
        b"-1 _ a",
        b"01 _ a",
        b"1  _ a",
        b"9" * 19 + b" _ a",
        b"1 a",
        b"1 0000-00-00T00:00:00Z a",
        b"1 2026-11-29T22:03:04+ a",
    ],
)
def test_a_hostile_line_is_named(line: bytes) -> None:
    lines = (b"1 _ a\n" + line + b"\n").replace(b"_", _TIME)
    text = sign_text(b"mlver/listing/1\n" + lines)
    with pytest.raises(BlobError, match="line 3"):
        parse_listing(text, "x")


@given(st.binary(max_size=200))
def test_whatever_a_server_sends_is_judged(data: bytes) -> None:
    for text in (data, sign_text(data), sign_text(b"mlver/listing/1\n" + data)):
        with suppress(BlobError):
            parse_listing(text, "x")


def test_only_a_store_that_has_a_listing_gets_a_new_one() -> None:
    blobs = MemoryBlobs()
    put_keys(blobs, ["a", "b"])
    renew_listing(blobs)
    assert LISTING not in blobs.contents
    assert publish_listing(blobs) == 2
    put_keys(blobs, ["c"])
    renew_listing(blobs)
    assert [listed.key for listed in parse_listing(read_blob(blobs, LISTING), "x")] == [
        "a",
        "b",
        "c",
    ]
