"""Initialisers and constants of ONNX models, by a walk over the protocol buffer.

Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlver.content.tensors.protobuf import Field, Message
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import (
    ByteSource,
    ByteSpan,
    OpenBeside,
    Tensor,
    TensorFault,
    TensorFile,
    check_count,
    check_name,
    count_bytes,
    count_elements,
    make_span,
)

_TYPES = {
    1: "F32",
    2: "U8",
    3: "I8",
    4: "U16",
    5: "I16",
    6: "I32",
    7: "I64",
    9: "BOOL",
    10: "F16",
    11: "F64",
    12: "U32",
    13: "U64",
    14: "C64",
    15: "C128",
    16: "BF16",
    17: "F8_E4M3",
    18: "F8_E4M3FNUZ",
    19: "F8_E5M2",
    20: "F8_E5M2FNUZ",
    23: "F4",
}
# Fields of ModelProto, GraphProto, NodeProto and AttributeProto.
_GRAPH = 7
_NODE, _INITIALISER = 1, 5
_OUTPUT, _ATTRIBUTE = 2, 5
_TENSOR, _SUBGRAPH = 5, 6
_MOST_DEPTH = 20
# The type of tensors that hold no numbers.
_TEXTS = 8
_INT32S, _INT64S, _UINT64S = 5, 7, 11
_FLOATS, _DOUBLES = 4, 10
_IS_EXTERNAL = 1
# Fields that hold numbers one by one, and the types whose bytes they are as they lie.
_FIXED = {_FLOATS: ("F32", "C64"), _DOUBLES: ("F64", "C128")}
_VARINTS = (_INT32S, _INT64S, _UINT64S)
_WIDTHS = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
# Numbers that are written one by one are few: offsets, shapes, scales.
_MOST_VARINTS = 1 << 20


@dataclass(slots=True)
class _Initialiser:
    """What the fields of a TensorProto say."""

    name: str = ""
    data_type: int = 0
    dims: list[int] = field(default_factory=list)
    data: Field | None = None
    is_external: bool = False
    external: dict[str, str] = field(default_factory=dict)


def read_onnx(source: ByteSource, open_beside: OpenBeside) -> TensorFile:
    """Read which initialisers and constants a model has.

    Raise TensorFault for a model that is not sound. Those whose
    bytes lie in a file beside it are read from what `open_beside` opens.
    """
    tensors: dict[str, Tensor] = {}
    is_model = False
    for graph in Message(source, 0, source.size).find_fields(_GRAPH):
        is_model = True
        for name, proto in _find_protos(graph.as_message(), 0):
            found = _read_initialiser(proto, name)
            if found.data_type == _TEXTS:
                continue
            tensor = _build_tensor(source, found, open_beside)
            if tensor.name in tensors:
                raise TensorFault(f"it has two initialisers called {tensor.name!r:.80}")
            tensors[tensor.name] = tensor
            check_count(len(tensors))
    if not is_model:
        raise TensorFault("it holds no graph")
    return TensorFile(format="onnx", tensors=tuple(tensors.values()))


def _find_protos(graph: Message, depth: int) -> Iterator[tuple[str, Message]]:
    """Yield the tensors of a graph, those of constant nodes by the names of their outputs.

    Branches and loops are graphs in attributes of nodes.
    """
    if depth > _MOST_DEPTH:
        raise TensorFault("its graphs are nested deeper than any model's")
    for item in graph.read_fields():
        if item.number == _INITIALISER:
            yield "", item.as_message()
        elif item.number == _NODE:
            yield from _find_constants(item.as_message(), depth)


def _find_constants(node: Message, depth: int) -> Iterator[tuple[str, Message]]:
    outputs: list[str] = []
    attributes: list[Message] = []
    for item in node.read_fields():
        if item.number == _OUTPUT:
            outputs.append(item.read_text())
        elif item.number == _ATTRIBUTE:
            attributes.append(item.as_message())
    for attribute in attributes:
        for item in attribute.read_fields():
            if item.number == _TENSOR:
                yield check_name("".join(outputs[:1])), item.as_message()
            elif item.number == _SUBGRAPH:
                yield from _find_protos(item.as_message(), depth + 1)


def _read_initialiser(proto: Message, name: str) -> _Initialiser:
    """Read the fields of a tensor; the name of one that has none of its own is given."""
    found = _Initialiser()
    for item in proto.read_fields():
        match item.number:
            case 1:  # dims
                found.dims += item.read_varints(64)
            case 2:  # data_type
                found.data_type = item.as_number()
            case 8:  # name
                found.name = check_name(item.read_text())
            case 14:  # data_location
                found.is_external = item.as_number() == _IS_EXTERNAL
            case 13:  # external_data
                key, value = _read_entry(item.as_message())
                found.external[key] = value
            case 4 | 5 | 7 | 9 | 10 | 11:  # data of one type or other
                if found.data is not None:
                    raise TensorFault("an initialiser has its data twice, or in pieces")
                found.data = item
    found.name = name or found.name
    return found


def _read_entry(entry: Message) -> tuple[str, str]:
    texts = {item.number: item.read_text() for item in entry.read_fields()}
    return texts.get(1, ""), texts.get(2, "")


def _build_tensor(source: ByteSource, found: _Initialiser, open_beside: OpenBeside) -> Tensor:
    dtype = _TYPES.get(found.data_type)
    shape = tuple(found.dims)
    if dtype is None or any(length >= 2**63 for length in shape):
        raise TensorFault(f"the initialiser {found.name!r:.80} has a type or shape that is none")
    size = count_bytes(dtype, shape)
    if found.is_external:
        content = _open_external(found, size, open_beside)
    elif found.data is None:
        content = ByteSpan(source, 0, 0)
    elif found.data.number in _VARINTS:
        content = _convert_varints(found, found.data, dtype, count_elements(shape))
    else:
        if dtype not in _FIXED.get(found.data.number, (dtype,)):
            raise TensorFault(f"the initialiser {found.name!r:.80} has data of another type")
        content = found.data.as_span()
    if content.size != size:
        raise TensorFault(f"the initialiser {found.name!r:.80} has another size than its shape")
    return Tensor(name=found.name, dtype=dtype, shape=shape, content=content)


def _convert_varints(found: _Initialiser, data: Field, dtype: str, count: int) -> ByteSpan:
    """Write numbers that stand one by one as they lie in memory."""
    if count > _MOST_VARINTS:
        raise TensorFault(f"the initialiser {found.name!r:.80} has too many numbers one by one")
    width = max(count_bytes(dtype, ()), 1)
    form, mask = _WIDTHS[width], (1 << (8 * width)) - 1
    packed = b"".join(struct.pack(form, number & mask) for number in data.read_varints(count))
    return ByteSpan(BytesSource(packed), 0, len(packed))


def _open_external(found: _Initialiser, size: int, open_beside: OpenBeside) -> ByteSpan:
    """Find bytes in a file beside the model; a path that leads elsewhere is refused."""
    location = found.external.get("location", "")
    parts = location.split("/")
    is_outside = posixpath.isabs(location) or ".." in parts or "\\" in location
    if not location or is_outside or "\0" in location:
        raise TensorFault(
            f"the initialiser {found.name!r:.80} is said to lie at {location!r:.80}, which is no"
            " place beside the model"
        )
    beside = open_beside(posixpath.normpath(location))
    if beside is None:
        raise TensorFault(f"{location!r:.80}, which has some of its data, is not beside it")
    offset = _read_number(found, "offset", 0)
    return make_span(beside, offset, _read_number(found, "length", size), found.name)


def _read_number(found: _Initialiser, key: str, default: int) -> int:
    text = found.external.get(key, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise TensorFault(f"the initialiser {found.name!r:.80} has an {key} that is none")
    return int(text)
