"""The far end of an `ssh://` remote: a directory of blobs, served on stdin and stdout.

Some threads take turns at stdin: one reads a request and, if it stores a blob, all its bytes. While
that one waits for the disk, another one reads already. A thread has a range in memory at most.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import RawIOBase
from typing import BinaryIO, cast

from mlver.errors import MlverError
from mlver.storage.remote import frames
from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobTooShort,
    PutOutcome,
    TransientBlobError,
)
from mlver.storage.remote.directory import MARKER, DirectoryBlobs
from mlver.storage.remote.frames import ErrorKind, Frame, FrameError, FrameKind
from mlver.system import durable

THREADS = 4
_LISTING_BYTES = 64 << 10
_REPLACED = 2
_DIGESTLESS = bytes(32)


class WrongDigest(BlobError):
    """The bytes of a blob do not have the SHA-256 that was announced."""


class OutOfStep(Exception):
    """Within a blob came something else; nobody knows what the next bytes are."""


class InputEnded(Exception):
    """The client left."""


def serve_blobs(
    blobs: DirectoryBlobs, input_descriptor: int, output_descriptor: int, *, read_only: bool
) -> None:
    """Answer requests until the input ends; raise MlverError where it is no request."""
    server = _StoreServer(blobs, input_descriptor, output_descriptor, read_only=read_only)
    with suppress(InputEnded):
        server.greet_client()
        with ThreadPoolExecutor(THREADS) as pool:
            tasks = [pool.submit(server.answer_requests) for _ in range(THREADS)]
        for task in tasks:
            task.result()


class _StoreServer:
    def __init__(self, blobs: DirectoryBlobs, source: int, target: int, *, read_only: bool) -> None:
        self._blobs = blobs
        self._source = source
        self._target = target
        self._read_only = read_only
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        # For who holds `_reading`. It begins at a page, as what is written past the system's memory
        # has to, and is shared (open(2), O_DIRECT).
        self._piece = memoryview(mmap.mmap(-1, frames.PIECE_BYTES))
        self._over = False
        self._answers: dict[int, Callable[[Frame], None]] = {
            FrameKind.GET: self._answer_get,
            FrameKind.STAT: self._answer_stat,
            FrameKind.LIST: self._answer_list,
            FrameKind.DELETE: self._answer_delete,
            FrameKind.SWEEP: self._answer_sweep,
        }

    def greet_client(self) -> None:
        """Agree on a version; the first answer tells that nothing but mlver speaks here."""
        with self._ending_on_faults():
            frame = self._read_frame()
            if frame.kind != FrameKind.HELLO:
                raise FrameError(f"a frame of kind {frame.kind} before any greeting")
            (version,), _ = frames.unpack_fields("I", frame.payload)
            if version < frames.VERSION:
                raise FrameError(f"version {version} of the protocol, which is not spoken here")
            flags = frames.READ_ONLY if self._read_only else 0
            welcome = struct.pack(">IB", frames.VERSION, flags)
            self._send(FrameKind.WELCOME, frame.number, welcome, frames.NAME)

    def answer_requests(self) -> None:
        """Answer one request after another, in turn with other threads."""
        with suppress(InputEnded):
            while self._answer_next():
                pass

    def _answer_next(self) -> bool:
        """Answer one request; tell whether there may be more."""
        self._reading.acquire()
        arrival = None
        try:
            if self._over:
                return False
            with self._ending_on_faults():
                frame = self._read_frame()
                if frame.kind == FrameKind.PUT:
                    arrival = _Arrival(frame, self._read_data, self._reading.release)
        finally:
            # The bytes of a blob come next: whoever stores it reads them before others read.
            if arrival is None:
                self._reading.release()
        if arrival is None:
            self._answer_frame(frame)
        else:
            self._answer_put(arrival)
        return True

    def _answer_frame(self, frame: Frame) -> None:
        answer = self._answers.get(frame.kind)
        if answer is None:
            self._send_error(frame.number, ErrorKind.REFUSED, f"no request is of kind {frame.kind}")
            return
        with self._sending_errors(frame.number):
            answer(frame)

    def _answer_put(self, arrival: _Arrival) -> None:
        """Store a blob that arrives."""
        try:
            with self._ending_on_faults():
                with self._sending_errors(arrival.number):
                    self._refuse_writing()
                    outcome = self._store_arrival(arrival)
                    fields = struct.pack(">BQ", outcome, arrival.size)
                    self._send(FrameKind.DONE, arrival.number, fields, arrival.digest)
                # What is left of it is of no use; the client stops when it sees the answer.
                arrival.skip_rest()
        finally:
            arrival.release_input()

    def _store_arrival(self, arrival: _Arrival) -> int:
        if arrival.replaces:
            self._blobs.replace_blob(arrival.key, arrival)
            return _REPLACED
        outcome = self._blobs.put_blob(arrival.key, arrival)
        return int(outcome is PutOutcome.ALREADY_THERE)

    def _answer_get(self, frame: Frame) -> None:
        (offset, size), name = frames.unpack_fields("QI", frame.payload)
        if size > frames.RANGE_BYTES or offset + size >= 1 << 63:
            raise BlobError(f"no range of {size} bytes from byte {offset} is given at once")
        key = frames.decode_key(name)
        with self._blobs.open_range(key, offset, size) as descriptor:
            for done in range(0, size, frames.PIECE_BYTES):
                piece_size = min(frames.PIECE_BYTES, size - done)
                header = frames.frame_header(FrameKind.BYTES, frame.number, piece_size)
                with self._writing:
                    self._write_out(header)
                    sent = self._copy_out(descriptor, offset + done, piece_size)
                    # The client waits for so many bytes. What follows tells that they are wrong.
                    self._write_out(bytes(piece_size - sent))
                if sent < piece_size:
                    raise self._blobs.too_short_error(key, offset + size)
        self._send(FrameKind.DONE, frame.number)

    def _copy_out(self, descriptor: int, offset: int, size: int) -> int:
        """Send bytes of a file; return how many there were."""
        done = 0
        while done < size:
            count = self._copy_some(descriptor, offset + done, size - done)
            if not count:
                break
            done += count
        return done

    def _copy_some(self, descriptor: int, offset: int, size: int) -> int:
        """Send some bytes of a file, without a copy in our memory where the system can do that."""
        if sys.platform == "linux":
            with suppress(OSError):
                return os.sendfile(self._target, descriptor, offset, size)
        try:
            data = os.pread(descriptor, size, offset)
        except OSError:
            # As if it ended there. The client is told so, and asks again or elsewhere.
            return 0
        self._write_out(data)
        return len(data)

    def _answer_stat(self, frame: Frame) -> None:
        blob_info = self._blobs.stat_blob(frames.decode_key(frame.payload))
        self._send(FrameKind.INFO, frame.number, frames.pack_info(blob_info))

    def _answer_list(self, frame: Frame) -> None:
        infos = self._blobs.list_blobs(frames.decode_key(frame.payload))
        for payload in frames.join_infos(infos, _LISTING_BYTES):
            self._send(FrameKind.INFO, frame.number, payload)
        self._send(FrameKind.DONE, frame.number)

    def _answer_delete(self, frame: Frame) -> None:
        self._refuse_writing()
        self._blobs.delete_blob(frames.decode_key(frame.payload))
        self._send(FrameKind.DONE, frame.number)

    def _answer_sweep(self, frame: Frame) -> None:
        self._refuse_writing()
        self._blobs.sweep_leftovers()
        self._send(FrameKind.DONE, frame.number)

    def _refuse_writing(self) -> None:
        if self._read_only:
            raise BlobError(f"{self._blobs.address} is served read-only")

    @contextmanager
    def _sending_errors(self, number: int) -> Iterator[None]:
        """Answer a request that was refused or failed with the reason."""
        try:
            yield
        except FrameError as error:
            self._send_error(number, ErrorKind.REFUSED, f"not understood: {error}")
        except MlverError as error:
            kind = _judge_error(error)
            if kind is ErrorKind.REFUSED and not (self._blobs.root / MARKER).exists():
                kind = ErrorKind.NO_STORE
            self._send_error(number, kind, error.message)

    @contextmanager
    def _ending_on_faults(self) -> Iterator[None]:
        """End all at a fault after which nobody knows where the next frame begins."""
        try:
            yield
        except (FrameError, OutOfStep) as error:
            self._over = True
            message = f"the other end of `mlver store` sent {error}"
            self._send_error(0, ErrorKind.REFUSED, message)
            raise MlverError(f"{message}; use it by an ssh:// remote of mlver") from None
        except InputEnded:
            self._over = True
            raise

    def _read_frame(self) -> Frame:
        return frames.read_frame(self._read_exactly)

    def _read_data(self) -> Frame:
        """A frame of a blob, whose payload is valid until the next one is read."""
        return frames.read_frame(self._read_reusing)

    def _read_reusing(self, size: int) -> bytearray:
        # New memory for each frame costs as much as to receive it.
        if size == frames.PIECE_BYTES:
            self._fill_buffer(self._piece)
            return cast(bytearray, self._piece)
        return self._read_exactly(size)

    def _read_exactly(self, size: int) -> bytearray:
        buffer = bytearray(size)
        self._fill_buffer(memoryview(buffer))
        return buffer

    def _fill_buffer(self, rest: memoryview) -> None:
        while rest:
            count = os.readv(self._source, [rest])
            if not count:
                raise InputEnded
            rest = rest[count:]

    def _send_error(self, number: int, kind: ErrorKind, message: str) -> None:
        text = message.encode(errors="backslashreplace")[: frames.PIECE_BYTES - 1]
        self._send(FrameKind.ERROR, number, bytes([kind]), text)

    def _send(self, kind: FrameKind, number: int, *pieces: frames.Piece) -> None:
        size = sum(len(piece) for piece in pieces)
        header = frames.frame_header(kind, number, size)
        # A large piece is not copied for the sake of one call less.
        parts = (header, *pieces) if size > _LISTING_BYTES else (b"".join((header, *pieces)),)
        with self._writing:
            for part in parts:
                self._write_out(part)

    def _write_out(self, data: frames.Piece) -> None:
        """Write, as who holds the lock."""
        try:
            durable.write_all(self._target, memoryview(data))
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise
            # Nobody is there to read the answer.
            raise InputEnded from error


def _judge_error(error: MlverError) -> ErrorKind:
    kinds = (
        (BlobMissing, ErrorKind.MISSING),
        (BlobTooShort, ErrorKind.TOO_SHORT),
        (TransientBlobError, ErrorKind.TRANSIENT),
        (WrongDigest, ErrorKind.WRONG_DIGEST),
    )
    return next((kind for of, kind in kinds if isinstance(error, of)), ErrorKind.REFUSED)


class _Arrival(RawIOBase):
    """A blob on its way in. Satisfies BlobSource, and is its stream, which is read once."""

    def __init__(
        self, frame: Frame, read_next: Callable[[], Frame], release: Callable[[], None]
    ) -> None:
        super().__init__()
        (self.size, self.replaces), name = frames.unpack_fields("QB", frame.payload)
        self.key = frames.decode_key(name)
        self.number = frame.number
        self.digest = _DIGESTLESS
        self._read_next = read_next
        self._release = release
        self._hasher = hashlib.sha256()
        self._rest = memoryview(b"")
        self._is_over = False
        self._is_released = False

    def open_stream(self) -> BinaryIO:
        """See BlobSource."""
        return cast(BinaryIO, self)

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end; raise WrongDigest there if they are not as announced."""
        while not self._rest and not self._is_over:
            frame = self._next_frame()
            if frame.kind == FrameKind.DATA:
                self._rest = memoryview(frame.payload)
            elif frame.kind == FrameKind.ABORT:
                raise BlobError(f"storing {self.key} was given up")
            else:
                self._check_digest(frames.unpack_digest(frame.payload))
        piece = self._rest[:size]
        self._rest = self._rest[size:]
        self._hasher.update(piece)
        return cast(bytes, piece)

    def close(self) -> None:
        """Nothing: it is read to its end, whatever becomes of the blob."""

    def skip_rest(self) -> None:
        """Read what is left of the blob."""
        while not self._is_over:
            self._next_frame()

    def release_input(self) -> None:
        """Let others read requests, once."""
        if not self._is_released:
            self._is_released = True
            self._release()

    def _next_frame(self) -> Frame:
        try:
            frame = self._read_next()
        except FrameError as error:
            raise OutOfStep(str(error)) from None
        kinds = (FrameKind.DATA, FrameKind.END, FrameKind.ABORT)
        if frame.number != self.number or frame.kind not in kinds:
            raise OutOfStep(f"a frame of kind {frame.kind} within a blob")
        if frame.kind != FrameKind.DATA:
            self._is_over = True
            self.release_input()
        return frame

    def _check_digest(self, announced: bytes) -> None:
        self.digest = self._hasher.digest()
        if self.digest != announced:
            raise WrongDigest(
                f"the bytes for {self.key} arrived with the SHA-256 {self.digest.hex()},"
                f" not {announced.hex()}; run the same command again"
            )
