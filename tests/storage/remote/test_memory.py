"""The suite for back-ends, judged by the smallest of them, alone and behind retries."""

from __future__ import annotations

import pytest

from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.retrying import RetryingBlobs
from tests.storage.remote.blob_conformance import BlobConformance
from tests.storage.remote.faulty import FaultyBlobs
from tests.storage.remote.memory import MemoryBlobs


class TestMemory(BlobConformance):
    @pytest.fixture
    def blobs(self) -> BlobStore:
        return MemoryBlobs()


class TestRetrying(BlobConformance):
    @pytest.fixture
    def blobs(self) -> BlobStore:
        return RetryingBlobs(FaultyBlobs(MemoryBlobs()))
