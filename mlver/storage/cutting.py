"""Where a large content is cut into parts.

The parts of safetensors begin and end with tensors, so that a tensor that did not change is the
same part in the next checkpoint, wherever it is then. Whatever else there is is cut evenly. Nobody
relies on the places: a recipe says what was cut where.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mlver.content.tensors.safetensors_header import METADATA, ReadRange, load_header
from mlver.content.tensors.tensor import TensorFault
from mlver.storage.recipes import PART_BYTES, cut_between

# A longer header is not looked at.
_MOST_HEADER_BYTES = 4 << 20
# A tensor of so many bytes is a part of its own; smaller neighbours are sent together.
_OWN_PART_BYTES = 1 << 20
# With more parts, the recipe would be too large to send.
_MOST_PARTS = 80_000


def cut_content(size: int, read_range: ReadRange) -> list[tuple[int, int]]:
    """Offset and size of each part of a content of `size` bytes, in order, without gaps."""
    bounds = _find_tensor_bounds(size, read_range)
    if bounds is not None:
        parts = cut_between(_group_bounds(bounds))
        if len(parts) <= _MOST_PARTS:
            return parts
    return cut_between([0, size])


def _find_tensor_bounds(size: int, read_range: ReadRange) -> list[int] | None:
    """Where the header and each tensor begin, and the end of all; None where it is something else.

    Nothing that the header says is believed, but that cuts are wanted there.
    """
    try:
        document, data_start = load_header(size, read_range, _MOST_HEADER_BYTES)
    except TensorFault:
        return None
    bounds = {0, data_start, size}
    for name, tensor in document.items():
        if name == METADATA:
            continue
        begin = _read_begin(tensor)
        if begin is None or not 0 <= begin <= size - data_start:
            return None
        bounds.add(data_start + begin)
    return sorted(bounds)


def _read_begin(tensor: Any) -> int | None:
    """Where a tensor begins, counted from the end of the header."""
    offsets = tensor.get("data_offsets") if isinstance(tensor, dict) else None
    if isinstance(offsets, list) and offsets and type(offsets[0]) is int:
        return offsets[0]
    return None


def _group_bounds(bounds: list[int]) -> list[int]:
    """Leave out the bounds between small tensors that go into one part together."""
    kept = bounds[:2]
    for begin, end in pairwise(bounds[1:]):
        group_begin = kept[-1]
        is_large = end - begin >= _OWN_PART_BYTES
        if begin > group_begin and (is_large or end - group_begin > PART_BYTES):
            kept.append(begin)
        if is_large:
            kept.append(end)
    if kept[-1] != bounds[-1]:
        kept.append(bounds[-1])
    return kept
