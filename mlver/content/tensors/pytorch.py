"""Tensors of what `torch.save` and `torch.jit.save` write, with no torch and without unpickling.

In a zip archive, `data.pkl` says which tensors there are, and `data/KEY` are their bytes. Before
PyTorch 1.6, five pickles came one after another, and then the bytes of each storage. What the
pickles would import is listed: it is a list, not a verdict.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlver.content.tensors.archives import (
    Inflated,
    SourceFile,
    open_members,
    read_whole,
    refuse_growth,
)
from mlver.content.tensors.pickle_walk import Call, Global, Pairs, Persistent, walk_pickle
from mlver.content.tensors.sources import read_bytes
from mlver.content.tensors.tensor import (
    ELEMENT_BITS,
    ByteSource,
    ByteSpan,
    Content,
    Tensor,
    TensorFault,
    TensorFile,
    UnknownContent,
    check_count,
    count_elements,
    make_span,
)

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MOST_PICKLE_BYTES = 64 << 20
_MOST_DEPTH = 60
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
_REBUILDERS = frozenset({"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"})
_WRAPPERS = frozenset({"_rebuild_parameter", "_rebuild_parameter_with_state"})
# What a module keeps its own in: nothing that people call a tensor by.
_PLUMBING = frozenset({"_parameters", "_buffers", "_modules"})


@dataclass(frozen=True, slots=True)
class _Storage:
    """Where tensors have their elements. `dtype` is None where each tensor says its own."""

    key: str
    dtype: str | None
    count: int
    shift: int = 0


FindStorage = Callable[[str], Content]


def read_pytorch(source: ByteSource) -> TensorFile:
    """Read which tensors a file has; raise TensorFault for a file that is not sound."""
    if source.size >= 4 and read_bytes(source, 0, 4) == b"PK\x03\x04":
        return _read_archive(source)
    return _read_legacy(source)


# -- zip archives ------------------------------------------------------------------------------


def _read_archive(source: ByteSource) -> TensorFile:
    members = open_members(source)
    pickles = [name for name in members if name.endswith("/data.pkl") or name == "data.pkl"]
    if len(pickles) != 1:
        raise TensorFault("it is an archive without one `data.pkl`")
    folder = pickles[0].removesuffix("data.pkl")
    order = members.get(f"{folder}byteorder")
    if order is not None and read_whole(order, 100, "byteorder").strip() != b"little":
        raise UnknownContent("the bytes of its numbers are in reverse")
    data = read_whole(members[pickles[0]], _MOST_PICKLE_BYTES, "its pickle")
    walked = walk_pickle(io.BytesIO(data))

    def find_storage(key: str) -> Content:
        member = members.get(f"{folder}data/{key}")
        if member is None:
            raise TensorFault(f"it has no storage {key!r:.80}")
        return member

    tensors = tuple(_find_tensors(walked.value, find_storage))
    _refuse_repeats(source, tensors)
    remark = None
    if any(name.startswith(f"{folder}code/") for name in members):
        remark = "TorchScript: constants and code in it are not compared"
    return TensorFile(format="pytorch", tensors=tensors, imports=walked.imports, remark=remark)


# -- before PyTorch 1.6 ------------------------------------------------------------------------


def _read_legacy(source: ByteSource) -> TensorFile:
    file = io.BufferedReader(SourceFile(source))
    if walk_pickle(file).value != _LEGACY_MAGIC:
        raise UnknownContent("it is nothing that torch.save writes")
    if walk_pickle(file).value != _LEGACY_PROTOCOL:
        raise UnknownContent("it is of a version of torch.save that is not read")
    system = walk_pickle(file).value
    if isinstance(system, Pairs) and ("little_endian", False) in system.items:
        raise UnknownContent("the bytes of its numbers are in reverse")
    walked = walk_pickle(file)
    keys = walk_pickle(file).value
    storages = _place_storages(source, walked.value, keys, file.tell())

    def find_storage(key: str) -> Content:
        if key not in storages:
            raise TensorFault(f"it has no storage {key!r:.80}")
        return storages[key]

    tensors = tuple(_find_tensors(walked.value, find_storage))
    _refuse_repeats(source, tensors)
    return TensorFile(format="pytorch", tensors=tensors, imports=walked.imports)


def _place_storages(
    source: ByteSource, value: Any, keys: Any, position: int
) -> Mapping[str, ByteSpan]:
    """Find each storage: the number of its elements, and then these."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise TensorFault("it does not say which storages it has")
    check_count(len(keys))
    dtypes = {storage.key: storage.dtype for storage in _find_storages(value)}
    placed: dict[str, ByteSpan] = {}
    for key in keys:
        dtype = dtypes.get(key)
        if dtype is None:
            raise TensorFault(f"nothing says of which type the storage {key!r:.80} is")
        count = int.from_bytes(read_bytes(source, position, 8), "little")
        size = count * ELEMENT_BITS[dtype] // 8
        placed[key] = make_span(source, position + 8, size, key)
        position += 8 + size
    if position != source.size:
        raise TensorFault("its storages do not end where the file ends")
    return placed


def _find_storages(value: Any) -> Iterator[_Storage]:
    for _, call in _walk_calls(value):
        yield _read_storage(_get_arguments(call)[0])


# -- tensors -----------------------------------------------------------------------------------


def _find_tensors(value: Any, find_storage: FindStorage) -> Iterator[Tensor]:
    names: set[str] = set()
    for name, call in _walk_calls(value):
        if name in names:
            raise TensorFault(f"it has two tensors called {name!r:.80}")
        names.add(name)
        check_count(len(names))
        yield _build_tensor(name, call, find_storage)


