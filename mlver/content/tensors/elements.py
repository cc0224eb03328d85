"""The elements of tensors as numbers: by numpy and ml_dtypes, where there are more than a few."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlver.content.tensors.quantised import BLOCKS, can_dequantise, dequantise_blocks
from mlver.extras import import_extra
from mlver.records.element_types import ELEMENT_BITS

if TYPE_CHECKING:
    import numpy

_EXTRA = "insight"
_NUMPY_TYPES: Mapping[str, str] = {
    "BOOL": "u1",
    "I8": "i1",
    "U8": "u1",
    "I16": "<i2",
    "U16": "<u2",
    "F16": "<f2",
    "I32": "<i4",
    "U32": "<u4",
    "F32": "<f4",
    "I64": "<i8",
    "U64": "<u8",
    "F64": "<f8",
    "C64": "<c8",
    "C128": "<c16",
}
_ML_TYPES: Mapping[str, str] = {
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}
# What `struct` calls the types of which a few elements are read without numpy.
_STRUCT_TYPES: Mapping[str, str] = {
    "BOOL": "<B",
    "I8": "<b",
    "U8": "<B",
    "I16": "<h",
    "U16": "<H",
    "F16": "<e",
    "I32": "<i",
    "U32": "<I",
    "F32": "<f",
    "I64": "<q",
    "U64": "<Q",
    "F64": "<d",
}
# The types that numbers are rounded to without numpy.
_ROUNDED = frozenset({"BF16", "F16", "F32", "F64"})
FLOAT_TYPES = frozenset({"F16", "BF16", "F32", "F64", "C64", "C128"} | {*_ML_TYPES})
_ROW = 4096
# Squares of a block that single precision loses add up to far less.
_LEAST_SINGLE = 1e-25
# Of these, single precision holds every value.
_SINGLE = frozenset({"F32", "F16", *_ML_TYPES})


def load_numpy() -> Any:
    """Load numpy; raise MlverError with the command that installs it."""
    return import_extra("numpy", _EXTRA)


def has_values(dtype: str) -> bool:
    """Whether elements of this type are numbers for numpy."""
    return dtype in _NUMPY_TYPES or dtype in _ML_TYPES


def is_complex(dtype: str) -> bool:
    return dtype in ("C64", "C128")


def find_numpy_type(dtype: str) -> Any:
    """Find numpy's type for a type of elements; raise MlverError where its library is missing."""
    if dtype in _ML_TYPES:
        return load_numpy().dtype(getattr(import_extra("ml_dtypes", _EXTRA), _ML_TYPES[dtype]))
    return load_numpy().dtype(_NUMPY_TYPES[dtype])


def widen_block(block: memoryview | bytes, dtype: str) -> numpy.ndarray[Any, Any]:
    """The values of a block as numbers that can be reckoned with; a complex one is two of them.

    In single precision where that holds every value, else in double precision.
    """
    if dtype in BLOCKS:
        return dequantise_blocks(block, dtype)
    numpy = load_numpy()
    values = numpy.frombuffer(block, find_numpy_type(dtype))
    if is_complex(dtype):
        values = values.view("<f4" if dtype == "C64" else "<f8")
    if dtype == "F32":
        return values  # type: ignore[no-any-return]
    return values.astype("f4" if dtype in _SINGLE else "f8")  # type: ignore[no-any-return]


def sum_squares(values: numpy.ndarray[Any, Any]) -> float:
    """The sum of the squares of values, row by row, so that single precision loses little.

    Where squares are too large or too small for it, they are summed up in double precision. Not by
    BLAS: its threads would wait for each other longer than a block takes.
    """
    square = _sum_rows(values)
    if values.dtype == "f4" and not _LEAST_SINGLE < square < math.inf:
        return _sum_rows(values.astype("f8"))
    return square


def _sum_rows(values: numpy.ndarray[Any, Any]) -> float:
    numpy = load_numpy()
    whole = len(values) - len(values) % _ROW
    rows, rest = values[:whole].reshape(-1, _ROW), values[whole:]
    square = float(numpy.einsum("ij,ij->i", rows, rows).sum(dtype="f8"))
    return square + float(numpy.einsum("i,i", rest, rest))


def read_sample(sample: bytes, dtype: str) -> list[float] | None:
    """Read a few elements without numpy; None for a type of which that is not possible."""
    if dtype == "BF16":
        # The upper half of single precision.
        sample = b"".join(b"\0\0" + sample[at : at + 2] for at in range(0, len(sample), 2))
        dtype = "F32"
    form = _STRUCT_TYPES.get(dtype)
    if form is None or len(sample) % struct.calcsize(form):
        return None
    return [float(value) for (value,) in struct.iter_unpack(form, sample)]


def round_value(value: float, dtype: str) -> float | None:
    """Round a number to a type as a cast does, half to even; None where nobody here can."""
    if dtype not in _ROUNDED:
        return None
    if not math.isfinite(value):
        return value
    try:
        if dtype == "BF16":
            (bits,) = struct.unpack("<I", struct.pack("<f", value))
            bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
            (rounded,) = struct.unpack("<f", struct.pack("<I", bits))
        else:
            form = _STRUCT_TYPES[dtype]
            (rounded,) = struct.unpack(form, struct.pack(form, value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(rounded)


def can_measure(dtype: str) -> bool:
    """Whether how far values of this type are apart can be told here, once numpy is there."""
    return has_values(dtype) or can_dequantise(dtype)


def find_unit(dtype: str) -> tuple[int, int] | None:
    """How many values lie together in whole bytes, and in how many: an element, or a block.

    None where elements are no whole bytes.
    """
    if dtype in BLOCKS:
        return BLOCKS[dtype]
    width = find_element_bytes(dtype)
    return None if width is None else (1, width)


def is_rounded(before: float, after: float, dtype: str) -> bool:
    """Whether a number is another one, rounded to a type."""
    rounded = round_value(before, dtype)
    if rounded is None:
        return False
    return rounded == after or (math.isnan(rounded) and math.isnan(after))


def is_rounded_block(
    old: memoryview, new: memoryview, old_dtype: str, new_dtype: str
) -> bool | None:
    """Whether all elements of a block are those of another, rounded; None where nobody can tell.

    Without numpy.
    """
    before, after = read_sample(bytes(old), old_dtype), read_sample(bytes(new), new_dtype)
    if before is None or after is None or new_dtype not in _ROUNDED:
        return None
    if new_dtype in _STRUCT_TYPES:
        form = f"<{len(before)}{_STRUCT_TYPES[new_dtype][1:]}"
        with suppress(OverflowError):
            # Far quicker than one by one, which those need that are no numbers or too large.
            if struct.pack(form, *before) == bytes(new):
                return True
    pairs = zip(before, after, strict=True)
    return all(is_rounded(old_value, new_value, new_dtype) for old_value, new_value in pairs)


def find_element_bytes(dtype: str) -> int | None:
    """The bytes of an element; None where it is no whole number of them."""
    bits = ELEMENT_BITS.get(dtype, 1)
    return bits // 8 if bits % 8 == 0 else None
