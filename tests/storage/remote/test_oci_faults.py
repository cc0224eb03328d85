"""An OCI registry behind a proxy that breaks what passes through it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.storage.remote.oci import OciBlobs, open_oci
from mlver.storage.remote.open import parse_address
from tests.servers.proxy import FaultProxy
from tests.servers.registry import start_registry
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.fault_conformance import (
    FLIP_DOWN,
    FLIP_UP,
    SHORT,
    FaultConformance,
    FaultyServer,
    FaultyStorage,
)


@pytest.fixture(scope="session")
def registry(servers: Servers) -> RunningServer:
    return servers.share_server("registry", start_registry)


def open_through(port: int, name: str) -> OciBlobs:
    """The blobs of a repository, by a port that leads to the registry."""
    address = parse_address(f"oci://127.0.0.1:{port}/faults/{name}", {})
    return open_oci(address._replace(timings=SHORT))


class TestOciUnderFaults(FaultConformance):
    # A run takes 45 requests: each of them meets each fault in a long run.
    SPREAD = 3

    @pytest.fixture
    def faulty(self, registry: RunningServer) -> Iterator[FaultyServer]:
        name = uuid.uuid4().hex
        with FaultProxy(registry.port) as proxy:
            blobs = open_through(proxy.port, name)
            sound = open_through(registry.port, name)
            yield FaultyServer(proxy, blobs, sound, impatient=blobs)

    def test_a_flipped_bit_is_never_accepted(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        assert self._sweep(faulty, spool, [FLIP_DOWN], every=every) >= 2
        if every:
            assert self._sweep(faulty, spool, [FLIP_UP], every=True) >= 6
            return
        # The requests that send something are in the first half.
        self._run_once(faulty, spool, {})
        fired = 0
        for request in range(5, faulty.proxy.seen // 2, 2):
            fired += self._run_once(faulty, spool, {request: FLIP_UP})
        assert fired >= 2
