from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage.remote.blobs import BlobError, TransientBlobError
from mlver.storage.remote.listing import (
    LISTING,
    ListedBlob,
    format_listing,
    parse_listing,
    publish_listing,
    renew_listing,
)
from tests.storage.remote.blob_conformance import put_keys, read_blob
from tests.storage.remote.memory import MemoryBlobs

_BLOBS = [ListedBlob("objects/ab/abcd", 7), ListedBlob("a", 0)]


def sign_text(text: bytes) -> bytes:
    return text + hashlib.sha256(text).hexdigest().encode() + b"\n"


def test_a_listing_is_read_as_it_was_written() -> None:
    assert parse_listing(format_listing(_BLOBS), "x") == sorted(_BLOBS)
    assert parse_listing(format_listing([]), "x") == []
    assert format_listing([ListedBlob("a", 5)]).startswith(b"mlver/listing/1\n5 a\n")


def test_no_part_of_a_listing_passes_for_the_whole() -> None:
    whole = format_listing(_BLOBS)
    for length in range(len(whole)):
        with pytest.raises(BlobError):
            parse_listing(whole[:length], "x")
    with pytest.raises(TransientBlobError, match="not whole"):
        parse_listing(whole.replace(b"7", b"8"), "x")


@pytest.mark.parametrize(
    "line", [b"", b"1", b"1 ", b"1 A", b"1 ../x", b"-1 a", b"01 a", b"1  a", b"9" * 19 + b" a"]
)
def test_a_hostile_line_is_named(line: bytes) -> None:
    text = sign_text(b"mlver/listing/1\n1 a\n" + line + b"\n")
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
