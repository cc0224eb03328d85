"""How far the numbers of two files are apart: .npy, .npz and safetensors, read without running
anything.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlver.errors import MlverError

SUFFIXES = (".npy", ".npz", ".safetensors")
_HEADER_LIMIT = 100 << 20
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
_Array = NDArray[Any]
# What the readers raise for bytes that are not what they ought to be.
_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, RecursionError),
    *(NotImplementedError, SyntaxError, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, slots=True)
class ArrayDistance:
    """`largest` is the largest difference of two numbers, `relative` that of a tensor in L2.

    Both are None where a number stands against one that is none, or is infinite.
    """

    tensors: int
    largest: float | None
    relative: float | None


def measure_distance(first: Path, second: Path) -> ArrayDistance | str:
    """Measure how far two files of one kind are apart, or say why they cannot be compared.

    Raise MlverError for a file that is not what its name says.
    """
    old, new = read_arrays(first), read_arrays(second)
    if old.keys() != new.keys():
        return "other tensors"
    largest: float | None = 0.0
    relative: float | None = 0.0
    for name, array in old.items():
        other = new[name]
        if array.shape != other.shape or array.dtype != other.dtype:
            return f"{name} has another shape or type"
        apart = _measure(array, other)
        if apart is None:
            largest = relative = None
        elif largest is not None and relative is not None:
            largest, relative = max(largest, apart[0]), max(relative, apart[1])
    return ArrayDistance(len(old), largest, relative)


def _measure(old: _Array, new: _Array) -> tuple[float, float] | None:
    # Some NaN are told when they are converted; they have no distance here.
    with np.errstate(all="ignore"):
        return _measure_doubles(old.astype(np.float64).ravel(), new.astype(np.float64).ravel())


def _measure_doubles(old: _Array, new: _Array) -> tuple[float, float] | None:
    first, second = old, new
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    first, second = first[~same], second[~same]
    if not first.size:
        return 0.0, 0.0
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    difference = np.abs(second - first)
    length = float(np.sqrt(np.square(old[np.isfinite(old)]).sum()))
    distance = float(np.sqrt(np.square(difference).sum()))
    relative = distance / length if length else math.inf
    return float(difference.max()), relative if math.isfinite(relative) else 1.0


def read_arrays(path: Path) -> Mapping[str, _Array]:
    """Read the arrays of a file by name; raise MlverError for what is none, or is pickled."""
    try:
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"array": loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except _UNREADABLE as error:
        raise MlverError(f"{path.name} cannot be read as {path.suffix[1:]}: {error}") from None


def _read_safetensors(path: Path) -> dict[str, _Array]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    if size > min(_HEADER_LIMIT, len(data) - 8):
        raise ValueError("its header is longer than the file")
    header = json.loads(data[8 : 8 + size])
    if not isinstance(header, dict):
        raise TypeError("its header is no map")
    arrays: dict[str, _Array] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + size + int(place) for place in entry["data_offsets"])
        if not 8 + size <= start <= end <= len(data):
            raise ValueError(f"{name} lies outside of the file")
        arrays[name] = _read_tensor(data[start:end], entry)
    return arrays


def _read_tensor(data: bytes, entry: Mapping[str, Any]) -> _Array:
    kind = entry["dtype"]
    if kind == "BF16":
        # The upper half of a 32-bit number.
        halves = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return halves.view(np.float32).reshape(entry["shape"])
    if kind not in _TYPES:
        raise ValueError(f"numbers of the type {kind} cannot be compared yet")
    return np.frombuffer(data, _TYPES[kind]).reshape(entry["shape"])
