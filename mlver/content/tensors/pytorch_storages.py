"""Storages: what tensors of PyTorch have their elements in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.content.tensors.pickle_walk import Global, Persistent
from mlver.content.tensors.tensor import TensorFault, UnknownContent

_STORAGES: Mapping[str, str] = {
    "FloatStorage": "F32",
    "DoubleStorage": "F64",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
    "ComplexDoubleStorage": "C128",
    "QInt8Storage": "I8",
    "QUInt8Storage": "U8",
    "QInt32Storage": "I32",
}
_UNTYPED = "UntypedStorage"
_DTYPES: Mapping[str, str] = {
    "float32": "F32",
    "float64": "F64",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2": "F8_E5M2",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
}


@dataclass(frozen=True, slots=True)
class TorchStorage:
    """Where tensors have their elements. `dtype` is None where each tensor says its own."""

    key: str
    dtype: str | None
    count: int
    shift: int = 0


def is_storage(found: Persistent) -> bool:
    """Whether what lies outside a pickle is a storage, and not, say, the code of a module."""
    return isinstance(found.identity, tuple) and found.identity[:1] == ("storage",)


def read_storage(value: Any) -> TorchStorage:
    """Read what stands for a storage: `('storage', type, key, device, elements, …)`.

    Raise TensorFault for anything else, UnknownContent for a type that is not read.
    """
    if not isinstance(value, Persistent) or not isinstance(value.identity, tuple):
        raise TensorFault("a tensor has its elements in no storage")
    identity = value.identity
    if len(identity) < 5 or identity[0] != "storage" or not isinstance(identity[1], Global):
        raise TensorFault("a tensor has its elements in a storage that names no type")
    kind, key, count = identity[1].name, identity[2], identity[4]
    if not isinstance(key, str) or not is_length(count):
        raise TensorFault("a storage has no name or size")
    if kind != _UNTYPED and kind not in _STORAGES:
        raise UnknownContent(f"there is no type of storage called {kind!r:.80}")
    return TorchStorage(key, _STORAGES.get(kind), count, _read_shift(identity))


def _read_shift(identity: tuple[Any, ...]) -> int:
    """Where a part of a storage begins, which only files before PyTorch 0.4 have."""
    view = identity[5] if len(identity) > 5 else None
    if isinstance(view, tuple) and len(view) == 3 and is_length(view[1]):
        return int(view[1])
    return 0


def read_dtype(value: Any) -> str:
    """Read the type that a tensor says of itself; raise UnknownContent for any other."""
    dtype = _DTYPES.get(value.name) if isinstance(value, Global) else None
    if dtype is None:
        raise UnknownContent("a tensor has a type that is not read")
    return dtype


def is_length(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**62


def are_lengths(values: Any) -> bool:
    return isinstance(values, tuple) and all(map(is_length, values))
