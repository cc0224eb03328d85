"""What every back-end keeps under faults, for `ssh://`, where one connection serves all calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.storage.remote.directory import DirectoryBlobs, init_directory
from mlver.storage.remote.ssh import SshBlobs
from mlver.system.timings import Timings
from tests.servers.proxy import Fault, FaultProxy
from tests.servers.sshd import start_sshd
from tests.servers.starting import Servers
from tests.storage.remote.fault_conformance import (
    CUTS,
    RETRIES,
    STALLS,
    FaultConformance,
    FaultyServer,
    FaultyStorage,
)
from tests.storage.remote.test_ssh import open_blobs_at


class TestSshUnderFaults(FaultConformance):
    # The proxy cannot tell one request from the next, and what is encrypted has no 503.
    FLIPS = ()
    BUSY = None
    # Within the greeting of ssh, and within what is stored or read.
    PLACES = (2_500, 600_000)

    @pytest.fixture
    def faulty(
        self, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FaultyServer]:
        server = servers.share_server("sshd", start_sshd)
        monkeypatch.setenv("MLVER_SSH", server.environment["MLVER_SSH"])
        folder = tmp_path / "shared"
        init_directory(folder)
        with FaultProxy(server.port, by_connection=True) as proxy:
            timings = Timings(retries=RETRIES, connect=5.0, silence=1.0)
            blobs = open_blobs_at(proxy.port, folder, timings)
            yield FaultyServer(proxy, blobs, DirectoryBlobs(folder))
            blobs.close()

    def test_what_was_acknowledged_outlives_a_cut(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        for number, cut in enumerate(CUTS if every else CUTS[:4]):
            places = self.PLACES if every else self.PLACES[number % 2 :][:1]
            for place in places:
                self._break_session(faulty, spool, replace(cut, after=place, in_body=False))

    def test_a_stalled_connection_is_given_up(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        stalls = list(STALLS)
        for stall in stalls if every else stalls[:1]:
            self._break_session(faulty, spool, replace(stall, after=600_000))

    def _break_session(self, faulty: FaultyStorage, spool: Path, fault: Fault) -> None:
        """Store and read in a new session, which meets the fault."""
        assert isinstance(faulty, FaultyServer)
        assert isinstance(faulty.blobs, SshBlobs)
        faulty.blobs.close()
        assert self._run_once(faulty, spool, {0: fault}) == 1
