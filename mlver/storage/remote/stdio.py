"""Blobs that `mlver store` keeps at the other end of an ssh session; see `frames.py`."""

from __future__ import annotations

import hashlib
import shlex
import struct
from collections.abc import Iterator
from contextlib import suppress
from os import urandom

from mlver.errors import printable_name
from mlver.storage.remote import frames
from mlver.storage.remote.blobs import (
    RECEIVED_AT_ONCE,
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
    check_range,
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
from mlver.storage.remote.frames import ErrorKind, Frame, FrameError, FrameKind
from mlver.storage.remote.ssh_sessions import (
    SshPlace,
    begin_session,
    explain_end,
    hint_there,
    starting_patience,
)
from mlver.system.programs import ProgramSilent, run_ssh
from mlver.system.timings import Timings

# What shells say and how they end where there is no such program, or only SFTP is allowed.
_LACKING_CODES = (126, 127)
_LACKING_WORDS = ("command not found", "mlver: not found")
# What sshd prints for `ForceCommand internal-sftp`: "This service allows sftp connections only."
_SFTP_ONLY = b"This serv"
_SSH_FAILED = 255
_KINDS: dict[int, type[BlobError]] = {
    ErrorKind.MISSING: BlobMissing,
    ErrorKind.TOO_SHORT: BlobTooShort,
    ErrorKind.TRANSIENT: TransientBlobError,
}


class ProgramLacking(BlobError):
    """The host has no `mlver store`."""


class StdioDigestRefused(BlobError):
    """The far end got other bytes than the SHA-256 told."""


class DigestDiffers(BlobError):
    """The far end says that it stored bytes with another SHA-256."""


class StdioBlobs:
    """Satisfies SshTransport. All threads share one session."""

    name = "mlver store"

    def __init__(self, place: SshPlace, timings: Timings) -> None:
        self._place = place
        self._timings = timings
        self._keeper = ChannelKeeper(self._greet_far_end)
        self._refuses_wrong: bool | None = None

    @property
    def address(self) -> str:
        return self._place.text

    def connect(self) -> None:
        """See SshTransport; raise ProgramLacking where the host has no mlver."""
        self._keeper.find_channel()

    def close(self) -> None:
        """See SshTransport."""
        self._keeper.close()

    def init_store(self) -> None:
        """See SshTransport."""
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
        """See BlobStore. The far end hashes what it writes, before the blob has its name."""
        if self._refuses_wrong is None:
            self._refuses_wrong = self._probe_digests()
        return self._refuses_wrong

    def _probe_digests(self) -> bool:
        """Whether the far end refuses a blob with a wrong SHA-256, and takes one with its own."""
        key = f"probes/{urandom(16).hex()}"
        source = BytesBlob(key.encode())
        refuses = False
        try:
            self._send_blob(key, source, announced=hashlib.sha256(b"other bytes").digest())
        except StdioDigestRefused:
            refuses = True
            self._send_blob(key, source)
        except DigestDiffers:
            pass
        self.delete_blob(key)
        return refuses

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore."""
        return self._send_blob(check_key(key), source)

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        self._send_blob(check_key(key), source, replaces=True)

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        check_key(key)
        end = offset + size
        most = frames.RANGE_BYTES
        begins = range(offset, max(end, offset + 1), most)
        pieces = [self._get_piece(key, begin, min(most, end - begin)) for begin in begins]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        payload = check_key(key).encode()
        for frame in self._request(FrameKind.STAT, payload, FrameKind.INFO):
            for blob_info in self._read_infos(frame):
                if blob_info.key == key:
                    return blob_info
        raise self._garbled_error("told nothing of the blob that was asked for")

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore."""
        payload = check_prefix(prefix).encode()
        for frame in self._request(FrameKind.LIST, payload, FrameKind.DONE):
            for blob_info in self._read_infos(frame):
                if blob_info.key.startswith(prefix) and is_key(blob_info.key):
                    yield blob_info

    def delete_blob(self, key: str) -> None:
        """See BlobStore."""
        list(self._request(FrameKind.DELETE, check_key(key).encode(), FrameKind.DONE))

    def sweep_leftovers(self) -> None:
        """See BlobStore."""
        list(self._request(FrameKind.SWEEP, b"", FrameKind.DONE))

    def stream_range(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
        """See StreamingBlobs."""
        check_key(key)
        for done in range(0, size, RECEIVED_AT_ONCE):
            yield from self._stream_piece(key, offset + done, min(RECEIVED_AT_ONCE, size - done))

    def _get_piece(self, key: str, offset: int, size: int) -> bytes:
        """A range that the far end gives at once."""
        return check_range(key, size, b"".join(self._stream_piece(key, offset, size)))

    def _stream_piece(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
        """The same as it comes; perhaps fewer bytes, or more."""
        received = 0
        request = struct.pack(">QI", offset, size) + key.encode()
        for frame in self._request(FrameKind.GET, request, FrameKind.DONE):
            received += len(frame.payload)
            yield memoryview(frame.payload)
            if received > size:
                break

    def _request(self, kind: FrameKind, payload: bytes, last: FrameKind) -> Iterator[Frame]:
        """Yield the answers, up to the last kind, which is yielded if it has a payload."""
        with self._keeper.find_channel().open_exchange() as exchange:
            exchange.send(kind, payload)
            while True:
                frame = self._check_answer(exchange.wait())
                if frame.payload:
                    yield frame
                if frame.kind == last:
                    return
                if not frame.payload:
                    raise self._garbled_error("sent an empty answer")

    def _send_blob(
        self, key: str, source: BlobSource, *, replaces: bool = False, announced: bytes = b""
    ) -> PutOutcome:
        """Send a blob with its SHA-256, or with one that is `announced`."""
        channel = self._keeper.find_channel()
        with channel.open_exchange() as exchange:
            with channel.sending:
                digest = self._send_pieces(exchange, key, source, replaces, announced)
            answer = self._check_answer(exchange.wait())
        (outcome, size), stored = self._read_fields("BQ", answer)
        if outcome == 1 and not replaces:
            return PutOutcome.ALREADY_THERE
        if (stored, size) != (digest, source.size):
            raise DigestDiffers(
                f"{self.address} says that it stored other bytes for {key} than it was sent;"
                " do not trust what it has, and look after its disk and its mlver"
            )
        return PutOutcome.CREATED

    def _send_pieces(
        self, exchange: Exchange, key: str, source: BlobSource, replaces: bool, announced: bytes
    ) -> bytes:
        """Send the frames of a blob; return the SHA-256 that they announce."""
        hasher = hashlib.sha256()
        exchange.send(FrameKind.PUT, struct.pack(">QB", source.size, replaces), key.encode())
        try:
            for piece in read_pieces(key, source):
                # The far end needs no more of what it has or refuses.
                if exchange.has_answer():
                    exchange.send(FrameKind.ABORT)
                    return b""
                hasher.update(piece)
                exchange.send(FrameKind.DATA, piece)
        except BaseException:
            with suppress(BlobError):
                exchange.send(FrameKind.ABORT)
            raise
        digest = announced or hasher.digest()
        exchange.send(FrameKind.END, digest)
        return digest

    def _check_answer(self, frame: Frame) -> Frame:
        """Return an answer; raise the error that it tells of."""
        if frame.kind in (FrameKind.DONE, FrameKind.BYTES, FrameKind.INFO, FrameKind.WELCOME):
            return frame
        if frame.kind != FrameKind.ERROR or not frame.payload:
            raise self._garbled_error(f"sent an answer of kind {frame.kind}")
        kind = frame.payload[0]
        text = printable_name(frame.payload[1:].decode(errors="replace"))
        message = f"{self.address}: {text}"
        if kind == ErrorKind.WRONG_DIGEST:
            raise StdioDigestRefused(message)
        hint = None
        if kind == ErrorKind.NO_STORE:
            hint = hint_there(self._place, "mlver", "store", "--init", self._place.path)
        raise _KINDS.get(kind, BlobError)(message, hint=hint)

    def _read_infos(self, frame: Frame) -> Iterator[BlobInfo]:
        try:
            yield from frames.unpack_infos(frame.payload)
        except FrameError as error:
            raise self._garbled_error(f"sent {error}") from None

    def _read_fields(self, layout: str, frame: Frame) -> tuple[tuple[int, ...], bytes]:
        try:
            return frames.unpack_fields(layout, frame.payload)
        except FrameError as error:
            raise self._garbled_error(f"sent {error}") from None

    def _garbled_error(self, what: str) -> BlobError:
        return BlobError(
            f"{self.address} {what}; use the same version of mlver at both ends",
            hint=hint_there(self._place, "mlver", "--version"),
        )

    def _greet_far_end(self) -> FrameChannel:
        """Begin a session, and agree on a version."""
        command = shlex.join(["mlver", "store", "--", self._place.path])
        channel = begin_session(self._place, command, self._timings)
        try:
            with channel.open_exchange(frames.GREETING) as exchange:
                exchange.send(FrameKind.HELLO, struct.pack(">I", frames.VERSION))
                welcome = self._check_answer(exchange.wait())
        except SessionEnded:
            code = channel.close()
            raise self._explain_end(code, channel.program.complaint) from None
        except GarbledAnswer:
            channel.close()
            if channel.beginning.startswith(_SFTP_ONLY):
                raise self._lacking_error() from None
            raise BlobError(
                f"{self.address} printed something before mlver answered; let the start-up file"
                " of its shell print nothing where there is no terminal",
                hint=hint_there(self._place, "true"),
            ) from None
        except BlobError:
            channel.close()
            raise
        if not _is_welcome(welcome):
            channel.close()
            if _is_sftp(welcome):
                raise self._lacking_error()
            raise self._garbled_error("does not speak this version of the protocol")
        channel.patience = self._timings.silence
        return channel

    def _explain_end(self, code: int, complaint: str) -> BlobError:
        said = complaint.lower()
        is_lacking = code in _LACKING_CODES or any(words in said for words in _LACKING_WORDS)
        if is_lacking and code != _SSH_FAILED:
            return self._lacking_error()
        return explain_end(self._place, code, complaint)

    def _lacking_error(self) -> ProgramLacking:
        return ProgramLacking(
            f"{self.address} has no mlver; install it there, and let its shell find it",
            hint=hint_there(self._place, "mlver", "--version"),
        )


def _is_welcome(frame: Frame) -> bool:
    """Whether the far end speaks this version."""
    with suppress(FrameError):
        (version, _), name = frames.unpack_fields("IB", frame.payload)
        return (version, name) == (frames.VERSION, frames.NAME)
    return False


def _is_sftp(frame: Frame) -> bool:
    """Whether an SFTP server answered: with its extensions, or with none."""
    return frame.kind == FrameKind.WELCOME and not frame.payload.endswith(frames.NAME)
