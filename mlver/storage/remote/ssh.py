"""Blobs at a host that a person reaches by `ssh`: `ssh://[user@]host[:port]/path`.

Where the host has mlver, `mlver store` there takes part: it hashes what it writes, and flushes it
to the disk. Elsewhere its SFTP server does what it can.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress

from mlver.storage.remote.blobs import (
    BlobAddress,
    BlobError,
    BlobInfo,
    BlobSource,
    PutOutcome,
    check_key,
    check_prefix,
    stream_range,
)
from mlver.storage.remote.sftp import SftpBlobs
from mlver.storage.remote.ssh_sessions import SshPlace, SshTransport, parse_place
from mlver.storage.remote.stdio import ProgramLacking, StdioBlobs
from mlver.system.timings import STANDARD, Timings


class SshBlobs:
    """Satisfies BlobStore, by what the host offers; it is asked at the first call."""

    def __init__(self, place: SshPlace, timings: Timings = STANDARD) -> None:
        self.address = place.text
        # The first one that the host offers is used.
        self._transports: tuple[SshTransport, ...] = (
            StdioBlobs(place, timings),
            SftpBlobs(place, timings),
        )
        self._lock = threading.Lock()
        self._chosen: SshTransport | None = None
        # Threads of the sessions outlive this object otherwise, and with them ssh.
        weakref.finalize(self, _close_all, self._transports)

    @property
    def transport(self) -> str:
        """What serves the blobs there: `mlver store` or `sftp`. Raises BlobError."""
        return self._choose_transport().name

    def close(self) -> None:
        """End the sessions; the next call begins another one."""
        _close_all(self._transports)

    def init_store(self) -> None:
        """Make the directory there a store. One that is a store already stays as it is."""
        self._choose_transport().init_store()

    def confirms_content(self) -> bool:
        """See BlobStore."""
        return self._choose_transport().confirms_content()

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore."""
        return self._choose_for(key).put_blob(key, source)

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        self._choose_for(key).replace_blob(key, source)

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        return self._choose_for(key).get_range(key, offset, size)

    def stream_range(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
        """See StreamingBlobs."""
        yield from stream_range(self._choose_for(key), key, offset, size)

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        return self._choose_for(key).stat_blob(key)

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore."""
        check_prefix(prefix)
        yield from self._choose_transport().list_blobs(prefix)

    def delete_blob(self, key: str) -> None:
        """See BlobStore."""
        self._choose_for(key).delete_blob(key)

    def sweep_leftovers(self) -> None:
        """See BlobStore."""
        self._choose_transport().sweep_leftovers()

    def _choose_for(self, key: str) -> SshTransport:
        check_key(key)
        return self._choose_transport()

    def _choose_transport(self) -> SshTransport:
        """What serves the blobs; raise BlobError where nothing does, for now or at all."""
        with self._lock:
            if self._chosen is None:
                preferred, otherwise = self._transports
                try:
                    preferred.connect()
                    self._chosen = preferred
                except ProgramLacking:
                    otherwise.connect()
                    self._chosen = otherwise
            return self._chosen


def _close_all(transports: Iterable[SshTransport]) -> None:
    for transport in transports:
        with suppress(BlobError):
            transport.close()


def open_ssh(address: BlobAddress) -> SshBlobs:
    """The back-end for an `ssh://` address."""
    return SshBlobs(parse_place(address), address.timings)
