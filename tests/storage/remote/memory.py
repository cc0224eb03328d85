"""Blobs in memory: the smallest back-end there can be, and a place to damage bytes in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mlver.storage.remote.blobs import (
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    PutOutcome,
    check_key,
    check_prefix,
    read_pieces,
)


class MemoryBlobs:
    """Satisfies BlobStore. `contents` may be changed behind its back."""

    address = "memory"

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self._times: dict[str, datetime] = {}
        self._ticks = 0
        self._lock = threading.Lock()

    def confirms_content(self) -> bool:
        return False

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        data = b"".join(read_pieces(check_key(key), source))
        with self._lock:
            if key in self.contents:
                return PutOutcome.ALREADY_THERE
            self._keep(key, data)
        return PutOutcome.CREATED

    def replace_blob(self, key: str, source: BlobSource) -> None:
        data = b"".join(read_pieces(check_key(key), source))
        with self._lock:
            self._keep(key, data)

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        data = self._read(key)[offset : offset + size]
        if len(data) < size:
            raise BlobTooShort(f"{key} ends before byte {offset + size}", hint="ls")
        return data

    def stat_blob(self, key: str) -> BlobInfo:
        return BlobInfo(key, len(self._read(key)), self._times[key])

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        check_prefix(prefix)
        # Backwards, so that nobody relies on an order.
        for key in sorted(self.contents, reverse=True):
            if key.startswith(prefix):
                yield BlobInfo(key, len(self.contents[key]), self._times[key])

    def delete_blob(self, key: str) -> None:
        self.contents.pop(check_key(key), None)

    def sweep_leftovers(self) -> None:
        """There are none."""

    def _read(self, key: str) -> bytes:
        try:
            return self.contents[check_key(key)]
        except KeyError as error:
            raise BlobMissing(f"{key} is not in memory", hint="ls") from error

    def _keep(self, key: str, data: bytes) -> None:
        self._ticks += 1
        self.contents[key] = data
        self._times[key] = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._ticks)
