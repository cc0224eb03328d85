"""A session with an SFTP server, shared by threads: its requests and their answers."""

from __future__ import annotations

import stat
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

from mlver.storage.remote.blobs import BlobError, BlobSource, read_pieces
from mlver.storage.remote.channel import (
    ChannelKeeper,
    Exchange,
    FrameChannel,
    GarbledAnswer,
    SessionEnded,
)
from mlver.storage.remote.frames import Frame
from mlver.storage.remote.sftp_packets import (
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
)
from mlver.system.timings import Timings

_VERSION = 3
# Every server takes so much at once.
_CHUNK_BYTES = 32 << 10
# Requests under way for one blob, so that a distant host is not waited for at each of them.
_AHEAD = 64
_MODE = 0o444


class SftpRefusal(Exception):
    """The server refused a request."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class FileHandle(NamedTuple):
    """A file or folder that is open, in the session that it belongs to."""

    channel: FrameChannel
    text: bytes


class SftpSession:
    """Begun when it is needed first, and again after it ended."""

    def __init__(self, place: SshPlace, timings: Timings) -> None:
        self._place = place
        self._timings = timings
        self._keeper = ChannelKeeper(self._greet_server)
        self._extensions: frozenset[str] = frozenset()

    def connect(self) -> None:
        """Begin it now."""
        self._keeper.find_channel()

    def close(self) -> None:
        self._keeper.close()

    def find_status(self, path: str) -> FileStatus | None:
        """What the server knows about a name, be it a symlink; None where there is none."""
        try:
            return self.ask(PacketKind.LSTAT, pack_text(path)).read_status()
        except SftpRefusal as refusal:
            if refusal.code != StatusCode.NO_SUCH_FILE:
                raise
            return None

    def make_folder(self, path: str) -> None:
        try:
            self.ask(PacketKind.MKDIR, pack_text(path) + struct.pack(">I", 0))
        except SftpRefusal:
            # There is no code for a folder that is there.
            status = self.find_status(path)
            if status is None or not stat.S_ISDIR(status.mode):
                raise

    def write_file(self, key: str, path: str, source: BlobSource) -> None:
        with self.open_file(path, WRITE_FLAGS) as handle, ExitStack() as exchanges:
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
                self.ask(PacketKind.EXTENDED, request, handle.channel)

    def read_chunks(self, handle: FileHandle, offset: int, size: int) -> bytearray:
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
        except SftpRefusal as refusal:
            if refusal.code != StatusCode.EOF:
                raise
            return b""
        if not 0 < len(data) <= most:
            raise self._garbled_error()
        return data

    def read_folder(self, path: str) -> Iterator[tuple[str, FileStatus]]:
        with self._open_handle(PacketKind.OPENDIR, pack_text(path)) as handle:
            while True:
                try:
                    answer = self.ask(PacketKind.READDIR, handle.text, handle.channel)
                except SftpRefusal as refusal:
                    if refusal.code != StatusCode.EOF:
                        raise
                    return
                yield from answer.read_names()

    @contextmanager
    def open_file(self, path: str, flags: int) -> Iterator[FileHandle]:
        mode = struct.pack(">II", 4, _MODE) if flags == WRITE_FLAGS else struct.pack(">I", 0)
        request = pack_text(path) + struct.pack(">I", flags) + mode
        with self._open_handle(PacketKind.OPEN, request) as handle:
            yield handle

    @contextmanager
    def _open_handle(self, kind: PacketKind, request: bytes) -> Iterator[FileHandle]:
        channel = self._keeper.find_channel()
        answer = self.ask(kind, request, channel)
        handle = FileHandle(channel, pack_text(answer.read_text()))
        try:
            yield handle
        except BaseException:
            with suppress(SftpRefusal, BlobError):
                self.ask(PacketKind.CLOSE, handle.text, channel)
            raise
        self.ask(PacketKind.CLOSE, handle.text, channel)

    def extend(self, extension: str, *texts: str) -> None:
        if extension not in self._extensions:
            raise SftpRefusal(StatusCode.UNSUPPORTED, f"the server has no {extension}")
        words = b"".join(pack_text(text) for text in (extension, *texts))
        self.ask(PacketKind.EXTENDED, words)

    def ask(
        self, kind: PacketKind, request: bytes, channel: FrameChannel | None = None
    ) -> PacketReader:
        """The answer to a request; raise SftpRefusal where the server has none."""
        with (channel or self._keeper.find_channel()).open_exchange() as exchange:
            exchange.send(kind, request)
            return self._check_answer(exchange.wait())

    def _check_answer(self, frame: Frame) -> PacketReader:
        packet = PacketReader(frame, self._garbled_error)
        if frame.kind == PacketKind.STATUS:
            code, message = packet.read_refusal()
            if code != StatusCode.OK:
                raise SftpRefusal(code, message)
        return packet

    def _garbled_error(self) -> BlobError:
        return BlobError(
            f"{self._place.text} sent an answer that is not SFTP's; check what serves SFTP there",
            hint=hint_there(self._place, "true"),
        )

    def _greet_server(self) -> FrameChannel:
        """Begin a session. INIT and VERSION have the version where others have a number."""
        channel = begin_session(self._place, "sftp", self._timings, subsystem=True)
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
        channel.patience = self._timings.silence
        return channel


def _cut_chunks(key: str, source: BlobSource) -> Iterator[memoryview]:
    """The bytes of a source in pieces that every server takes."""
    for piece in read_pieces(key, source):
        for begin in range(0, len(piece), _CHUNK_BYTES):
            yield memoryview(piece)[begin : begin + _CHUNK_BYTES]
