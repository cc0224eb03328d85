"""Buckets behind a proxy that breaks what passes through it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from mlver.storage.remote.blobs import BytesBlob, PutOutcome
from mlver.storage.remote.cloud import CloudBlobs, open_cloud
from mlver.storage.remote.open import parse_address
from mlver.system.timings import Timings
from tests.servers.proxy import FaultProxy
from tests.servers.seaweedfs import BUCKET
from tests.servers.starting import RunningServer
from tests.storage.remote.blob_conformance import KEY
from tests.storage.remote.fault_conformance import (
    PATIENT,
    SHORT,
    FaultConformance,
    FaultyServer,
)

NO_CREATE_ONLY = {b"if-none-match:": b"x-never-heard:"}


def open_through(
    server: RunningServer, port: int, folder: str, timings: Timings = PATIENT
) -> CloudBlobs:
    """The blobs of a folder, by a port that leads to the server."""
    endpoint = server.options["endpoint"].replace(str(server.port), str(port), 1)
    options = {**server.options, "endpoint": endpoint}
    address = parse_address(f"{server.address}/{folder}", options)
    return open_cloud(address._replace(timings=timings))


def put_behind_proxy(
    server: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
    rewrite: Mapping[bytes, bytes] | None = None,
) -> Iterator[FaultyServer]:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    folder = uuid.uuid4().hex
    with FaultProxy(server.port, rewrite=rewrite) as proxy:
        blobs = open_through(server, proxy.port, folder)
        impatient = open_through(server, proxy.port, folder, SHORT)
        sound = open_through(server, server.port, folder)
        yield FaultyServer(proxy, blobs, sound, impatient=impatient)


class TestS3UnderFaults(FaultConformance):
    @pytest.fixture
    def faulty(
        self, seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FaultyServer]:
        yield from put_behind_proxy(seaweedfs, monkeypatch)


class TestCreateOnlyIgnored(FaultConformance):
    """S3 without accounts, which nothing is signed for: the proxy renames the header."""

    SPREAD = 3

    @pytest.fixture
    def faulty(
        self, gcs_double: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FaultyServer]:
        monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
        options = {**gcs_double.options, "region": "us-east-1"}
        server = replace(gcs_double, address=f"s3://{BUCKET}", options=options)
        yield from put_behind_proxy(server, monkeypatch, NO_CREATE_ONLY)

    def test_everybody_creates(self, faulty: FaultyServer) -> None:
        for data in (b"first", b"second"):
            assert faulty.blobs.put_blob(KEY, BytesBlob(data)) is PutOutcome.CREATED
            assert faulty.sound.get_range(KEY, 0, len(data)) == data
        assert faulty.sound.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.ALREADY_THERE


class TestGcsUnderFaults(FaultConformance):
    SPREAD = 3

    @pytest.fixture
    def faulty(
        self, gcs_double: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FaultyServer]:
        yield from put_behind_proxy(gcs_double, monkeypatch)


class TestAzureUnderFaults(FaultConformance):
    SPREAD = 3

    @pytest.fixture
    def faulty(
        self, azurite: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[FaultyServer]:
        yield from put_behind_proxy(azurite, monkeypatch)
