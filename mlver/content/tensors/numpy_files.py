"""Arrays of numpy's `.npy` and `.npz` files, by their headers alone: no object is ever unpickled.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

from mlver.content.tensors.archives import Inflated, open_members, read_start
from mlver.content.tensors.tensor import (
    ByteSource,
    ByteSpan,
    Tensor,
    TensorFault,
    TensorFile,
    UnknownContent,
    check_name,
    count_bytes,
    count_elements,
)

_MAGIC = b"\x93NUMPY"
# numpy itself reads no longer header of a file that nobody vouches for.
_MOST_HEADER_BYTES = 10_000
_PREFIX_BYTES = 12
_ARRAY_SUFFIX = ".npy"
_TYPES = {
    "b1": "BOOL",
    "i1": "I8",
    "u1": "U8",
    "i2": "I16",
    "u2": "U16",
    "f2": "F16",
    "i4": "I32",
    "u4": "U32",
    "f4": "F32",
    "i8": "I64",
    "u8": "U64",
    "f8": "F64",
    "c8": "C64",
    "c16": "C128",
}
# Text, and whatever else is no number (records, dates, objects), is compared as it lies.
_TEXT_KINDS = ("U", "S")
_DESCRIPTION = re.compile(r"([<>|=])([a-zA-Z][0-9]{0,10})")


def read_npy(source: ByteSource) -> TensorFile:
    """Read the array of a file; raise TensorFault for a file that is not sound."""
    tensor = _read_array(ByteSpan(source, 0, source.size), "array")
    return TensorFile(format="numpy", tensors=(tensor,))


def read_npz(source: ByteSource) -> TensorFile:
    """Read the arrays of an archive; raise TensorFault for a file that is not sound."""
    tensors: list[Tensor] = []
    for name, member in open_members(source).items():
        if name.endswith(_ARRAY_SUFFIX):
            tensors.append(_read_array(member, check_name(name.removesuffix(_ARRAY_SUFFIX))))
    return TensorFile(format="numpy", tensors=tuple(tensors))


def _read_array(content: ByteSpan | Inflated, name: str) -> Tensor:
    start = read_start(content, _PREFIX_BYTES + _MOST_HEADER_BYTES)
    begin, length = _find_header(start, name)
    description, is_fortran, shape = _parse_header(start[begin : begin + length], name)
    data_start = begin + length
    if isinstance(content, ByteSpan):
        data: ByteSpan | Inflated = ByteSpan(
            content.source, content.offset + data_start, content.size - data_start
        )
    else:
        data = replace(content, skipped=data_start)
    match = _DESCRIPTION.fullmatch(description)
    dtype = None if match is None else _TYPES.get(match[2])
    if match is None or dtype is None:
        is_text = match is not None and match[2][0] in _TEXT_KINDS
        return Tensor(name=name, dtype="TEXT" if is_text else "BYTES", shape=shape, content=data)
    if match[1] == ">" and dtype not in ("BOOL", "I8", "U8"):
        raise UnknownContent(f"the array {name!r:.80} has the bytes of its numbers in reverse")
    if data.size != count_bytes(dtype, shape):
        raise TensorFault(f"the array {name!r:.80} has another size than its shape needs")
    strides: tuple[int, ...] = ()
    if is_fortran and sum(length > 1 for length in shape) > 1:
        strides = _fortran_strides(shape)
    return Tensor(name=name, dtype=dtype, shape=shape, content=data, strides=strides)


def _find_header(start: bytes, name: str) -> tuple[int, int]:
    """Where the header of an array begins, and how long it is."""
    if not start.startswith(_MAGIC) or len(start) < _PREFIX_BYTES:
        raise TensorFault(f"{name!r:.80} is no array")
    version = start[6]
    if version not in (1, 2, 3):
        raise TensorFault(f"the array {name!r:.80} is of a version that is not read")
    begin = 10 if version == 1 else 12
    length = int.from_bytes(start[8:begin], "little")
    if length > min(_MOST_HEADER_BYTES, len(start) - begin):
        raise TensorFault(f"the header of the array {name!r:.80} is too long")
    return begin, length


def _parse_header(header: bytes, name: str) -> tuple[str, bool, tuple[int, ...]]:
    """Read the type, the order and the shape of an array."""
    try:
        document: Any = ast.literal_eval(header.decode().strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise TensorFault(f"the header of the array {name!r:.80} cannot be read") from None
    if not isinstance(document, dict) or set(document) != {"descr", "fortran_order", "shape"}:
        raise TensorFault(f"the header of the array {name!r:.80} says other things than it should")
    shape, order = document["shape"], document["fortran_order"]
    if not isinstance(shape, tuple) or not isinstance(order, bool):
        raise TensorFault(f"the header of the array {name!r:.80} has no shape or order")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise TensorFault(f"the array {name!r:.80} has an invalid shape")
    count_elements(shape)
    return str(document["descr"]), order, shape


def _fortran_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides: list[int] = []
    step = 1
    for length in shape:
        strides.append(step)
        step *= length
    return tuple(strides)
