"""Blobs by key: what a back-end promises, so that one object store serves for all of them.

A back-end is one file of about 150 lines with a class that satisfies `BlobStore`, a line in
`open.py`, and a subclass of `BlobConformance` in `tests/storage/remote/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple, Protocol, runtime_checkable

from mlver.errors import MlverError, refusal_error
from mlver.system.timings import STANDARD, Timings

# Lower case only: some stores do not tell `A` from `a`. No component begins with a dot, so that a
# back-end has names of its own for what is not whole yet.
_COMPONENT = r"[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?"
_KEY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT}){{0,7}}", re.ASCII)
# A source is read by so much at a time.
_PIECE_BYTES = 1 << 20
# So much of a range is received by one call of a back-end that does not stream. It may hold it
# twice, and each job has such a call.
RECEIVED_AT_ONCE = 4 << 20


class BlobAddress(NamedTuple):
    """An address as `text`, its scheme in lower case and the rest after `://`.

    A path has no scheme and is all rest. `options` are what the settings of a remote say besides
    its address, such as `endpoint` and `region`; they are never secrets. `timings` is how long
    the back-end waits for a server.
    """

    text: str
    scheme: str
    rest: str
    options: Mapping[str, str] = MappingProxyType({})
    timings: Timings = STANDARD


class BlobError(MlverError):
    """A back-end refused or failed; trying again would end the same."""


class BlobMissing(BlobError):
    """No blob has this key."""


class BlobTooShort(BlobError):
    """The blob ends before the range that was asked for."""


class RangeIgnored(BlobError):
    """The server answered a range with other bytes than that range, such as the whole blob."""


class TransientBlobError(BlobError):
    """The back-end failed for now: the same call may succeed later, and repeating it is safe.

    Whether the call took effect is unknown: its answer may have been lost on the way.
    """


class PutOutcome(Enum):
    """What `put_blob` found under the key."""

    CREATED = "created"
    ALREADY_THERE = "already there"


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A blob as the storage lists it: its size in bytes, and when it was stored last.

    `stored` is UTC by the storage's own clock: compare it with other such times only.
    """

    key: str
    size: int
    stored: datetime


class BlobSource(Protocol):
    """Bytes on their way into a blob. They can be read several times, for a retry begins again."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def open_stream(self) -> BinaryIO:
        """The bytes from the first one on. The caller closes the stream."""
        ...


@dataclass(frozen=True, slots=True)
class BytesBlob:
    """Satisfies BlobSource."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def open_stream(self) -> BinaryIO:
        return BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class FileSource:
    """Satisfies BlobSource: a file that nobody changes meanwhile."""

    path: Path
    size: int

    def open_stream(self) -> BinaryIO:
        return self.path.open("rb")


class BlobStore(Protocol):
    """Blobs by key.

    Every call may be repeated, by the same process or another, at any time and after any error:
    the result is the same as that of one call. No call keeps state on the server that a later one
    needs. A back-end itself tries once and raises TransientBlobError for whatever may pass;
    `RetryingBlobs` is the one place that tries again.

    Keys and prefixes are checked (`check_key`, `check_prefix`) before anything else is done. No
    key is also the folder of another one.

    Whatever a network or an operating system refuses is raised as BlobError or one of its
    subclasses, with the place, the key and what to do about it.

    Nothing here is proved by hashing: the reader of a blob does that.
    """

    @property
    def address(self) -> str:
        """Where the blobs are, for messages: without credentials."""
        ...

    def confirms_content(self) -> bool:
        """Whether the storage itself refuses bytes that were changed on their way to it.

        True only where it has refused a deliberately wrong checksum and accepted a right one,
        which is tried once for each object of this class, and where every `put_blob` sends the
        checksum of its bytes. Elsewhere, only reading a blob back proves that it arrived.
        """
        ...

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """Store all bytes of `source`, unless the key has a blob already; that one then stays.

        The blob appears whole and durably, or not at all. A source that does not have exactly
        `source.size` bytes is refused. ALREADY_THERE says nothing about the bytes under the key;
        after a TransientBlobError they may be those of the call that failed.
        """
        ...

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """Store all bytes of `source`, whatever the key held; its time of storage is then new.

        At every moment, and after any failure, the key has its old blob or the new one, whole.
        """
        ...

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """Exactly these bytes of a blob.

        Raises BlobMissing; BlobTooShort where the blob ends before; RangeIgnored where a server
        answers with anything but the range. Callers ask for pieces that fit in memory.
        """
        ...

    def stat_blob(self, key: str) -> BlobInfo:
        """Size and time of a blob as the storage has them now. Raises BlobMissing."""
        ...

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """All blobs below a folder (`objects/ab/`), or of the whole store (an empty prefix).

        They come in no particular order, each of them once. A blob that is stored or deleted
        meanwhile may be listed or not. What is not whole is never listed.
        """
        ...

    def delete_blob(self, key: str) -> None:
        """Delete a blob durably. Deleting one that is gone already succeeds."""
        ...

    def sweep_leftovers(self) -> None:
        """Remove what attempts that were cut off left, if it is a day old.

        The age is by the storage's own clock. No blob and no attempt under way is concerned.
        """
        ...


