"""Blobs at a host that has SFTP only: the `sftp` subsystem of its sshd, by the person's own ssh.

The format is draft-ietf-secsh-filexfer-02 (version 3 of SFTP), which OpenSSH speaks, with the
extensions of its file PROTOCOL. A name appears by RENAME, which OpenSSH lets replace nothing; one
that replaces is `posix-rename@openssh.com`. `fsync@openssh.com` brings bytes to the disk; nothing
does that for the name of a file, so a power cut at the host may lose a blob that was just stored.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from mlver.errors import printable_name
from mlver.storage.remote.blobs import (
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    BytesBlob,
    PutOutcome,
    TransientBlobError,
    check_key,
    check_prefix,
    is_key,
)
from mlver.storage.remote.folders import LEFTOVER_AGE
from mlver.storage.remote.sftp_packets import (
    READ_FLAGS,
    WRITE_FLAGS,
    FileStatus,
    PacketKind,
    StatusCode,
    pack_text,
)
from mlver.storage.remote.sftp_session import SftpRefusal, SftpSession
from mlver.storage.remote.ssh_sessions import (
    SshPlace,
    hint_there,
    join_path,
)
from mlver.system import durable
from mlver.system.timings import Timings

MARKER = ".mlver-store"
_VERSION = 3
# Every server takes so much at once.
_CHUNK_BYTES = 32 << 10
# Requests under way for one blob, so that a distant host is not waited for at each of them.
_AHEAD = 64
_MODE = 0o444
_LINK_TEXT = "is no file of the shared directory itself"


class SftpBlobs:
    """Satisfies SshTransport. All threads share one session.

    The server follows symlinks in the folders of a key.
    """

    name = "sftp"

    def __init__(self, place: SshPlace, timings: Timings) -> None:
        self._place = place
        self._session = SftpSession(place, timings)

    @property
    def address(self) -> str:
        return self._place.text

    def connect(self) -> None:
        """See SshTransport."""
        self._session.connect()

    def close(self) -> None:
        """See SshTransport."""
        self._session.close()

    def confirms_content(self) -> bool:
        """See BlobStore. SFTP has no checksum: what was stored is read back."""
        return False

    def init_store(self) -> None:
        """See SshTransport. The folders above it are made, too."""
        folder = ""
        for name in self._place.path.strip("/").split("/"):
            folder = f"{folder}/{name}" if folder or self._place.path.startswith("/") else name
            self._session.make_folder(folder)
        marker = self._path_of(MARKER)
        with self._naming_errors(MARKER):
            if self._session.find_status(marker) is None:
                self._session.write_file(MARKER, marker, BytesBlob(b""))

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore."""
        target = self._path_of(check_key(key))
        with self._naming_errors(key):
            if self._session.find_status(target) is not None:
                return PutOutcome.ALREADY_THERE
            with self._write_temporary(key, source) as temporary:
                request = pack_text(temporary) + pack_text(target)
                try:
                    self._rename_into(key, lambda: self._session.ask(PacketKind.RENAME, request))
                except SftpRefusal:
                    if self._session.find_status(target) is None:
                        raise
                    return PutOutcome.ALREADY_THERE
        return PutOutcome.CREATED

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        target = self._path_of(check_key(key))
        with self._naming_errors(key), self._write_temporary(key, source) as temporary:
            texts = (temporary, target)
            self._rename_into(key, lambda: self._session.extend("posix-rename@openssh.com", *texts))

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        path = self._path_of(check_key(key))
        with self._naming_errors(key):
            # To open a FIFO would hold the server up.
            self._check_file(key, path)
            with self._session.open_file(path, READ_FLAGS) as handle:
                content = self._session.read_chunks(handle, offset, size)
        if len(content) < size:
            raise BlobTooShort(
                f"{self.address}/{key} ends before byte {offset + size};"
                " store the object again from a copy that is whole"
            )
        return bytes(content)

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        path = self._path_of(check_key(key))
        with self._naming_errors(key):
            return _describe_file(key, self._check_file(key, path))

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore."""
        check_prefix(prefix)
        with suppress(BlobMissing), self._naming_errors(prefix):
            self._check_marker()
            yield from self._list_folder(prefix)

    def delete_blob(self, key: str) -> None:
        """See BlobStore."""
        path = self._path_of(check_key(key))
        with suppress(BlobMissing), self._naming_errors(key):
            self._session.ask(PacketKind.REMOVE, pack_text(path))

    def sweep_leftovers(self) -> None:
        """See BlobStore."""
        with self._naming_errors(""), suppress(SftpRefusal):
            now = self._read_clock()
            for name, status in self._session.read_folder(self._place.path):
                if (
                    durable.is_temporary(name)
                    and now - status.modified > LEFTOVER_AGE.total_seconds()
                ):
                    with suppress(SftpRefusal):
                        self._session.ask(PacketKind.REMOVE, pack_text(self._path_of(name)))

    def _read_clock(self) -> int:
        """The time by the clock that gives files their times."""
        probe = self._path_of(durable.temporary_name())
        with self._session.open_file(probe, WRITE_FLAGS):
            pass
        status = self._session.find_status(probe)
        self._session.ask(PacketKind.REMOVE, pack_text(probe))
        return 0 if status is None else status.modified

    def _path_of(self, key: str) -> str:
        return join_path(self._place.path, key)

    def _check_marker(self) -> None:
        """Raise BlobError where the directory is no store, such as a mount that is gone."""
        if self._session.find_status(self._path_of(MARKER)) is None:
            raise BlobError(
                f"{self.address} is no store of mlver's: it has no file {MARKER};"
                " mount the shared directory there, or make a new store",
                hint=hint_there(self._place, "touch", self._path_of(MARKER)),
            )

    def _check_file(self, key: str, path: str) -> FileStatus:
        status = self._session.find_status(path)
        if status is None:
            raise SftpRefusal(StatusCode.NO_SUCH_FILE, "no such file")
        if not stat.S_ISREG(status.mode):
            raise BlobError(
                f"{self.address}/{key} {_LINK_TEXT}",
                hint=hint_there(self._place, "ls", "-ld", path),
            )
        return status

    def _rename_into(self, key: str, rename: Callable[[], object]) -> None:
        """Give a blob its name, in a folder that is made if it is missing."""
        try:
            rename()
        except SftpRefusal as refusal:
            if refusal.code != StatusCode.NO_SUCH_FILE:
                raise
            self._check_marker()
            folder = self._place.path
            for name in key.split("/")[:-1]:
                folder = join_path(folder, name)
                self._session.make_folder(folder)
            rename()

    @contextmanager
    def _write_temporary(self, key: str, source: BlobSource) -> Iterator[str]:
        """A new file with all bytes of a source, on the disk already; it is removed afterwards."""
        temporary = self._path_of(durable.temporary_name())
        try:
            self._session.write_file(key, temporary, source)
            yield temporary
        finally:
            # One that cannot be removed does no harm: it is no key, so nobody lists it.
            with suppress(SftpRefusal, BlobError):
                self._session.ask(PacketKind.REMOVE, pack_text(temporary))

    def _list_folder(self, prefix: str) -> Iterator[BlobInfo]:
        """The blobs of a folder and those below it."""
        for name, status in self._session.read_folder(self._path_of(prefix.removesuffix("/"))):
            key = prefix + name
            if not is_key(key):
                continue
            if stat.S_ISREG(status.mode):
                yield _describe_file(key, status)
            elif stat.S_ISDIR(status.mode):
                # It may be deleted while it is listed.
                with self._passing_missing():
                    yield from self._list_folder(f"{key}/")

    @contextmanager
    def _passing_missing(self) -> Iterator[None]:
        try:
            yield
        except SftpRefusal as refusal:
            if refusal.code != StatusCode.NO_SUCH_FILE:
                raise

    @contextmanager
    def _naming_errors(self, key: str) -> Iterator[None]:
        """Give what the server refuses its kind, and the blob that it concerns."""
        blob_name = f"{self.address}/{key}"
        try:
            yield
        except SftpRefusal as refusal:
            if refusal.code == StatusCode.NO_SUCH_FILE:
                with self._naming_refusals(blob_name):
                    self._check_marker()
                raise BlobMissing(f"{blob_name} does not exist") from None
            raise self._refusal_error(blob_name, refusal) from None

    @contextmanager
    def _naming_refusals(self, blob_name: str) -> Iterator[None]:
        try:
            yield
        except SftpRefusal as refusal:
            raise self._refusal_error(blob_name, refusal) from None

    def _refusal_error(self, blob_name: str, refusal: SftpRefusal) -> BlobError:
        kind = TransientBlobError if refusal.code in _PASSING else BlobError
        return kind(
            f"the SFTP server refused {blob_name}: {printable_name(refusal.message)};"
            " fix that at the host, then run the same command again",
            hint=hint_there(self._place, "ls", "-la", self._place.path),
        )


_PASSING = (StatusCode.NO_CONNECTION, StatusCode.CONNECTION_LOST)


def _describe_file(key: str, status: FileStatus) -> BlobInfo:
    return BlobInfo(key, status.size, datetime.fromtimestamp(status.modified, UTC))
