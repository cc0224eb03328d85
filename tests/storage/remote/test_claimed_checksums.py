"""What servers claim of objects: taken on request, and never where it is of parts."""

from __future__ import annotations

import base64
import hashlib
import sys
import uuid
from typing import Any

import obstore
import pytest

from mlver.errors import MlverError, UsageError
from mlver.records.listing import ListedObject
from mlver.storage.remote.claimed_checksums import read_whole_sha256
from mlver.storage.remote.cloud import CloudReader, open_bucket_reader
from mlver.storage.remote.object_hashing import check_claims, hash_chunk
from mlver.storage.remote.open import parse_address
from tests.servers.starting import RunningServer

DATA = b"a row\n"
SHA256 = hashlib.sha256(DATA).digest()
CLAIM = base64.b64encode(SHA256).decode()


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ChecksumSHA256": None},
        {"ChecksumSHA256": f"{CLAIM}-2"},
        {"ChecksumSHA256": CLAIM, "ChecksumType": "COMPOSITE"},
        {"ChecksumSHA256": base64.b64encode(SHA256[1:]).decode()},
        {"ChecksumSHA256": "\x1b[2J"},
        {"ChecksumSHA256": SHA256.hex()},
        {"ChecksumCRC32": "AAAAAA==", "ETag": '"d41d8cd98f00b204e9800998ecf8427e"'},
    ],
)
def test_what_is_no_sha256_of_a_whole_object_is_not_taken(answer: dict[str, Any]) -> None:
    assert read_whole_sha256(answer) is None


def test_that_of_a_whole_object_is_taken() -> None:
    assert read_whole_sha256({"ChecksumSHA256": CLAIM}) == SHA256.hex()
    whole = {"ChecksumSHA256": CLAIM, "ChecksumType": "FULL_OBJECT"}
    assert read_whole_sha256(whole) == SHA256.hex()


@pytest.mark.parametrize("url", ["gs://bucket/a", "az://bucket/a", "file:///a"])
def test_other_servers_claim_none(url: str) -> None:
    with pytest.raises(UsageError, match="leave --trust-server-checksums out"):
        check_claims(url)


@pytest.fixture
def reader(seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch) -> CloudReader:
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    folder = f"{seaweedfs.address}/{uuid.uuid4().hex}"
    return open_bucket_reader(parse_address(folder, seaweedfs.options))


def test_the_server_is_asked_of_the_object_that_was_listed(reader: CloudReader) -> None:
    obstore.put(reader.store, "ü/a", DATA, use_multipart=False)
    parts = DATA * 1_000_000
    obstore.put(reader.store, "parts", parts, use_multipart=True, chunk_size=5 << 20)
    listed = {found.key: found for found in reader.list_objects()}
    assert reader.find_claim(listed["ü/a"]) == SHA256.hex()
    assert reader.find_claim(listed["parts"]) is None
    assert reader.find_claim(ListedObject("nowhere", 6, "etag")) is None
    assert reader.find_claim(listed["ü/a"]._replace(etag="other")) is None
    assert reader.find_claim(listed["ü/a"]._replace(size=5)) is None


def test_what_is_not_claimed_is_read(reader: CloudReader, seaweedfs: RunningServer) -> None:
    obstore.put(reader.store, "a", DATA, use_multipart=False)
    parts = DATA * 1_000_000
    obstore.put(reader.store, "parts", parts, use_multipart=True, chunk_size=5 << 20)
    listed = sorted(reader.list_objects())
    counts: list[int] = []
    hashed = hash_chunk(
        reader.place.address, seaweedfs.options, listed, progress=counts.append, mode="claimed"
    )
    assert [item.sha256 for item in hashed] == [SHA256.hex(), hashlib.sha256(parts).hexdigest()]
    assert [item.claimed for item in hashed] == [True, False]
    assert sum(counts) == len(DATA) + len(parts)
    read = hash_chunk(reader.place.address, seaweedfs.options, listed)
    assert [item._replace(claimed=False) for item in hashed] == read


def test_a_refusal_says_how_to_go_on(reader: CloudReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(MlverError, match="asking for the checksum of s3://"):
        reader.find_claim(ListedObject("a", 1, "etag"))


def test_without_boto3_it_says_what_to_install(
    reader: CloudReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MlverError, match="needs `boto3`") as refused:
        reader.find_claim(ListedObject("a", 1, "etag"))
    assert refused.value.hint == "pip install 'mlver[s3-profiles]'"
