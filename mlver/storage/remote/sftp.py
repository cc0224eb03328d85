"""Blobs at a host that has SFTP only: the `sftp` subsystem of its sshd, by the person's own ssh.

The format is draft-ietf-secsh-filexfer-02 (version 3 of SFTP), which OpenSSH speaks, with the
extensions of its file PROTOCOL. A name appears by RENAME, which OpenSSH lets replace nothing; one
that replaces is `posix-rename@openssh.com`. `fsync@openssh.com` brings bytes to the disk; nothing
does that for the name of a file, so a power cut at the host may lose a blob that was just stored.
"""

from __future__ import annotations

import stat
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import NamedTuple

from mlver.errors import printable_name
from mlver.storage.remote.blobs import (
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    BytesSource,
    PutOutcome,
    TransientBlobError,
    check_key,
    check_prefix,
    is_key,
    read_pieces,
)
from mlver.storage.remote.channel import (
    ChannelKeeper,
    Exchange,
    FrameChannel,
    GarbledAnswer,
    SessionEnded,
)
from mlver.storage.remote.folders import LEFTOVER_AGE
from mlver.storage.remote.frames import Frame
from mlver.storage.remote.sftp_packets import (
    READ_FLAGS,
    WRITE_FLAGS,
    FileStatus,
    PacketKind,
    PacketReader,
    StatusCode,
    pack_text,
)
from mlver.storage.remote.ssh_sessions import (
    SshPlace,
    begin_session,
    explain_end,
    hint_there,
    join_path,
)
from mlver.system import durable

MARKER = ".mlver-store"
_VERSION = 3
# Every server takes so much at once.
_CHUNK_BYTES = 32 << 10
# Requests under way for one blob, so that a distant host is not waited for at each of them.
_AHEAD = 64
_MODE = 0o444
_LINK_TEXT = "is no file of the shared directory itself"


