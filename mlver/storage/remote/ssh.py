"""Blobs at a host that a person reaches by `ssh`: `ssh://[user@]host[:port]/path`.

Where the host has mlver, `mlver store` there takes part: it hashes what it writes, and flushes it
to the disk. Elsewhere its SFTP server does what it can.
"""

from __future__ import annotations

import shlex
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress

from mlver.storage.remote.blobs import (
    BlobAddress,
    BlobError,
    BlobInfo,
    BlobSource,
    PutOutcome,
    TransientBlobError,
    check_key,
    check_prefix,
    stream_range,
)
from mlver.storage.remote.sftp import SftpBlobs
from mlver.storage.remote.ssh_sessions import (
    SshPlace,
    explain_end,
    hint_there,
    parse_place,
    starting_patience,
)
from mlver.storage.remote.stdio import ProgramLacking, StdioBlobs
from mlver.system.programs import ProgramSilent, run_ssh
from mlver.system.timings import STANDARD, Timings


class SshBlobs:
    """Satisfies BlobStore, by what the host offers; it is asked at the first call."""

    def __init__(self, place: SshPlace, timings: Timings = STANDARD) -> None:
        self._stdio = StdioBlobs(place, timings)
        self._sftp = SftpBlobs(place, timings)
        self._place = place
        self._timings = timings
        self._lock = threading.Lock()
        self._chosen: StdioBlobs | SftpBlobs | None = None
        # Threads of the sessions outlive this object otherwise, and with them ssh.
        weakref.finalize(self, _close_both, self._stdio, self._sftp)

    @property
    def address(self) -> str:
        return self._place.text

    @property
    def transport(self) -> str:
        """What serves the blobs there: `mlver store` or `sftp`. Raises BlobError."""
        return "sftp" if self._choose_transport() is self._sftp else "mlver store"

    def close(self) -> None:
        """End the sessions; the next call begins another one."""
        _close_both(self._stdio, self._sftp)

    def init_store(self) -> None:
        """Make the directory there a store. One that is a store already stays as it is."""
        if self._choose_transport() is self._sftp:
            self._sftp.init_store()
            return
        command = shlex.join(["mlver", "store", "--init", "--", self._place.path])
        try:
            code, complaint = run_ssh(self._place.host, command, starting_patience(self._timings))
        except ProgramSilent:
            raise TransientBlobError(
                f"{self.address} did not answer; run the same command again",
                hint=hint_there(self._place, "true"),
            ) from None
        if code:
            raise explain_end(self._place, code, complaint)

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

    def _choose_for(self, key: str) -> StdioBlobs | SftpBlobs:
        check_key(key)
        return self._choose_transport()

    def _choose_transport(self) -> StdioBlobs | SftpBlobs:
        """What serves the blobs; raise BlobError where nothing does, for now or at all."""
        with self._lock:
            if self._chosen is None:
                try:
                    self._stdio.connect()
                    self._chosen = self._stdio
                except ProgramLacking:
                    self._sftp.connect()
                    self._chosen = self._sftp
            return self._chosen


def _close_both(stdio: StdioBlobs, sftp: SftpBlobs) -> None:
    for blobs in (stdio, sftp):
        with suppress(BlobError):
            blobs.close()


def open_ssh(address: BlobAddress) -> SshBlobs:
    """The back-end for an `ssh://` address."""
    return SshBlobs(parse_place(address), address.timings)
