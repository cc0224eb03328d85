"""Where a large content is cut into parts.

The parts of safetensors begin and end with tensors, so that a tensor that did not change is the
same part in the next checkpoint, wherever it is then. Other contents are cut into parts of equal
size. Nobody relies on the places: a recipe says what was cut where.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from mlver.content.tensors.safetensors_header import METADATA, ReadRange, load_header
from mlver.content.tensors.tensor import TensorFault
from mlver.storage.recipes import PART_BYTES, cut_between

# A longer header is not looked at.
_MOST_HEADER_BYTES = 4 << 20
# A tensor of so many bytes is a part of its own; smaller neighbours are sent together.
_OWN_PART_BYTES = 1 << 20
# With more parts, the recipe would be too large to send.
_MOST_PARTS = 80_000
# The bytes of a value, by how the name of its type ends; others have one: F8_E4M3.
_WIDTHS = {"64": 8, "32": 4, "16": 2}


class TensorPart(NamedTuple):
    """A part of safetensors, and its name there: the one of a tensor that changed keeps it.

    `width` is how many bytes each of its values has; of several small tensors, those of the first.
    """

    offset: int
    size: int
    name: str
    width: int


class _Tensor(NamedTuple):
    """Where a tensor begins in the file, and what it is."""

    begin: int
    name: str
    width: int


def cut_content(size: int, read_range: ReadRange) -> list[tuple[int, int]]:
    """Offset and size of each part of a content of `size` bytes, in order, without gaps."""
    bounds = _find_tensor_bounds(size, read_range)
    if bounds is not None:
        parts = cut_between(_group_bounds(bounds))
        if len(parts) <= _MOST_PARTS:
            return parts
    return cut_between([0, size])


def cut_tensors(size: int, read_range: ReadRange) -> list[TensorPart] | None:
    """Cut a content as `cut_content` does, and name its parts; None where it is no safetensors."""
    header = _read_header(size, read_range)
    if header is None:
        return None
    # What begins at one place twice is empty, or not to be told apart.
    by_begin = {tensor.begin: tensor for tensor in header[1]}
    tensor = _Tensor(0, "", 1)
    parts: list[TensorPart] = []
    for offset, part_size in cut_content(size, read_range):
        tensor = by_begin.get(offset, tensor)
        name = f"{tensor.name}+{offset - tensor.begin}"
        parts.append(TensorPart(offset, part_size, name, tensor.width))
    return parts


def _find_tensor_bounds(size: int, read_range: ReadRange) -> list[int] | None:
    """Where the header and each tensor begin, and the end of all; None where it is something else.

    Nothing that the header says is believed, but that cuts are wanted there.
    """
    header = _read_header(size, read_range)
    if header is None:
        return None
    data_start, tensors = header
    return sorted({0, data_start, size, *(tensor.begin for tensor in tensors)})


def _read_header(size: int, read_range: ReadRange) -> tuple[int, list[_Tensor]] | None:
    """Where the tensors begin, and which they are; None where it is something else."""
    try:
        document, data_start = load_header(size, read_range, _MOST_HEADER_BYTES)
    except TensorFault:
        return None
    tensors: list[_Tensor] = []
    for name, tensor in document.items():
        if name == METADATA:
            continue
        begin = _read_begin(tensor)
        if begin is None or not 0 <= begin <= size - data_start:
            return None
        tensors.append(_Tensor(data_start + begin, name, _read_width(tensor)))
    return data_start, tensors


def _read_width(tensor: dict[str, Any]) -> int:
    """How many bytes each value has, as far as its type tells."""
    return _WIDTHS.get(str(tensor.get("dtype"))[-2:], 1)


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
