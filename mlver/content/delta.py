"""Parts of weights as the difference to earlier ones: XOR, byte plane by byte plane, in zstd.

Two values that are near each other have the same sign and exponent, so that XOR leaves zeros
there. The first bytes of all values together, then the second ones and so on, are long runs of
zeros.

    byte 0    how many planes there are, from 1 to 8: the bytes of a value
    then      one zstd frame of the planes, which are cut off where the part ends

To read a part needs no library but zstd, which comes with Python from 3.14 on. To write one needs
numpy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mlver.extras import import_extra

_EXTRA = "insight"
_MOST_PLANES = 8
# Fast, and hardly larger than what higher levels make of it.
_LEVEL = 1
# So many bytes are turned into one number at a time, which the processor's cache holds.
_BLOCK_BYTES = 16 << 10


def load_encoder() -> Callable[[bytes, bytes, int], bytes]:
    """The function that makes differences: of a part, its base, and the bytes of a value.

    Raise MlverError, which tells how to install it, where a library for that is missing.
    """
    import_extra("numpy", _EXTRA)
    return encode_part


def encode_part(data: bytes, base: bytes, width: int) -> bytes:
    """A part as the difference to a base of the same size, whose values have `width` bytes."""
    np = import_extra("numpy", _EXTRA)
    if len(data) != len(base):
        raise ValueError(f"a part of {len(data):,} bytes has a base of {len(base):,}")
    if not 1 <= width <= _MOST_PLANES:
        raise ValueError(f"values have {width} bytes")
    whole = len(data) - len(data) % width
    mixed = np.bitwise_xor(np.frombuffer(data, np.uint8), np.frombuffer(base, np.uint8))
    planes = np.empty_like(mixed)
    planes[:whole].reshape(width, -1)[:] = mixed[:whole].reshape(-1, width).T
    # A last value that is not whole stands at the end as it is.
    planes[whole:] = mixed[whole:]
    frame: bytes = _load_zstd().compress(planes.tobytes(), _LEVEL)
    return bytes([width]) + frame


def decode_part(blob: bytes, base: bytes, size: int) -> bytes:
    """The part of `size` bytes that was encoded.

    Raise ValueError for what no encoder wrote; at most `size` bytes of it are decompressed.
    """
    if len(base) != size:
        raise ValueError(f"has {size:,} bytes, and its base has {len(base):,}")
    if not blob or not 1 <= blob[0] <= _MOST_PLANES:
        raise ValueError(f"does not say that it has 1 to {_MOST_PLANES} planes")
    width = blob[0]
    planes = _decompress(blob[1:], size)
    if len(planes) != size:
        raise ValueError(f"is compressed, and has {len(planes):,} bytes, not {size:,}")
    length = size // width
    mixed = bytearray(planes)
    for number in range(width):
        mixed[number : length * width : width] = planes[number * length : (number + 1) * length]
    return _combine(mixed, base)


def _combine(data: bytearray, base: bytes) -> bytes:
    """XOR without a library: numbers of many digits do it at the speed of memory."""
    for start in range(0, len(base), _BLOCK_BYTES):
        block = data[start : start + _BLOCK_BYTES]
        number = int.from_bytes(block, "little")
        number ^= int.from_bytes(base[start : start + _BLOCK_BYTES], "little")
        data[start : start + len(block)] = number.to_bytes(len(block), "little")
    return bytes(data)


def _decompress(frame: bytes, size: int) -> bytes:
    """At most `size` bytes of what was compressed, and one more that tells of others."""
    zstd = _load_zstd()
    try:
        planes: bytes = zstd.ZstdDecompressor().decompress(frame, size + 1)
    except zstd.ZstdError as error:
        raise ValueError(f"is no zstd frame: {error}") from error
    return planes


def _load_zstd() -> Any:
    """Python's own module, or what brings the same to a Python that has none.

    Loaded where it is used: hardly any command reads a difference.
    """
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
