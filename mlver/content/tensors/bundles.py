"""Variables of TensorFlow: of a `SavedModel`, and of checkpoints. Nothing of TensorFlow is needed.

The index is a table of strings, sorted by key (tensorflow/core/lib/io/table_format.txt), of which
each value is a protocol buffer that says where a tensor lies in the data files beside it
(tensorflow/core/protobuf/tensor_bundle.proto). What its checksums are of is told by digests better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlver.content.tensors.protobuf import Message
from mlver.content.tensors.sources import BytesSource, read_bytes
from mlver.content.tensors.tensor import (
    ByteSource,
    OpenBeside,
    Tensor,
    TensorFault,
    TensorFile,
    UnknownContent,
    check_count,
    check_name,
    count_bytes,
    make_span,
)

_SUFFIX = ".index"
_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
# Behind each block stand how it is packed, and a checksum.
_TRAILER_BYTES = 5
_PLAIN = 0
_MOST_INDEX_BYTES = 256 << 20
_MOST_SHARDS = 10_000
# Fields of BundleHeaderProto.
_SHARDS, _ENDIANNESS = 1, 2
# Fields of BundleEntryProto, of TensorShapeProto, and of its dimensions.
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _SLICES = 1, 2, 3, 4, 5, 7
_DIMENSION, _LENGTH = 2, 1
_TYPES = {
    1: "F32",
    2: "F64",
    3: "I32",
    4: "U8",
    5: "I16",
    6: "I8",
    8: "C64",
    9: "I64",
    10: "BOOL",
    14: "BF16",
    17: "U16",
    18: "C128",
    19: "F16",
    22: "U32",
    23: "U64",
    24: "F8_E5M2",
    25: "F8_E4M3",
}


@dataclass(slots=True)
class _Entry:
    """What the index says of a tensor."""

    dtype: int = 0
    shape: list[int] = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0
    is_sliced: bool = False


def read_bundle(source: ByteSource, open_beside: OpenBeside, name: str) -> TensorFile:
    """Read which tensors the index called `name` names; the data files are beside it.

    Raise TensorFault for one that is not sound.
    """
    if source.size > _MOST_INDEX_BYTES:
        raise UnknownContent("its index is larger than any that is read")
    pairs = list(_read_table(source))
    check_count(len(pairs))
    if not pairs or pairs[0][0]:
        raise TensorFault("its index does not begin with what it is of")
    shards = _open_shards(_read_header(pairs[0][1]), open_beside, name.removesuffix(_SUFFIX))
    tensors: list[Tensor] = []
    taken: list[tuple[int, int, int, str]] = []
    for key, value in pairs[1:]:
        entry = _read_entry(value)
        tensor = _build_tensor(_read_key(key), entry, shards)
        tensors.append(tensor)
        taken.append((entry.shard, entry.offset, entry.size, tensor.name))
    _refuse_overlaps(taken)
    return TensorFile(format="tensorflow", tensors=tuple(tensors))


# -- the table ---------------------------------------------------------------------------------


def _read_table(source: ByteSource) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values in their order."""
    if source.size < _FOOTER_BYTES:
        raise TensorFault("it ends before its footer")
    footer = read_bytes(source, source.size - _FOOTER_BYTES, _FOOTER_BYTES)
    if int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise TensorFault("it is no table of strings")
    _, position = _read_handle(footer, 0)
    handle, _ = _read_handle(footer, position)
    last = b""
    for _, value in _read_block(source, handle):
        for key, content in _read_block(source, _read_handle(value, 0)[0]):
            # Without an order, one block could be named again and again.
            if key <= last and (key or last):
                raise TensorFault("its keys are not in their order")
            last = key
            yield key, content