def _walk_calls(value: Any) -> Iterator[tuple[str, Call]]:
    """Yield the calls that would rebuild tensors, each with its name: the keys that lead there."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    # What is reached again was found already; a pickle may hold itself.
    seen: set[int] = set()
    while waiting:
        parts, item = waiting.pop()
        target = getattr(item, "target", None)
        if isinstance(target, Global) and target.name in _WRAPPERS:
            waiting.append((parts, next(iter(_get_arguments(item)), None)))
        elif isinstance(target, Global) and target.name in _REBUILDERS:
            yield ".".join(parts) or "tensor", item
        elif id(item) not in seen and len(parts) < _MOST_DEPTH:
            if isinstance(item, Pairs | Call | list):
                seen.add(id(item))
            waiting += [((*parts, *key), inner) for key, inner in _list_inner(item)][::-1]


def _list_inner(item: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what is in an object, each with its key."""
    if isinstance(item, list | tuple):
        for number, inner in enumerate(item):
            yield (str(number),), inner
    if isinstance(item, Pairs | Call):
        for key, inner in [*_list_given(item), *item.items]:
            if isinstance(key, str | int):
                yield () if key in _PLUMBING else (str(key)[:200],), inner
    if isinstance(item, Call) and item.state is not None:
        yield (), item.state


def _list_given(item: Pairs | Call) -> list[tuple[Any, Any]]:
    """The items that a map is made with: Python 2 gave all of them to the call."""
    if isinstance(item, Pairs) or not isinstance(item.arguments, tuple) or not item.arguments:
        return []
    given = item.arguments[0]
    if not isinstance(given, list):
        return []
    return [(pair[0], pair[1]) for pair in given if isinstance(pair, list) and len(pair) == 2]


def _get_arguments(call: Call) -> tuple[Any, ...]:
    if not isinstance(call.arguments, tuple):
        raise UnknownContent("it is a pickle that computes the arguments of a call")
    return call.arguments


def _build_tensor(name: str, call: Call, find_storage: FindStorage) -> Tensor:
    arguments = _get_arguments(call)
    if len(arguments) < 4:
        raise TensorFault(f"the tensor {name!r:.80} lacks its place or shape")
    storage = _read_storage(arguments[0])
    offset, shape, strides = arguments[1], arguments[2], arguments[3]
    if not _is_length(offset) or not _are_lengths(shape) or not _are_lengths(strides):
        raise TensorFault(f"the tensor {name!r:.80} has a place or shape that is none")
    if len(shape) != len(strides):
        raise TensorFault(f"the tensor {name!r:.80} has more lengths than strides, or fewer")
    dtype = storage.dtype
    if dtype is None:
        dtype = _read_dtype(arguments[6] if len(arguments) > 6 else None)
    width = ELEMENT_BITS[dtype] // 8
    extent = _measure_extent(shape, strides)
    if count_elements(shape) > extent:
        raise UnknownContent(f"the tensor {name!r:.80} repeats its values")
    whole = find_storage(storage.key)
    begin, size = (offset + storage.shift) * width, extent * width
    if begin + size > whole.size:
        raise TensorFault(f"the tensor {name!r:.80} lies outside its storage")
    return Tensor(
        name=name,
        dtype=dtype,
        shape=shape,
        content=_cut_content(whole, begin, size, name),
        strides=() if _is_in_order(shape, strides) else strides,
    )


def _cut_content(whole: Content, begin: int, size: int, name: str) -> Content:
    if isinstance(whole, ByteSpan):
        return ByteSpan(whole.source, whole.offset + begin, size)
    if isinstance(whole, Inflated) and begin == 0 and size == whole.size:
        return whole
    raise UnknownContent(f"the tensor {name!r:.80} is part of a storage that is packed")


def _read_storage(value: Any) -> _Storage:
    """Read what stands for a storage: `('storage', type, key, device, elements, …)`."""
    if not isinstance(value, Persistent) or not isinstance(value.identity, tuple):
        raise TensorFault("a tensor has its elements in no storage")
    identity = value.identity
    if len(identity) < 5 or identity[0] != "storage" or not isinstance(identity[1], Global):
        raise TensorFault("a tensor has its elements in a storage that is none")
    kind, key, count = identity[1].name, identity[2], identity[4]
    if not isinstance(key, str) or not _is_length(count):
        raise TensorFault("a storage has no name or size")
    if kind != _UNTYPED and kind not in _STORAGES:
        raise UnknownContent(f"there is no type of storage called {kind!r:.80}")
    return _Storage(key, _STORAGES.get(kind), count, _read_shift(identity))


def _read_shift(identity: tuple[Any, ...]) -> int:
    """Where a part of a storage begins, which only files before PyTorch 0.4 have."""
    view = identity[5] if len(identity) > 5 else None
    if isinstance(view, tuple) and len(view) == 3 and _is_length(view[1]):
        return int(view[1])
    return 0


def _read_dtype(value: Any) -> str:
    dtype = _DTYPES.get(value.name) if isinstance(value, Global) else None
    if dtype is None:
        raise UnknownContent("a tensor has a type that is not read")
    return dtype


def _is_length(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**62


def _are_lengths(values: Any) -> bool:
    return isinstance(values, tuple) and all(map(_is_length, values))


def _measure_extent(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """How many elements of the storage lie between the first and the last of a tensor."""
    if 0 in shape:
        return 0
    return 1 + sum((length - 1) * step for length, step in zip(shape, strides, strict=True))


def _is_in_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    step = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length > 1 and stride != step:
            return False
        step *= length
    return True


def _refuse_repeats(source: ByteSource, tensors: tuple[Tensor, ...]) -> None:
    """Refuse a file whose tensors share bytes so often that reading them would never end."""
    refuse_growth(source, sum(tensor.content.size for tensor in tensors))
