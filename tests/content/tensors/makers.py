"""Files of weights, made byte by byte as their formats say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy

Array = numpy.ndarray[Any, Any]
_NAMES = {
    "bool": "BOOL",
    "int8": "I8",
    "uint8": "U8",
    "int16": "I16",
    "uint16": "U16",
    "float16": "F16",
    "bfloat16": "BF16",
    "int32": "I32",
    "uint32": "U32",
    "float32": "F32",
    "int64": "I64",
    "uint64": "U64",
    "float64": "F64",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}


def name_dtype(array: Array) -> str:
    return _NAMES[array.dtype.name]


def make_safetensors(
    tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> bytes:
    """A sound safetensors file."""
    document: dict[str, Any] = {}
    if metadata is not None:
        document["__metadata__"] = metadata
    data = b""
    for name, array in tensors.items():
        begin = len(data)
        data += array.tobytes()
        document[name] = {
            "dtype": name_dtype(array),
            "shape": list(array.shape),
            "data_offsets": [begin, len(data)],
        }
    return frame_header(document) + data


def frame_header(document: Any) -> bytes:
    """The length of a header, and the header."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return len(text).to_bytes(8, "little") + text


def draw_values(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    """Values in single precision that look like weights."""
    values: Array = numpy.random.default_rng(seed).normal(size=shape) * scale
    return values.astype("f4")
