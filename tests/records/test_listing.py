"""Listings and shards as bytes: one encoding a content, and nothing else is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.errors import InvalidDocument, UsageError
from mlver.records.listing import (
    HashedObject,
    ListedObject,
    PrefixListing,
    Shard,
    ShardListing,
    describe_seen,
    parse_shard,
)

URL = "s3://bucket/train"
SHA = "ab" * 32
ONE = HashedObject("a/b.csv", 3, SHA, "etag", "v1")
TWO = HashedObject("ü.csv", 0, "cd" * 32)
LISTING = PrefixListing.from_objects(URL, [TWO, ONE])
TEXT = LISTING.to_bytes().decode()


def test_a_listing_is_read_as_it_was_written() -> None:
    assert PrefixListing.parse(LISTING.to_bytes(), "l") == LISTING
    assert LISTING.objects == (ONE, TWO)
    assert (LISTING.size, LISTING.claimed) == (3, 0)
    document = json.loads(TEXT)
    assert document["manifest"] == str(LISTING.manifest.digest)
    assert document["objects"][0] == {
        "key": "a/b.csv",
        "size": 3,
        "sha256": SHA,
        "etag": "etag",
        "version": "v1",
    }
    assert TEXT.count("\n") == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        "{" * 5000,
        "null",
        "[]",
        "{}",
        '{"schema": "mlver/listing/2"}',
        TEXT.replace("listing/1", "listing-shard/1"),
        TEXT.replace("s3://bucket/train", "s3://bucket/../train"),
        TEXT.replace("s3://bucket/train", "http://bucket/train"),
        TEXT.replace("s3://bucket/train", "s3://user:secret@bucket"),
        TEXT.replace("a/b.csv", "a/../b"),
        TEXT.replace("a/b.csv", "/a"),
        TEXT.replace("a/b.csv", ".git/config"),
        TEXT.replace("a/b.csv", "z" * 5000),
        TEXT.replace("a/b.csv", "\\ud800"),
        TEXT.replace("a/b.csv", "\\u0000"),
        TEXT.replace("a/b.csv", "ü.csv"),
        TEXT.replace("a/b.csv", "ü/b.csv"),
        TEXT.replace(SHA, SHA.upper()),
        TEXT.replace(SHA, SHA[:-1]),
        TEXT.replace(SHA, "ef" * 32),
        TEXT.replace('"size": 3', '"size": -3'),
        TEXT.replace('"size": 3', '"size": 3.0'),
        TEXT.replace('"size": 3', '"size": true'),
        TEXT.replace('"size": 3', '"size": ' + "9" * 5000),
        TEXT.replace('"size": 3', '"size": NaN'),
        TEXT.replace('"size": 3', '"size": 3, "size": 3'),
        TEXT.replace('"size": 3', '"size": 3, "more": 1'),
        TEXT.replace('"etag": "etag"', '"etag": 5'),
        TEXT.replace('"etag": "etag"', '"etag": ""'),
        TEXT.replace('"version": "v1"', '"version": "\\ud800"'),
        TEXT.replace('"version": "v1"', '"version": "v1", "claimed": false'),
        TEXT.replace('"objects": [', '"objects": 5, "x": ['),
        TEXT.replace("\n{", "\n {"),
        TEXT + "\n",
        TEXT[:-1],
        '{"schema": "mlver/listing/1", "url": "s3://bucket", "objects": []}',
        '{"schema": "mlver/listing/1", "url": "s3://bucket", "objects": [1, [], "x"]}',
    ],
)
def test_anything_else_is_refused_with_its_place(text: str) -> None:
    for parse in (PrefixListing.parse, ShardListing.parse):
        with pytest.raises(InvalidDocument) as refused:
            parse(text.encode(), "the/place")
        assert refused.value.message.startswith("the/place is not valid:\n  ")
        assert refused.value.message.isprintable() or "\n" in refused.value.message


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for parse in (PrefixListing.parse, ShardListing.parse):
        with pytest.raises(InvalidDocument):
            parse(data, "l")


@given(st.integers(0, len(TEXT.encode()) - 1), st.binary(min_size=1, max_size=1))
def test_a_listing_with_another_byte_is_refused_or_another_listing(at: int, byte: bytes) -> None:
    data = bytearray(TEXT.encode())
    data[at : at + 1] = byte
    try:
        read = PrefixListing.parse(bytes(data), "l")
    except InvalidDocument:
        return
    assert read.to_bytes() == bytes(data)


def test_shards_divide_the_keys_between_them() -> None:
    keys = [f"part-{number}" for number in range(1000)]
    shards = [Shard(number, 3) for number in (1, 2, 3)]
    for key in keys:
        assert sum(shard.holds_key(key) for shard in shards) == 1
    counts = [sum(map(shard.holds_key, keys)) for shard in shards]
    assert min(counts) > 250


def test_a_shard_is_read_as_it_was_written_and_holds_its_own_keys_only() -> None:
    shard = next(Shard(number, 2) for number in (1, 2) if Shard(number, 2).holds_key(ONE.key))
    seen = str(Digest.of_bytes(b"x"))
    data = ShardListing(URL, shard, seen, (ONE,)).to_bytes()
    assert ShardListing.parse(data, "s") == ShardListing(URL, shard, seen, (ONE,))
    other = data.replace(f'"{shard}"'.encode(), f'"{3 - shard.number}/2"'.encode())
    for bad in (other, data.replace(b"/2", b"/0"), data.replace(b"sha256:", b"sha512:")):
        with pytest.raises(InvalidDocument):
            ShardListing.parse(bad, "s")
    assert ShardListing.parse(ShardListing(URL, shard, seen, ()).to_bytes(), "s").objects == ()


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "1/2/3", "a/b", "1/99999", "1 /2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--shard is a number"):
        parse_shard(text)
    assert parse_shard("2/8") == Shard(2, 8)


def test_what_a_prefix_is_seen_to_hold_has_one_digest() -> None:
    listed = [ListedObject("a", 1, "x"), ListedObject("b", 2)]
    assert describe_seen(URL, listed) == describe_seen(URL, reversed(listed))
    assert describe_seen(URL, listed) != describe_seen("s3://b", listed)
    assert describe_seen(URL, listed) != describe_seen(URL, [listed[0]._replace(etag="y")])
