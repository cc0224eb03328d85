from __future__ import annotations

import io
import uuid
from dataclasses import replace

import pytest

from mlver.storage.remote.blobs import BytesBlob, TransientBlobError
from mlver.storage.remote.oci import open_oci
from mlver.storage.remote.oci_registry import OciRegistry, digest_of
from mlver.storage.remote.oci_uploads import CHUNK_BYTES, DigestRefused, RegistryUploads
from mlver.storage.remote.open import parse_address
from mlver.system.timings import STANDARD, RetryPolicy
from tests.servers.proxy import Fault, FaultKind, FaultProxy
from tests.servers.registry import start_registry
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.scripted import Answered, Asked, serve_script

_SIZE = 2 * CHUNK_BYTES + 1000
_HASTY = replace(STANDARD, silence=0.5, retries=RetryPolicy(attempts=3, first_wait=0.01))


@pytest.fixture(scope="session")
def registry(servers: Servers) -> RunningServer:
    return servers.share_server("registry", start_registry)


class CountedSource:
    """A source that counts how often it is read from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)
        self.readings = 0

    def open_stream(self) -> io.BytesIO:
        self.readings += 1
        return io.BytesIO(self._data)


def open_through(port: int) -> OciRegistry:
    address = parse_address(f"oci://127.0.0.1:{port}/uploads/{uuid.uuid4().hex}", {})
    return open_oci(address._replace(timings=_HASTY)).registry


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.CUT_UP, 3 << 20, in_body=True),
        Fault(FaultKind.LOST_ANSWER),
        Fault(FaultKind.BUSY),
        Fault(FaultKind.REFUSED),
        Fault(FaultKind.STALL_UP, 3 << 20, in_body=True),
    ],
)
def test_an_upload_that_was_cut_off_goes_on(registry: RunningServer, fault: Fault) -> None:
    data = uuid.uuid4().bytes * (_SIZE // 16)
    source = CountedSource(data)
    arrived: list[int] = []
    # The first request begins the upload, and the third one brings the second chunk.
    with FaultProxy(registry.port, {2: fault}) as proxy:
        uploads = RegistryUploads(open_through(proxy.port))
        uploads.push_source(source, digest_of(data), "x", arrived.append)
        assert proxy.fired == 1
        assert uploads.registry.has_blob(digest_of(data), len(data))
    assert source.readings == 2
    assert len(arrived) in (3, 4, 5)


def test_an_upload_that_never_gets_on_is_given_up(registry: RunningServer) -> None:
    faults = {number: Fault(FaultKind.BUSY) for number in range(1, 100)}
    with FaultProxy(registry.port, faults) as proxy:
        uploads = RegistryUploads(open_through(proxy.port))
        with pytest.raises(TransientBlobError):
            uploads.push_source(BytesBlob(b"abc"), digest_of(b"abc"), "x")
        assert proxy.seen < 10


def test_bytes_that_change_on_the_way_are_refused(registry: RunningServer) -> None:
    data = bytes(1 << 20)
    with FaultProxy(registry.port, {1: Fault(FaultKind.FLIP_UP, 1000, in_body=True)}) as proxy:
        uploads = RegistryUploads(open_through(proxy.port))
        with pytest.raises(DigestRefused):
            uploads.push_bytes(data, "x")
        uploads.push_bytes(data, "x")


@pytest.mark.parametrize("text", ["", "0-0", "x", "5-9", "0--1", "0-" + "9" * 40])
def test_what_is_no_progress_begins_anew(text: str) -> None:
    sent: list[str] = []

    def answer(asked: Asked) -> Answered:
        location = {"Location": "/v2/a/blobs/uploads/1"}
        if asked.method == "PATCH":
            sent.append(asked.headers["content-range"])
            return Answered(503 if len(sent) == 1 else 202, headers=location)
        if asked.method == "GET":
            return Answered(204, headers={**location, "Range": text})
        return Answered(202 if asked.method == "POST" else 201, headers=location)

    with serve_script(answer) as server:
        address = parse_address(f"oci://{server.host}/a", {})._replace(timings=_HASTY)
        uploads = RegistryUploads(open_oci(address).registry)
        uploads.push_source(BytesBlob(b"abc"), digest_of(b"abc"), "x")
    assert sent == ["0-2", "0-2"]