def _read_handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Where a block lies and how long it is; and where the bytes go on behind that."""
    offset, position = _read_varint(data, position)
    size, position = _read_varint(data, position)
    return (offset, size), position


def _read_block(source: ByteSource, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    offset, size = handle
    block = read_bytes(source, offset, size + _TRAILER_BYTES)
    if block[size] != _PLAIN:
        raise UnknownContent("its index is compressed")
    restarts = int.from_bytes(block[size - 4 : size], "little")
    end = size - 4 - 4 * restarts
    if size < 4 or end < 0:
        raise TensorFault("a block of it is shorter than it says")
    key, position = b"", 0
    while position < end:
        shared, position = _read_varint(block, position)
        own, position = _read_varint(block, position)
        length, position = _read_varint(block, position)
        if shared > len(key) or own + length > end - position:
            raise TensorFault("an entry of it is longer than its block")
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise TensorFault("a number of it has no end")


# -- what the table says -----------------------------------------------------------------------


def _read_header(value: bytes) -> int:
    """How many data files there are."""
    count = 0
    for item in _as_message(value).read_fields():
        if item.number == _SHARDS:
            count = item.as_number()
        elif item.number == _ENDIANNESS and item.as_number():
            raise UnknownContent("the bytes of its numbers are in reverse")
    if not 1 <= count <= _MOST_SHARDS:
        raise TensorFault("it says to have no data files, or more than any model")
    return count


def _open_shards(count: int, open_beside: OpenBeside, prefix: str) -> list[ByteSource]:
    shards: list[ByteSource] = []
    for number in range(count):
        name = f"{prefix}.data-{number:05d}-of-{count:05d}"
        shard = open_beside(name)
        if shard is None:
            raise TensorFault(f"{name!r:.80}, which has some of its data, is not beside it")
        shards.append(shard)
    return shards


def _read_key(key: bytes) -> str:
    try:
        return check_name(key.decode())
    except UnicodeDecodeError:
        raise UnknownContent("it has tensors in slices") from None


def _read_entry(value: bytes) -> _Entry:
    entry = _Entry()
    for item in _as_message(value).read_fields():
        if item.number == _DTYPE:
            entry.dtype = item.as_number()
        elif item.number == _SHAPE:
            entry.shape = list(_read_shape(item.as_message()))
        elif item.number == _SHARD:
            entry.shard = item.as_number()
        elif item.number == _OFFSET:
            entry.offset = item.as_number()
        elif item.number == _SIZE:
            entry.size = item.as_number()
        elif item.number == _SLICES:
            entry.is_sliced = True
    return entry


def _read_shape(shape: Message) -> Iterator[int]:
    for dimension in shape.find_fields(_DIMENSION):
        lengths = [item.as_number() for item in dimension.as_message().find_fields(_LENGTH)]
        # A length of none is left out.
        yield lengths[-1] if lengths else 0


def _refuse_overlaps(taken: list[tuple[int, int, int, str]]) -> None:
    """Refuse tensors that share bytes: reading them all might never end."""
    ends: dict[int, int] = {}
    for shard, offset, size, name in sorted(taken):
        if offset < ends.get(shard, 0):
            raise TensorFault(f"the tensor {name!r:.80} overlaps another")
        ends[shard] = offset + size


def _as_message(value: bytes) -> Message:
    return Message(BytesSource(value), 0, len(value))


def _build_tensor(name: str, entry: _Entry, shards: list[ByteSource]) -> Tensor:
    if entry.is_sliced:
        raise UnknownContent(f"the tensor {name!r:.80} is kept in slices")
    if entry.shard >= len(shards):
        raise TensorFault(f"the tensor {name!r:.80} lies in a data file that there is none of")
    content = make_span(shards[entry.shard], entry.offset, entry.size, name)
    dtype = _TYPES.get(entry.dtype)
    if dtype is None:
        # Text and quantised values are compared as they lie.
        return Tensor(name=name, dtype="U8", shape=(entry.size,), content=content)
    shape = tuple(entry.shape)
    if entry.size != count_bytes(dtype, shape):
        raise TensorFault(f"the tensor {name!r:.80} has another size than its shape needs")
    return Tensor(name=name, dtype=dtype, shape=shape, content=content)
