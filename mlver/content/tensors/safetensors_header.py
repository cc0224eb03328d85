"""The header of safetensors: 8 bytes of its length, little-endian, then JSON; the tensors follow.

Format: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mlver.content.tensors.tensor import TensorFault

# Reads so many bytes of a content: offset, size.
ReadRange = Callable[[int, int], bytes]
LENGTH_BYTES = 8
METADATA = "__metadata__"


def load_header(size: int, read_range: ReadRange, most: int) -> tuple[dict[str, Any], int]:
    """Load the header of a content of `size` bytes; return it, and where the tensors begin.

    At most `most` bytes of it are read. Raise TensorFault for anything else than a map. Nothing
    that is in it has been looked at.
    """
    if size < LENGTH_BYTES:
        raise TensorFault("it is too short for a header")
    length = int.from_bytes(read_range(0, LENGTH_BYTES), "little")
    data_start = LENGTH_BYTES + length
    if length < 2 or data_start > size:
        raise TensorFault(f"its header would be {length:,} bytes long, and the file has {size:,}")
    if length > most:
        raise TensorFault(f"its header has {length:,} bytes, and at most {most:,} are read")
    header = read_range(LENGTH_BYTES, length)
    # Other files that begin with such a number are not worth parsing.
    if not header.startswith(b"{"):
        raise TensorFault("its header is no JSON")
    try:
        document = json.loads(header.decode(), object_pairs_hook=_build_map)
    except (ValueError, RecursionError):
        raise TensorFault("its header is no JSON") from None
    assert isinstance(document, dict)
    return document, data_start


def _build_map(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise TensorFault("its header names something twice")
    return mapping
