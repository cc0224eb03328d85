"""A part that is the difference to another one comes back as it was, and nothing else does."""

from __future__ import annotations

import importlib
import random
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.delta import decode_part, encode_part

zstd: Any = importlib.import_module(
    "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
)

WIDTHS = st.integers(1, 8)


@st.composite
def draw_pair(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Two contents of one size."""
    size = draw(st.integers(0, 300))
    return draw(st.binary(min_size=size, max_size=size)), draw(
        st.binary(min_size=size, max_size=size)
    )


@given(draw_pair(), WIDTHS)
def test_a_part_comes_back_whatever_its_width(pair: tuple[bytes, bytes], width: int) -> None:
    data, base = pair
    assert decode_part(encode_part(data, base, width), base, len(data)) == data


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_a_large_part_of_every_type_comes_back(width: int) -> None:
    randomness = random.Random(width)
    base = randomness.randbytes(200_003)
    data = bytearray(base)
    data[0::width] = randomness.randbytes(len(data[0::width]))
    blob = encode_part(bytes(data), base, width)
    assert decode_part(blob, base, len(data)) == data
    # Only the plane that changed takes space.
    assert len(blob) < len(data) / width * 1.1 + 500


@given(draw_pair(), WIDTHS)
def test_planes_are_those_of_a_value_after_the_other(pair: tuple[bytes, bytes], width: int) -> None:
    data, base = pair
    blob = encode_part(data, base, width)
    mixed = bytes(one ^ other for one, other in zip(data, base, strict=True))
    whole = len(mixed) - len(mixed) % width
    planes = b"".join(mixed[number:whole:width] for number in range(width)) + mixed[whole:]
    assert blob[0] == width
    assert zstd.decompress(blob[1:]) == planes


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_are_decoded_or_refused(blob: bytes, base: bytes) -> None:
    with suppress(ValueError):
        assert len(decode_part(blob, base, len(base))) == len(base)


@given(draw_pair(), st.data())
def test_damage_never_gives_more_than_the_part(
    pair: tuple[bytes, bytes], data: st.DataObject
) -> None:
    content, base = pair
    blob = bytearray(encode_part(content, base, 4))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(ValueError):
        assert len(decode_part(bytes(blob), base, len(base))) == len(base)


def frame(planes: bytes) -> bytes:
    compressed: bytes = zstd.compress(planes)
    return compressed


@pytest.mark.parametrize(
    ("blob", "base", "message"),
    [
        (b"", b"base", "1 to 8 planes"),
        (b"\0" + frame(b"base"), b"base", "1 to 8 planes"),
        (b"\x09" + frame(b"base"), b"base", "1 to 8 planes"),
        (b"\x04not compressed", b"base", "no zstd frame"),
        (b"\x04" + frame(b"base")[:-3], b"base", "no zstd frame|has [01] bytes"),
        (b"\x04" + frame(b"bas"), b"base", "has 3 bytes, not 4"),
        (b"\x04" + frame(bytes(1 << 30)), b"base", "has 5 bytes, not 4"),
        (b"\x04" + frame(b"base"), b"longer base", "its base has 11"),
    ],
)
def test_what_no_encoder_wrote_is_refused(blob: bytes, base: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_part(blob, base, 4)
