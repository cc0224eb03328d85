"""Reading what somebody else keeps in a bucket, on each of the servers."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

import obstore
import pytest

from mlver.storage.remote.blobs import BlobMissing, TransientBlobError
from mlver.storage.remote.cloud import CloudReader, open_bucket_reader
from mlver.storage.remote.open import parse_address
from tests.servers.proxy import Fault, FaultKind, FaultProxy
from tests.servers.starting import RunningServer
from tests.storage.remote.fault_conformance import SHORT

KEYS = ["A", "a b", "100%.txt", "a%20b", "ä/ü", "q?x#y", "deep/er/x", ".hidden", "[x]+~*", "empty"]


@pytest.fixture(params=["seaweedfs", "gcs_double", "azurite"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> RunningServer:
    found: RunningServer = request.getfixturevalue(request.param)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def reader(server: RunningServer) -> CloudReader:
    address = parse_address(f"{server.address}/{uuid.uuid4().hex}", server.options)
    return open_bucket_reader(address)


def put_objects(reader: CloudReader, keys: list[str]) -> None:
    def put_object(key: str) -> None:
        data = b"" if key == "empty" else key.encode() * 1000
        obstore.put(reader.store, key, data, use_multipart=False)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put_object, keys))


def test_each_object_is_listed_once_and_read_as_it_was_listed(reader: CloudReader) -> None:
    put_objects(reader, KEYS)
    listed = list(reader.list_objects())
    assert sorted(found.key for found in listed) == sorted(KEYS)
    for found in listed:
        assert reader.stat_object(found.key) == found
        assert found.etag
        assert '"' not in found.etag
        data, again = reader.read_piece(found.key, 0, 1 << 20)
        assert again == found
        assert data == (b"" if found.key == "empty" else found.key.encode() * 1000)
        assert len(data) == found.size


def test_pieces_end_where_the_object_ends(reader: CloudReader) -> None:
    obstore.put(reader.store, "a", b"0123456789", use_multipart=False)
    found = reader.stat_object("a")
    for offset, size, data in ((0, 4, b"0123"), (8, 4, b"89"), (10, 4, b""), (99, 1, b"")):
        assert reader.read_piece("a", offset, size) == (data, found)
    assert reader.read_piece("a", 0, 0) == (b"", found)


def test_what_changes_shows(reader: CloudReader) -> None:
    obstore.put(reader.store, "a", b"first", use_multipart=False)
    before = reader.stat_object("a")
    obstore.put(reader.store, "a", b"other", use_multipart=False)
    assert reader.read_piece("a", 0, 5).found != before
    obstore.delete(reader.store, "a")
    for size in (0, 1):
        with pytest.raises(BlobMissing):
            reader.read_piece("a", 0, size)
    assert list(reader.list_objects()) == []


def test_more_than_one_page(reader: CloudReader) -> None:
    if reader.place.kind == "s3":
        keys = [f"{number:04d}" for number in range(1001)]
        put_objects(reader, keys)
        assert [found.key for found in reader.list_objects()] == keys


def test_an_empty_folder_is_no_object(gcs_double: RunningServer) -> None:
    folder = uuid.uuid4().hex
    address = parse_address(f"{gcs_double.address}/{folder}", gcs_double.options)
    # obstore itself cuts the final slash.
    for name in ("folder/", "folder/a"):
        url = f"{gcs_double.options['endpoint']}/mlver-tests/{folder}/{name}"
        with urlopen(Request(url, b"x" if name == "folder/a" else b"", method="PUT")) as answer:
            assert answer.status == 200
    with pytest.MonkeyPatch.context() as patch:
        for name, value in gcs_double.environment.items():
            patch.setenv(name, value)
        reader = open_bucket_reader(address)
    assert [found.key for found in reader.list_objects()] == ["folder/a"]


def test_a_cut_and_a_busy_server_pass(server: RunningServer) -> None:
    with FaultProxy(server.port) as proxy:
        endpoint = server.options["endpoint"].replace(str(server.port), str(proxy.port), 1)
        options = {**server.options, "endpoint": endpoint}
        address = parse_address(f"{server.address}/{uuid.uuid4().hex}", options)
        reader = open_bucket_reader(address._replace(timings=SHORT))
        put_objects(reader, ["a", "b"])
        cut = Fault(FaultKind.CUT_DOWN, 10, in_body=True)
        for fault in (cut, Fault(FaultKind.BUSY), Fault(FaultKind.STALL_DOWN, 50)):
            proxy.reset_faults({0: fault, 1: fault})
            with pytest.raises(TransientBlobError):
                reader.read_piece("a", 0, 1000)
            with pytest.raises(TransientBlobError):
                list(reader.list_objects())
            assert len(list(reader.list_objects())) == 2
