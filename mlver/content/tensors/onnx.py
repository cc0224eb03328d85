"""Initialisers and constants of ONNX models, by a walk over the protocol buffer.

Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import posixpath
import struct
from dataclasses import dataclass, field

from mlver.content.tensors.archives import refuse_growth
from mlver.content.tensors.onnx_graphs import FoundProto, find_tensors
from mlver.content.tensors.protobuf import Field, Message
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import (
    MOST_DIMENSIONS,
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
    list_left_out,
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
    beside = _FilesBeside(open_beside)
    tensors: dict[str, Tensor] = {}
    unread: list[str] = []
    for found in find_tensors(source):
        tensor = found if isinstance(found, Tensor) else _read_proto(source, found, beside)
        if isinstance(tensor, str):
            unread.append(tensor)
            continue
        if check_name(tensor.name) in tensors:
            raise TensorFault(f"it has two initialisers called {tensor.name!r:.80}")
        tensors[tensor.name] = tensor
        check_count(len(tensors))
    # Tensors may share bytes beside it so often that reading them all would never end.
    total = sum(tensor.content.size for tensor in tensors.values())
    refuse_growth(source.size + beside.size, total)
    remark = list_left_out("initialisers of other types are not compared", unread)
    return TensorFile(format="onnx", tensors=tuple(tensors.values()), remark=remark or None)


class _FilesBeside:
    """The files beside a model, each opened once."""

    def __init__(self, open_beside: OpenBeside) -> None:
        self._open_beside = open_beside
        self._opened: dict[str, ByteSource | None] = {}

    @property
    def size(self) -> int:
        return sum(source.size for source in self._opened.values() if source is not None)

    def open(self, location: str) -> ByteSource | None:
        if location not in self._opened:
            self._opened[location] = self._open_beside(location)
        return self._opened[location]


def _read_proto(source: ByteSource, found: FoundProto, beside: _FilesBeside) -> Tensor | str:
    """Read a tensor; its name alone where it holds no numbers that are read."""
    initialiser = _read_initialiser(found.proto)
    initialiser.name = found.name if found.has_name else found.name + initialiser.name
    if initialiser.data_type not in _TYPES:
        return initialiser.name
    return _build_tensor(source, initialiser, beside)


def _read_initialiser(proto: Message) -> _Initialiser:
    """Read the fields of a tensor; raise TensorFault where they contradict each other."""
    found = _Initialiser()
    for item in proto.read_fields():
        match item.number:
            case 1:  # dims
                found.dims += item.read_varints(MOST_DIMENSIONS)
                if len(found.dims) > MOST_DIMENSIONS:
                    raise TensorFault("an initialiser has too many dimensions")
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
    return found


def _read_entry(entry: Message) -> tuple[str, str]:
    texts = {item.number: item.read_text() for item in entry.read_fields()}
    return texts.get(1, ""), texts.get(2, "")


def _build_tensor(source: ByteSource, found: _Initialiser, beside: _FilesBeside) -> Tensor:
    dtype = _TYPES[found.data_type]
    shape = tuple(found.dims)
    if any(length >= 2**63 for length in shape):
        raise TensorFault(f"the initialiser {found.name!r:.80} has a negative length")
    size = count_bytes(dtype, shape)
    if found.is_external:
        content = _open_external(found, size, beside)
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
    if width not in _WIDTHS:
        raise TensorFault(f"the initialiser {found.name!r:.80} has data of another type")
    form, mask = _WIDTHS[width], (1 << (8 * width)) - 1
    packed = b"".join(struct.pack(form, number & mask) for number in data.read_varints(count))
    return ByteSpan(BytesSource(packed), 0, len(packed))


def _open_external(found: _Initialiser, size: int, beside: _FilesBeside) -> ByteSpan:
    """Find bytes in a file beside the model; a path that leads elsewhere is refused."""
    location = found.external.get("location", "")
    parts = location.split("/")
    is_outside = posixpath.isabs(location) or ".." in parts or "\\" in location
    if not location or is_outside or "\0" in location:
        raise TensorFault(
            f"the initialiser {found.name!r:.80} is said to lie at {location!r:.80}, which is no"
            " place beside the model"
        )
    opened = beside.open(posixpath.normpath(location))
    if opened is None:
        raise TensorFault(f"{location!r:.80}, which has some of its data, is not beside it")
    offset = _read_number(found, "offset", 0)
    return make_span(opened, offset, _read_number(found, "length", size), found.name)


def _read_number(found: _Initialiser, key: str, default: int) -> int:
    text = found.external.get(key, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise TensorFault(f"the initialiser {found.name!r:.80} has an invalid {key}")
    return int(text)
