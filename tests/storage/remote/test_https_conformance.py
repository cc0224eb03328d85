"""A web server to read from, behind a proxy that breaks what passes through it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.storage.remote.directory import DirectoryBlobs, init_directory
from mlver.storage.remote.https import open_https
from mlver.storage.remote.listing import LISTING, publish_listing
from mlver.storage.remote.open import parse_address
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.storage.remote.team_store import TransferOptions
from tests.servers.nginx import FOLDER_VARIABLE, start_nginx
from tests.servers.proxy import FaultProxy
from tests.servers.starting import Servers
from tests.storage.remote.fault_conformance import (
    FLIP_DOWN,
    PATIENT,
    RETRIES,
    SHORT,
    FaultConformance,
    change_blobs,
)
from tests.storage.remote.transfers import ONE_JOB, read_contents, store_contents


@dataclass(frozen=True, slots=True)
class FaultyWeb:
    """Satisfies FaultyStorage: a folder that somebody else fills, and that a server publishes."""

    proxy: FaultProxy
    port: int
    store_blobs: DirectoryBlobs
    is_patient: bool = True

    def open_by(self, port: int) -> RetryingBlobs:
        """The blobs for one pull, which has read no listing yet."""
        address = parse_address(f"http://127.0.0.1:{port}/{self.store_blobs.root.name}", {})
        timings = PATIENT if self.is_patient else SHORT
        return RetryingBlobs(open_https(address._replace(timings=timings)), RETRIES)

    def store(
        self, spool: Path, contents: Iterable[bytes], options: TransferOptions = ONE_JOB
    ) -> list[Digest]:
        digests = store_contents(self.store_blobs, spool, contents, options)
        publish_listing(self.store_blobs)
        return digests

    def read(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        return read_contents(self.open_by(self.proxy.port), spool, digests)

    def read_soundly(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        return read_contents(self.store_blobs, spool, digests)

    def touch(self, spool: Path) -> object:
        return self.read(spool, self.store(spool, [b"never"]))

    def change_all(self, change: Callable[[bytes], bytes]) -> None:
        (self.store_blobs.root / LISTING).unlink()
        change_blobs(self.store_blobs, change)
        publish_listing(self.store_blobs)

    def clear_all(self) -> None:
        for info in list(self.store_blobs.list_blobs("")):
            self.store_blobs.delete_blob(info.key)
        (self.store_blobs.root / LISTING).unlink(missing_ok=True)

    def repair(self) -> None:
        """Nothing is left for a person to do."""

    def lose_patience(self) -> FaultyWeb:
        return replace(self, is_patient=False)


class TestHttpsUnderFaults(FaultConformance):
    # No request for bytes has a body.
    FLIPS = (FLIP_DOWN,)
    BUSY_FROM = (0, 1, 2)

    @pytest.fixture
    def faulty(self, servers: Servers) -> Iterator[FaultyWeb]:
        server = servers.share_server("nginx", start_nginx)
        folder = Path(server.environment[FOLDER_VARIABLE]) / uuid.uuid4().hex
        init_directory(folder)
        with FaultProxy(server.port) as proxy:
            yield FaultyWeb(proxy, server.port, DirectoryBlobs(folder))
