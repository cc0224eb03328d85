"""What `mlver store` and its client say to each other: frames of at most about a mebibyte.

A frame is the length of what follows in four bytes, its kind in one, the number of the request that
it belongs to in four, and its payload. All numbers are unsigned and big-endian, and SFTP has the
same frames. Several requests may be under way; the frames of a blob on its way in come together.

    HELLO    version: 4                                   WELCOME  version: 4, flags: 1, name
    PUT      size: 8, replace: 1, key;                    DONE     outcome: 1, size: 8, SHA-256: 32
             then DATA…, and END  SHA-256: 32 or ABORT
    GET      offset: 8, size: 4, key                      BYTES…, DONE
    STAT     key                                          INFO of one blob
    LIST     prefix                                       INFO…, DONE
    DELETE   key                                          DONE
    SWEEP                                                 DONE
                                      instead of any:     ERROR    kind: 1, text
    of INFO, for each blob: size: 8, time stored in microseconds since 1970: 8, length: 2, key
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from mlver.storage.remote.blobs import BlobInfo

VERSION = 1
NAME = b"mlver store"
# The number of HELLO: to an SFTP server, which a host may start whatever was asked for, it says
# version 3, and that server answers with a frame of WELCOME's kind and this number.
GREETING = 3
READ_ONLY = 1
PIECE_BYTES = 1 << 20
# No caller wants more at once; the far end has that much in memory for each of its threads.
RANGE_BYTES = 32 << 20
_HEADER = struct.Struct(">IBI")
_NUMBERED = 5
_INFO = struct.Struct(">QqH")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY_BYTES = 2048

Piece = bytes | bytearray | memoryview


class FrameKind(IntEnum):
    HELLO = 1
    WELCOME = 2
    PUT = 3
    DATA = 4
    END = 5
    ABORT = 6
    GET = 7
    STAT = 8
    LIST = 9
    DELETE = 10
    SWEEP = 11
    DONE = 101
    BYTES = 102
    INFO = 103
    ERROR = 104


class ErrorKind(IntEnum):
    REFUSED = 1
    MISSING = 2
    TOO_SHORT = 3
    TRANSIENT = 4
    WRONG_DIGEST = 5
    NO_STORE = 6


class FrameError(Exception):
    """What arrived is no frame of the protocol; its text says why."""


class Frame(NamedTuple):
    kind: int
    number: int
    payload: bytearray


def read_frame(read_exactly: Callable[[int], bytearray], most: int = PIECE_BYTES) -> Frame:
    """Read one frame; raise FrameError where its payload is longer than `most` bytes."""
    length, kind, number = _HEADER.unpack(read_exactly(_HEADER.size))
    if not _NUMBERED <= length <= _NUMBERED + most:
        raise FrameError(f"a frame of {length} bytes")
    return Frame(kind, number, read_exactly(length - _NUMBERED))


def frame_header(kind: int, number: int, payload_bytes: int) -> bytes:
    return _HEADER.pack(_NUMBERED + payload_bytes, kind, number)


def pack_frame(kind: int, number: int, *pieces: Piece) -> bytes:
    payload = b"".join(pieces)
    return frame_header(kind, number, len(payload)) + payload


def unpack_fields(layout: str, payload: bytearray) -> tuple[tuple[int, ...], bytes]:
    """The numbers that a payload begins with, and the rest; raise FrameError if it is too short."""
    fields = struct.Struct(f">{layout}")
    if len(payload) < fields.size:
        raise FrameError(f"a payload of {len(payload)} bytes")
    return fields.unpack_from(payload), bytes(payload[fields.size :])


def unpack_digest(payload: bytearray | bytes) -> bytes:
    if len(payload) != 32:
        raise FrameError(f"a SHA-256 of {len(payload)} bytes")
    return bytes(payload)


def decode_key(name: bytes | bytearray) -> str:
    """A key or prefix as it arrived; whether it is one, the store judges."""
    if len(name) > _KEY_BYTES:
        raise FrameError(f"a key of {len(name)} bytes")
    return name.decode("ascii", "backslashreplace")


def pack_info(blob_info: BlobInfo) -> bytes:
    key = blob_info.key.encode()
    stored = (blob_info.stored - _EPOCH) // timedelta(microseconds=1)
    return _INFO.pack(blob_info.size, stored, len(key)) + key


def unpack_infos(payload: bytearray) -> Iterator[BlobInfo]:
    """The blobs of a payload; raise FrameError where it is not made of whole ones."""
    offset = 0
    while offset < len(payload):
        if len(payload) - offset < _INFO.size:
            raise FrameError("a listing that is cut off")
        size, stored, length = _INFO.unpack_from(payload, offset)
        offset += _INFO.size
        key = payload[offset : offset + length]
        offset += length
        if len(key) < length:
            raise FrameError("a listing that is cut off")
        try:
            moment = _EPOCH + timedelta(microseconds=stored)
        except OverflowError:
            raise FrameError(f"a time of {stored} microseconds") from None
        yield BlobInfo(decode_key(key), size, moment)


def join_infos(infos: Iterable[BlobInfo], most: int) -> Iterator[bytes]:
    """Payloads with these blobs, each of about `most` bytes."""
    payload = bytearray()
    for blob_info in infos:
        payload += pack_info(blob_info)
        if len(payload) >= most:
            yield bytes(payload)
            payload.clear()
    if payload:
        yield bytes(payload)
