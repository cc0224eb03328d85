"""Buckets that keep versions: one is read from its first byte to its last, and pinned."""

from __future__ import annotations

import hashlib

import obstore
import pytest

from mlver.records.listing import ListedObject
from mlver.storage.remote import object_hashing
from mlver.storage.remote.blobs import BlobMissing
from mlver.storage.remote.cloud import CloudReader, open_bucket_reader
from mlver.storage.remote.object_hashing import hash_chunk
from mlver.storage.remote.open import parse_address
from tests.servers.seaweedfs import make_versioned_bucket
from tests.servers.starting import RunningServer

OLD, NEW = b"old row\n", b"new row\n"


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def reader(seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch) -> CloudReader:
    """The reader of a bucket that keeps the versions of its objects."""
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    return open_bucket_reader(parse_address(make_versioned_bucket(seaweedfs), seaweedfs.options))


def put(reader: CloudReader, data: bytes) -> None:
    obstore.put(reader.store, "a", data, use_multipart=False)


def test_the_version_that_was_read_is_pinned(reader: CloudReader, seaweedfs: RunningServer) -> None:
    put(reader, OLD)
    (listed,) = reader.list_objects()
    (old,) = hash_chunk(reader.place.address, seaweedfs.options, [listed])
    assert (old.sha256, bool(old.version), listed.version) == (hash_of(OLD), True, "")
    assert listed.is_same(old.listed)
    put(reader, NEW)
    (new,) = hash_chunk(reader.place.address, seaweedfs.options, list(reader.list_objects()))
    assert new.version not in {"", old.version}
    gone = old.listed._replace(version="0" * 32)
    pinned = [old.listed, gone, new.listed]
    read = hash_chunk(reader.place.address, seaweedfs.options, pinned, mode="pinned")
    assert read == [old, new]
    obstore.delete(reader.store, "a")
    assert list(reader.list_objects()) == []
    assert hash_chunk(reader.place.address, seaweedfs.options, [new.listed], mode="pinned") == [new]
    with pytest.raises(BlobMissing):
        reader.read_piece("a", 0, 0)
    assert reader.read_piece("a", 0, 0, old.version).found == old.listed


def test_a_write_in_between_mixes_no_versions(
    reader: CloudReader, seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(reader, OLD)
    (listed,) = reader.list_objects()
    monkeypatch.setattr(object_hashing, "PIECE_BYTES", 4)
    monkeypatch.setattr(object_hashing, "open_reader", lambda url, options: reader)
    inner = CloudReader.read_piece

    def write_after(self: CloudReader, *asked: object) -> object:
        piece = inner(self, *asked)  # type: ignore[arg-type]
        put(reader, NEW)
        return piece

    monkeypatch.setattr(CloudReader, "read_piece", write_after)
    (hashed,) = hash_chunk(reader.place.address, seaweedfs.options, [listed])
    assert hashed.sha256 == hash_of(OLD)


def test_versions_count_where_both_are_known() -> None:
    plain = ListedObject("a", 1, "etag")
    first, second = (plain._replace(version=version) for version in ("v1", "v2"))
    assert plain.is_same(first)
    assert first.is_same(plain)
    assert not first.is_same(second)
    assert not plain.is_same(plain._replace(etag="other"))