@runtime_checkable
class StreamingBlobs(Protocol):
    """What a BlobStore offers besides, if its ranges need not be in memory as a whole."""

    def stream_range(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
        """The bytes of a range in order, as they come. It raises what `get_range` does."""
        ...


def stream_range(blobs: BlobStore, key: str, offset: int, size: int) -> Iterator[memoryview]:
    """Exactly these bytes in order, in pieces as large as is good for the back-end."""
    if not size or not isinstance(blobs, StreamingBlobs):
        for done in range(0, size, RECEIVED_AT_ONCE):
            piece_size = min(RECEIVED_AT_ONCE, size - done)
            data = blobs.get_range(key, offset + done, piece_size)
            yield memoryview(check_range(key, piece_size, data))
        return
    done = 0
    for piece in blobs.stream_range(key, offset, size):
        done += len(piece)
        if done > size:
            _check_received(key, size, done)
        yield piece
    _check_received(key, size, done)


def check_key(key: str) -> str:
    """Return the key; raise BlobError where it is no key.

    A key is one to eight components of lower-case letters, digits, `.`, `_` and `-`, joined by
    slashes. A component begins and ends with a letter or digit and has at most 128 characters.
    """
    if _KEY.fullmatch(key) is None:
        raise BlobError(
            f"{key!r} is no key of a blob:"
            " a key is lower-case letters, digits, `.`, `_` and `-`, in folders"
        )
    return key


def is_key(key: str) -> bool:
    """Whether this is a key: whatever else a back-end lists was put there by somebody else."""
    return _KEY.fullmatch(key) is not None


def check_prefix(prefix: str) -> str:
    """Return the prefix; raise BlobError unless it is empty or a folder with its final slash."""
    if prefix:
        if not prefix.endswith("/"):
            raise BlobError(f"{prefix!r} is no folder of blobs: the name of a folder ends with `/`")
        check_key(prefix.removesuffix("/"))
    return prefix


def check_range(key: str, size: int, data: bytes) -> bytes:
    """Return what a back-end got for a range of `size` bytes, if that is what it is.

    A longer answer means that the server ignored the range. A shorter one was cut on its way.
    """
    _check_received(key, size, len(data))
    return data


def _check_received(key: str, size: int, received: int) -> None:
    if received > size:
        raise RangeIgnored(
            f"the server answered a range of {size} bytes of {key} with {received} bytes;"
            " use a server that supports range requests, and no proxy that drops them"
        )
    if received < size:
        raise TransientBlobError(
            f"reading {key} ended after {received} of {size} bytes; run the same command again"
        )


def read_pieces(key: str, source: BlobSource) -> Iterator[bytes]:
    """The bytes of a source, piece by piece; raise BlobError if they are not `source.size` bytes.

    The error comes before the last piece would make a source with too many bytes look whole. What
    the operating system refuses here is no fault of the back-end, and is not tried again.
    """
    bytes_left = source.size
    with _naming_source(None):
        stream = source.open_stream()
    with stream:
        while bytes_left:
            with _naming_source(stream):
                piece = stream.read(min(bytes_left, _PIECE_BYTES))
                bytes_left -= len(piece)
                is_too_long = not bytes_left and bool(stream.read(1))
            if not piece or is_too_long:
                raise _wrong_size_error(key, source.size)
            yield piece
        with _naming_source(stream):
            is_too_long = not source.size and bool(stream.read(1))
        if is_too_long:
            raise _wrong_size_error(key, 0)


def read_whole(key: str, source: BlobSource) -> bytes:
    """All bytes of a source, for a back-end that sends them at once; see `read_pieces`."""
    if isinstance(source, BytesBlob):
        # There may be several of these at a time: no copy is made.
        return source.data
    return b"".join(read_pieces(key, source))


@contextmanager
def _naming_source(stream: BinaryIO | None) -> Iterator[None]:
    """Name the file of a source, if it is one, in the errors of reading it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = getattr(stream, "name", None)
        refusal = refusal_error("reading what is to be stored", error)
        raise BlobError(refusal.message, hints=refusal.hints) from error


def _wrong_size_error(key: str, size: int) -> BlobError:
    return BlobError(
        f"the bytes for {key} changed while they were stored: they are not {size} bytes any more;"
        " run the same command again when nothing else writes them"
    )
