"""Buckets: the same promises on S3, on what Google's client takes for its own, and on Azurite."""

from __future__ import annotations

import uuid

import pytest

from mlver.storage.remote.blobs import BlobAddress, BlobStore, BytesSource, PutOutcome
from mlver.storage.remote.cloud import open_cloud
from mlver.storage.remote.open import parse_address
from tests.servers.starting import RunningServer
from tests.storage.remote.blob_conformance import KEY, BlobConformance, read_blob


def set_environment(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def new_address(server: RunningServer, folder: str = "") -> BlobAddress:
    folder = folder or uuid.uuid4().hex
    return parse_address(f"{server.address}/{folder}/deeper", server.options)


class TestS3(BlobConformance):
    @pytest.fixture
    def blobs(self, seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        set_environment(seaweedfs, monkeypatch)
        return open_cloud(new_address(seaweedfs))


class TestGcs(BlobConformance):
    """What Google's storage does and its double does not: create-only, which overwrites there."""

    @pytest.fixture
    def blobs(self, gcs_double: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        set_environment(gcs_double, monkeypatch)
        return open_cloud(new_address(gcs_double))

    def test_put_never_replaces(self, blobs: BlobStore) -> None:
        for data in (b"first", b"second"):
            assert blobs.put_blob(KEY, BytesSource(data)) is PutOutcome.CREATED
            assert read_blob(blobs, KEY) == data

    @pytest.mark.skip(reason="the double of Google's storage lets each of them create")
    def test_only_one_of_many_creates(self, blobs: BlobStore) -> None: ...


class TestAzure(BlobConformance):
    @pytest.fixture
    def blobs(self, azurite: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        set_environment(azurite, monkeypatch)
        return open_cloud(new_address(azurite))
