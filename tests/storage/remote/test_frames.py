from __future__ import annotations

import io
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage.remote import frames
from mlver.storage.remote.blobs import BlobInfo
from mlver.storage.remote.frames import FrameError

INFOS = st.lists(
    st.builds(
        BlobInfo,
        st.text("abc/0", min_size=1, max_size=60),
        st.integers(0, (1 << 64) - 1),
        st.datetimes(timezones=st.just(UTC)),
    ),
    max_size=20,
)


class EndOfBytes(Exception):
    pass


def read_one(data: bytes) -> frames.Frame:
    stream = io.BytesIO(data)

    def read_exactly(size: int) -> bytearray:
        piece = stream.read(size)
        if len(piece) < size:
            raise EndOfBytes
        return bytearray(piece)

    return frames.read_frame(read_exactly)


@given(st.integers(0, 255), st.integers(0, (1 << 32) - 1), st.binary(max_size=100))
def test_a_frame_is_read_as_it_was_packed(kind: int, number: int, payload: bytes) -> None:
    packed = frames.pack_frame(kind, number, payload)
    assert read_one(packed) == frames.Frame(kind, number, bytearray(payload))
    with pytest.raises(EndOfBytes):
        read_one(packed[:-1])


@given(INFOS, st.integers(1, 200))
def test_a_listing_is_read_as_it_was_joined(infos: list[BlobInfo], most: int) -> None:
    payloads = list(frames.join_infos(infos, most))
    read = [info for payload in payloads for info in frames.unpack_infos(bytearray(payload))]
    assert read == infos


@given(st.binary(max_size=200))
def test_no_bytes_are_worse_than_refused(data: bytes) -> None:
    for read in (
        lambda: read_one(data),
        lambda: list(frames.unpack_infos(bytearray(data))),
        lambda: frames.unpack_fields("QI", bytearray(data)),
        lambda: frames.unpack_digest(data),
        lambda: frames.decode_key(data),
    ):
        try:
            read()
        except (EndOfBytes, FrameError):
            continue


def test_a_frame_that_announces_too_much_is_refused_before_it_is_read() -> None:
    header = frames.frame_header(1, 1, frames.PIECE_BYTES + 1)
    with pytest.raises(FrameError, match="a frame of 1048582 bytes"):
        read_one(header)
    with pytest.raises(FrameError):
        read_one(b"\0\0\0\4\1\0\0\0\1")
