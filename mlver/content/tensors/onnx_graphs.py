"""Where an ONNX model has tensors: in its graph, in branches, loops and functions of its own.

Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from mlver.content.tensors.protobuf import Field, Message
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import (
    ByteSource,
    ByteSpan,
    Tensor,
    TensorFault,
    UnknownContent,
)

_MOST_DEPTH = 20
# Of numbers that stand one by one in pieces.
_MOST_PIECES = 1 << 20


class _Model(IntEnum):
    GRAPH = 7
    TRAINING = 20
    FUNCTION = 25


class _Graph(IntEnum):
    NODE = 1
    INITIALISER = 5
    SPARSE = 15


class _Function(IntEnum):
    NAME = 1
    NODE = 7


class _Node(IntEnum):
    OUTPUT = 2
    KIND = 4
    ATTRIBUTE = 5


class _Attribute(IntEnum):
    NAME = 1
    FLOAT = 2
    INT = 3
    TENSOR = 5
    GRAPH = 6
    FLOATS = 7
    INTS = 8
    TENSORS = 10
    GRAPHS = 11
    SPARSE = 22


@dataclass(frozen=True, slots=True)
class FoundProto:
    """A TensorProto; `name` is its whole name, or what is put before the one it has."""

    name: str
    proto: Message
    has_name: bool = False


@dataclass(slots=True)
class _NodeFields:
    """What the fields of a NodeProto say."""

    kind: str = ""
    outputs: list[str] = field(default_factory=list)
    attributes: list[Message] = field(default_factory=list)


def find_tensors(source: ByteSource) -> Iterator[FoundProto | Tensor]:
    """Yield what holds numbers: protos of tensors, and lists of numbers as tensors.

    Raise TensorFault for a file that has no graph, or whose graphs are nested without end.
    """
    is_model = False
    for item in Message(source, 0, source.size).read_fields():
        if item.number == _Model.GRAPH:
            is_model = True
            yield from _walk_graph(item.as_message(), "", 0)
        elif item.number == _Model.FUNCTION:
            yield from _walk_function(item.as_message())
        elif item.number == _Model.TRAINING:
            for graph in item.as_message().read_fields():
                if graph.number in (1, 2):
                    yield from _walk_graph(graph.as_message(), f"training.{graph.number}.", 0)
    if not is_model:
        raise TensorFault("it holds no graph")


def _walk_function(function: Message) -> Iterator[FoundProto | Tensor]:
    names = [item.read_text() for item in function.find_fields(_Function.NAME)]
    for node in function.find_fields(_Function.NODE):
        yield from _walk_node(node.as_message(), "".join(names[:1]) + ".", 0)


def _walk_graph(graph: Message, prefix: str, depth: int) -> Iterator[FoundProto | Tensor]:
    """Yield the tensors of a graph; `prefix` stands before their names."""
    if depth > _MOST_DEPTH:
        raise TensorFault("its graphs are nested deeper than any model's")
    for item in graph.read_fields():
        if item.number == _Graph.INITIALISER:
            yield FoundProto(prefix, item.as_message())
        elif item.number == _Graph.SPARSE:
            yield from _list_sparse(item.as_message(), prefix, has_name=False)
        elif item.number == _Graph.NODE:
            yield from _walk_node(item.as_message(), prefix, depth)


def _walk_node(node: Message, prefix: str, depth: int) -> Iterator[FoundProto | Tensor]:
    """Yield the tensors of a node by the name of its first output."""
    found = _NodeFields()
    for item in node.read_fields():
        if item.number == _Node.OUTPUT:
            found.outputs.append(item.read_text())
        elif item.number == _Node.KIND:
            found.kind = item.read_text()
        elif item.number == _Node.ATTRIBUTE:
            found.attributes.append(item.as_message())
    own = prefix + "".join(found.outputs[:1])
    for attribute in found.attributes:
        yield from _walk_attribute(attribute, own, depth, is_constant=found.kind == "Constant")


def _walk_attribute(
    attribute: Message, own: str, depth: int, *, is_constant: bool
) -> Iterator[FoundProto | Tensor]:
    title = "".join(item.read_text() for item in attribute.find_fields(_Attribute.NAME))
    # A constant has one attribute, which is its value.
    name = own if is_constant or title in ("", "value") else f"{own}.{title}"
    numbers: list[Field] = []
    graphs = 0
    for item in attribute.read_fields():
        if item.number in (_Attribute.GRAPH, _Attribute.GRAPHS):
            place = f"{own}.{title}.{graphs}" if graphs else f"{own}.{title}"
            graphs += 1
            yield from _walk_graph(item.as_message(), f"{place}.", depth + 1)
        elif item.number == _Attribute.TENSOR:
            yield FoundProto(name, item.as_message(), has_name=True)
        elif item.number == _Attribute.TENSORS:
            yield FoundProto(f"{name}.", item.as_message())
        elif item.number == _Attribute.SPARSE:
            yield from _list_sparse(item.as_message(), name, has_name=True)
        elif item.number == _Attribute.FLOATS or (is_constant and item.number in _SCALARS):
            # Trees and the like have their numbers in lists, whatever the node.
            numbers.append(item)
            if len(numbers) > _MOST_PIECES:
                raise UnknownContent(f"{name!r:.80} has too many numbers one by one")
    if numbers:
        yield _join_numbers(numbers, name)


# Numbers that are weights only where a node is a constant.
_SCALARS = (_Attribute.FLOAT, _Attribute.INT, _Attribute.INTS)


def _list_sparse(sparse: Message, name: str, *, has_name: bool) -> Iterator[FoundProto | Tensor]:
    """Yield values, indices and dimensions of a sparse tensor, which is called as its values."""
    parts = {item.number: item for item in sparse.read_fields() if item.number in (1, 2)}
    if 1 not in parts or 2 not in parts:
        raise TensorFault("a sparse tensor lacks its values or indices")
    values = parts[1].as_message()
    yield FoundProto(name, values, has_name=has_name)
    if not has_name:
        name += "".join(item.read_text() for item in values.find_fields(8))
    yield FoundProto(f"{name}.indices", parts[2].as_message(), has_name=True)
    dims = [number for item in sparse.find_fields(3) for number in item.read_varints(64)]
    yield _make_tensor(f"{name}.dims", "I64", b"".join(struct.pack("<Q", n) for n in dims))


def _join_numbers(items: list[Field], name: str) -> Tensor:
    """Make a tensor of numbers in an attribute, which may be packed, or stand one by one."""
    is_whole = items[0].number in (_Attribute.INT, _Attribute.INTS)
    if not is_whole and len(items) == 1:
        span = items[0].as_span()
        if span.size % 4:
            raise TensorFault(f"the numbers of {name!r:.80} end in the midst of one")
        return Tensor(name=name, dtype="F32", shape=(span.size // 4,), content=span)
    if not is_whole:
        data = b"".join(
            bytes(block)
            for item in items
            for block in item.as_span().read_blocks(memoryview(bytearray(max(item.size, 1))))
        )
        return _make_tensor(name, "F32", data)
    numbers = [number for item in items for number in item.read_varints(_MOST_PIECES)]
    return _make_tensor(name, "I64", b"".join(struct.pack("<Q", number) for number in numbers))


def _make_tensor(name: str, dtype: str, data: bytes) -> Tensor:
    width = 4 if dtype == "F32" else 8
    if len(data) % width:
        raise TensorFault(f"the numbers of {name!r:.80} end in the midst of one")
    content = ByteSpan(BytesSource(data), 0, len(data))
    return Tensor(name=name, dtype=dtype, shape=(len(data) // width,), content=content)
