from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage.remote.blobs import BlobError
from mlver.storage.remote.frames import Frame
from mlver.storage.remote.sftp_packets import FileStatus, PacketReader, pack_text


def open_packet(payload: bytes) -> PacketReader:
    return PacketReader(Frame(104, 1, bytearray(payload)), lambda: BlobError("no SFTP"))


def pack_status(size: int, mode: int, modified: int) -> bytes:
    """As OpenSSH sends them: size, owners, mode, times, and an extension."""
    numbers = struct.pack(">QIIIII", size, 0, 0, mode, 1, modified)
    return struct.pack(">I", 0x8000000F) + numbers + struct.pack(">I", 1) + pack_text("a") * 2


@given(st.integers(0, (1 << 64) - 1), st.integers(0, 0xFFFF), st.integers(0, (1 << 32) - 1))
def test_names_and_attributes_are_read(size: int, mode: int, modified: int) -> None:
    entry = pack_text("name") + pack_text("-rw-r--r-- name") + pack_status(size, mode, modified)
    packet = open_packet(struct.pack(">I", 2) + entry * 2)
    status = FileStatus(size, mode, modified)
    assert list(packet.read_names()) == [("name", status)] * 2


@pytest.mark.parametrize("flags", [0, 1, 4, 8, 1 | 4, 4 | 8, 0x80000000])
def test_attributes_that_lack_one_that_is_needed_are_refused(flags: int) -> None:
    with pytest.raises(BlobError, match="no SFTP"):
        open_packet(struct.pack(">I", flags) + bytes(60)).read_status()


def test_a_refusal_may_come_without_its_message() -> None:
    assert open_packet(struct.pack(">I", 4)).read_refusal() == (4, "no reason given")
    assert open_packet(struct.pack(">I", 4) + pack_text("full")).read_refusal() == (4, "full")


READERS: list[Callable[[PacketReader], object]] = [
    PacketReader.read_text,
    PacketReader.read_refusal,
    PacketReader.read_status,
    lambda packet: list(packet.read_names()),
    lambda packet: list(packet.read_extensions()),
]
LENGTHS = st.integers(0, 20).map(lambda number: struct.pack(">I", number))


@given(st.sampled_from(READERS), st.lists(st.binary(max_size=30) | LENGTHS).map(b"".join))
def test_no_bytes_are_worse_than_refused(
    read: Callable[[PacketReader], object], payload: bytes
) -> None:
    with suppress(BlobError):
        read(open_packet(payload))