class _Refusal(Exception):
    """The server refused a request."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class _Handle(NamedTuple):
    """A file or folder that is open, in the session that it belongs to."""

    channel: FrameChannel
    text: bytes


class SftpBlobs:
    """Satisfies BlobStore. All threads share one session.

    The server follows symlinks in the folders of a key. `patience` is for how many seconds it may
    be silent.
    """

    def __init__(self, place: SshPlace, patience: float) -> None:
        self._place = place
        self._patience = patience
        self._keeper = ChannelKeeper(self._greet_server)
        self._extensions: frozenset[str] = frozenset()

    @property
    def address(self) -> str:
        return self._place.text

    def connect(self) -> None:
        """Begin a session."""
        self._keeper.find_channel()

    def close(self) -> None:
        self._keeper.close()

    def confirms_content(self) -> bool:
        """See BlobStore. SFTP has no checksum: what was stored is read back."""
        return False

    def init_store(self) -> None:
        """Make the directory a store of blobs, with the folders above it."""
        folder = ""
        for name in self._place.path.strip("/").split("/"):
            folder = f"{folder}/{name}" if folder or self._place.path.startswith("/") else name
            self._make_folder(folder)
        marker = self._path_of(MARKER)
        with self._naming_errors(MARKER):
            if self._find_status(marker) is None:
                self._write_file(MARKER, marker, BytesSource(b""))

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore."""
        target = self._path_of(check_key(key))
        with self._naming_errors(key):
            if self._find_status(target) is not None:
                return PutOutcome.ALREADY_THERE
            with self._write_temporary(key, source) as temporary:
                request = pack_text(temporary) + pack_text(target)
                try:
                    self._rename_into(key, lambda: self._ask(PacketKind.RENAME, request))
                except _Refusal:
                    if self._find_status(target) is None:
                        raise
                    return PutOutcome.ALREADY_THERE
        return PutOutcome.CREATED

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        target = self._path_of(check_key(key))
        with self._naming_errors(key), self._write_temporary(key, source) as temporary:
            texts = (temporary, target)
            self._rename_into(key, lambda: self._extend("posix-rename@openssh.com", *texts))

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        path = self._path_of(check_key(key))
        with self._naming_errors(key):
            # To open a FIFO would hold the server up.
            self._check_file(key, path)
            with self._open_file(path, READ_FLAGS) as handle:
                content = self._read_chunks(handle, offset, size)
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
            self._ask(PacketKind.REMOVE, pack_text(path))

    def sweep_leftovers(self) -> None:
        """See BlobStore."""
        with self._naming_errors(""), suppress(_Refusal):
            now = self._read_clock()
            for name, status in self._read_folder(self._place.path):
                if (
                    durable.is_temporary(name)
                    and now - status.modified > LEFTOVER_AGE.total_seconds()
                ):
                    with suppress(_Refusal):
                        self._ask(PacketKind.REMOVE, pack_text(self._path_of(name)))

    def _read_clock(self) -> int:
        """The time by the clock that gives files their times."""
        probe = self._path_of(durable.temporary_name())
        with self._open_file(probe, WRITE_FLAGS):
            pass
        status = self._find_status(probe)
        self._ask(PacketKind.REMOVE, pack_text(probe))
        return 0 if status is None else status.modified

    def _path_of(self, key: str) -> str:
        return join_path(self._place.path, key)

    def _check_marker(self) -> None:
        """Raise BlobError where the directory is no store, such as a mount that is gone."""
        if self._find_status(self._path_of(MARKER)) is None:
            raise BlobError(
                f"{self.address} is no store of mlver's: it has no file {MARKER};"
                " mount the shared directory there, or make a new store",
                hint=hint_there(self._place, "touch", self._path_of(MARKER)),
            )

    def _find_status(self, path: str) -> FileStatus | None:
        """What the server knows about a name, be it a symlink; None where there is none."""
        try:
            return self._ask(PacketKind.LSTAT, pack_text(path)).read_status()
        except _Refusal as refusal:
            if refusal.code != StatusCode.NO_SUCH_FILE:
                raise
            return None

    def _check_file(self, key: str, path: str) -> FileStatus:
        status = self._find_status(path)
        if status is None:
            raise _Refusal(StatusCode.NO_SUCH_FILE, "no such file")
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
        except _Refusal as refusal:
            if refusal.code != StatusCode.NO_SUCH_FILE:
                raise
            self._check_marker()
            folder = self._place.path
            for name in key.split("/")[:-1]:
                folder = join_path(folder, name)
                self._make_folder(folder)
            rename()

    def _make_folder(self, path: str) -> None:
        try:
            self._ask(PacketKind.MKDIR, pack_text(path) + struct.pack(">I", 0))
        except _Refusal:
            # There is no code for a folder that is there.
            status = self._find_status(path)
            if status is None or not stat.S_ISDIR(status.mode):
                raise

    @contextmanager
    def _write_temporary(self, key: str, source: BlobSource) -> Iterator[str]:
        """A new file with all bytes of a source, on the disk already; it is removed afterwards."""
        temporary = self._path_of(durable.temporary_name())
        try:
            self._write_file(key, temporary, source)
            yield temporary
        finally:
            # One that cannot be removed does no harm: it is no key, so nobody lists it.
            with suppress(_Refusal, BlobError):
                self._ask(PacketKind.REMOVE, pack_text(temporary))

    def _write_file(self, key: str, path: str, source: BlobSource) -> None:
        with self._open_file(path, WRITE_FLAGS) as handle, ExitStack() as exchanges:
            waiting: deque[Exchange] = deque()
            offset = 0
            for chunk in _cut_chunks(key, source):
                if len(waiting) >= _AHEAD:
                    self._check_answer(waiting.popleft().wait())
                exchange = exchanges.enter_context(handle.channel.open_exchange())
                fields = struct.pack(">QI", offset, len(chunk))
                exchange.send(PacketKind.WRITE, handle.text, fields, chunk)
                waiting.append(exchange)
                offset += len(chunk)
            while waiting:
                self._check_answer(waiting.popleft().wait())
            if "fsync@openssh.com" in self._extensions:
                request = pack_text("fsync@openssh.com") + handle.text
                self._ask(PacketKind.EXTENDED, request, handle.channel)

    def _read_chunks(self, handle: _Handle, offset: int, size: int) -> bytearray:
        """The bytes of a range, as far as the file has them."""
        content = bytearray(size)
        end = size
        waiting: deque[tuple[int, int, Exchange]] = deque()
        begins = range(0, size, _CHUNK_BYTES)
        wanted = deque((begin, min(_CHUNK_BYTES, size - begin)) for begin in begins)
        with ExitStack() as exchanges:
            while wanted or waiting:
                while wanted and len(waiting) < _AHEAD:
                    begin, length = wanted.popleft()
                    exchange = exchanges.enter_context(handle.channel.open_exchange())
                    fields = struct.pack(">QI", offset + begin, length)
                    exchange.send(PacketKind.READ, handle.text, fields)
                    waiting.append((begin, length, exchange))
                begin, length, exchange = waiting.popleft()
                data = self._read_data(exchange, length)
                content[begin : begin + len(data)] = data
                if not data:
                    end = min(end, begin)
                elif len(data) < length:
                    # A server may give less than was asked for.
                    wanted.appendleft((begin + len(data), length - len(data)))
        return content[:end]

    def _read_data(self, exchange: Exchange, most: int) -> bytes:
        """The bytes that a READ was answered with; none at the end of the file."""
        try:
            data = self._check_answer(exchange.wait()).read_text()
        except _Refusal as refusal:
            if refusal.code != StatusCode.EOF:
                raise
            return b""
        if not 0 < len(data) <= most:
            raise self._garbled_error()
        return data

    def _list_folder(self, prefix: str) -> Iterator[BlobInfo]:
        """The blobs of a folder and those below it."""
        for name, status in self._read_folder(self._path_of(prefix.removesuffix("/"))):
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
        except _Refusal as refusal:
            if refusal.code != StatusCode.NO_SUCH_FILE:
                raise

    def _read_folder(self, path: str) -> Iterator[tuple[str, FileStatus]]:
        with self._open_handle(PacketKind.OPENDIR, pack_text(path)) as handle:
            while True:
                try:
                    answer = self._ask(PacketKind.READDIR, handle.text, handle.channel)
                except _Refusal as refusal:
                    if refusal.code != StatusCode.EOF:
                        raise
                    return
                yield from answer.read_names()

    @contextmanager
    def _open_file(self, path: str, flags: int) -> Iterator[_Handle]:
        mode = struct.pack(">II", 4, _MODE) if flags == WRITE_FLAGS else struct.pack(">I", 0)
        request = pack_text(path) + struct.pack(">I", flags) + mode
        with self._open_handle(PacketKind.OPEN, request) as handle:
            yield handle

    @contextmanager
    def _open_handle(self, kind: PacketKind, request: bytes) -> Iterator[_Handle]:
        channel = self._keeper.find_channel()
        answer = self._ask(kind, request, channel)
        handle = _Handle(channel, pack_text(answer.read_text()))
        try:
            yield handle
        except BaseException:
            with suppress(_Refusal, BlobError):
                self._ask(PacketKind.CLOSE, handle.text, channel)
            raise
        self._ask(PacketKind.CLOSE, handle.text, channel)

    def _extend(self, extension: str, *texts: str) -> None:
        if extension not in self._extensions:
            raise _Refusal(StatusCode.UNSUPPORTED, f"the server has no {extension}")
        words = b"".join(pack_text(text) for text in (extension, *texts))
        self._ask(PacketKind.EXTENDED, words)

    def _ask(
        self, kind: PacketKind, request: bytes, channel: FrameChannel | None = None
    ) -> PacketReader:
        """The answer to a request; raise _Refusal where the server has none."""
        with (channel or self._keeper.find_channel()).open_exchange() as exchange:
            exchange.send(kind, request)
            return self._check_answer(exchange.wait())

    def _check_answer(self, frame: Frame) -> PacketReader:
        packet = PacketReader(frame, self._garbled_error)
        if frame.kind == PacketKind.STATUS:
            code, message = packet.read_refusal()
            if code != StatusCode.OK:
                raise _Refusal(code, message)
        return packet

    @contextmanager
    def _naming_errors(self, key: str) -> Iterator[None]:
        """Give what the server refuses its kind, and the blob that it concerns."""
        blob_name = f"{self.address}/{key}"
        try:
            yield
        except _Refusal as refusal:
            if refusal.code == StatusCode.NO_SUCH_FILE:
                with self._naming_refusals(blob_name):
                    self._check_marker()
                raise BlobMissing(f"{blob_name} does not exist") from None
            raise self._refusal_error(blob_name, refusal) from None

    @contextmanager
    def _naming_refusals(self, blob_name: str) -> Iterator[None]:
        try:
            yield
        except _Refusal as refusal:
            raise self._refusal_error(blob_name, refusal) from None

    def _refusal_error(self, blob_name: str, refusal: _Refusal) -> BlobError:
        kind = TransientBlobError if refusal.code in _PASSING else BlobError
        return kind(
            f"the SFTP server refused {blob_name}: {printable_name(refusal.message)};"
            " fix that at the host, then run the same command again",
            hint=hint_there(self._place, "ls", "-la", self._place.path),
        )

    def _garbled_error(self) -> BlobError:
        return BlobError(
            f"{self.address} sent an answer that is not SFTP's; check what serves SFTP there",
            hint=hint_there(self._place, "true"),
        )

    def _greet_server(self) -> FrameChannel:
        """Begin a session. INIT and VERSION have the version where others have a number."""
        channel = begin_session(self._place, "sftp", self._patience, subsystem=True)
        try:
            with channel.open_exchange(_VERSION) as exchange:
                exchange.send(PacketKind.INIT)
                answer = exchange.wait()
        except SessionEnded:
            code = channel.close()
            raise explain_end(self._place, code, channel.program.complaint) from None
        except GarbledAnswer:
            channel.close()
            raise self._garbled_error() from None
        except BlobError:
            channel.close()
            raise
        if answer.kind != PacketKind.VERSION:
            channel.close()
            raise self._garbled_error()
        self._extensions = frozenset(PacketReader(answer, self._garbled_error).read_extensions())
        channel.patience = self._patience
        return channel


_PASSING = (StatusCode.NO_CONNECTION, StatusCode.CONNECTION_LOST)


def _cut_chunks(key: str, source: BlobSource) -> Iterator[memoryview]:
    """The bytes of a source in pieces that every server takes."""
    for piece in read_pieces(key, source):
        for begin in range(0, len(piece), _CHUNK_BYTES):
            yield memoryview(piece)[begin : begin + _CHUNK_BYTES]


def _describe_file(key: str, status: FileStatus) -> BlobInfo:
    return BlobInfo(key, status.size, datetime.fromtimestamp(status.modified, UTC))
