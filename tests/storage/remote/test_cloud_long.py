"""Two more S3 servers: Ceph's, which is a good one, and rclone's, which is not good enough."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.storage.remote.blobs import BlobStore, BytesBlob, PutOutcome, RangeIgnored
from mlver.storage.remote.cloud import open_cloud
from mlver.storage.remote.open import parse_address
from tests.servers.long import start_ceph, start_rclone
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.blob_conformance import KEY, BlobConformance, list_keys
from tests.storage.remote.fault_conformance import FaultConformance, FaultyServer
from tests.storage.remote.test_cloud_faults import put_behind_proxy
from tests.storage.remote.transfers import store_contents

pytestmark = pytest.mark.long


@pytest.fixture(scope="session")
def ceph(servers: Servers) -> RunningServer:
    return servers.share_server("ceph", start_ceph)


@pytest.fixture(scope="session")
def rclone(servers: Servers) -> RunningServer:
    return servers.share_server("rclone", start_rclone)


def open_server(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return open_cloud(parse_address(f"{server.address}/{uuid.uuid4().hex}", server.options))


class TestCeph(BlobConformance):
    @pytest.fixture
    def blobs(self, ceph: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        return open_server(ceph, monkeypatch)

    def test_it_is_not_believed(self, blobs: BlobStore) -> None:
        assert not blobs.confirms_content()
        assert list_keys(blobs) == []


class TestCephUnderFaults(FaultConformance):
    @pytest.fixture
    def faulty(
        self, ceph: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FaultyServer]:
        yield from put_behind_proxy(ceph, monkeypatch)


class TestRclone:
    @pytest.fixture
    def blobs(self, rclone: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        return open_server(rclone, monkeypatch)

    def test_it_is_not_believed(self, blobs: BlobStore) -> None:
        assert not blobs.confirms_content()
        assert list_keys(blobs) == []

    def test_it_lets_everybody_create(self, blobs: BlobStore) -> None:
        for _ in range(2):
            assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED

    def test_its_answer_to_a_range_is_no_range(self, blobs: BlobStore) -> None:
        blobs.put_blob(KEY, BytesBlob(b"some bytes"))
        with pytest.raises(RangeIgnored, match="supports range requests"):
            blobs.get_range(KEY, 2, 3)

    def test_nothing_is_called_stored_there(self, blobs: BlobStore, tmp_path: Path) -> None:
        with pytest.raises(MlverError, match="supports range requests"):
            store_contents(blobs, tmp_path, [b"small", bytes(1 << 20)])
