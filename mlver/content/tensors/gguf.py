"""Tensors of GGUF files, by their header.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlver.content.tensors.quantised import BLOCKS, can_dequantise
from mlver.content.tensors.sources import read_bytes
from mlver.content.tensors.tensor import (
    ByteSource,
    Tensor,
    TensorFault,
    TensorFile,
    UnknownContent,
    check_count,
    check_name,
    count_bytes,
    count_elements,
    make_span,
)

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_DEFAULT_ALIGNMENT = 32
_MOST_ALIGNMENT = 1 << 20
_MOST_DIMENSIONS = 4
_MOST_PAIRS = 100_000
_MOST_HEADER_BYTES = 256 << 20
_TEXT, _ARRAY = 8, 9
_UINT32 = 4
# The bytes of each kind of value that has a fixed width.
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_PLAIN: Mapping[int, str] = {
    0: "F32",
    1: "F16",
    24: "I8",
    25: "I16",
    26: "I32",
    27: "I64",
    28: "F64",
    30: "BF16",
}
_QUANTISED: Mapping[int, str] = {
    2: "Q4_0",
    3: "Q4_1",
    6: "Q5_0",
    7: "Q5_1",
    8: "Q8_0",
    9: "Q8_1",
    10: "Q2_K",
    11: "Q3_K",
    12: "Q4_K",
    13: "Q5_K",
    14: "Q6_K",
    15: "Q8_K",
    16: "IQ2_XXS",
    17: "IQ2_XS",
    18: "IQ3_XXS",
    19: "IQ1_S",
    20: "IQ4_NL",
    21: "IQ3_S",
    22: "IQ2_S",
    23: "IQ4_XS",
    29: "IQ1_M",
    34: "TQ1_0",
    35: "TQ2_0",
    39: "MXFP4",
}
# A difference of digests says that such a tensor changed, and not how far.
_REMARK = (
    "quantised blocks are compared as bytes; how far their values are apart takes more: pip install"
    " 'mlver[gguf]'"
)


def read_gguf(source: ByteSource) -> TensorFile:
    """Read which tensors a file has; raise TensorFault for a file that is not sound."""
    reader = _HeaderReader(source)
    if reader.read(4) != _MAGIC or reader.read_number(4) not in _VERSIONS:
        raise TensorFault("it is no GGUF file of a version that is read")
    tensor_count, pair_count = reader.read_number(8), reader.read_number(8)
    check_count(tensor_count)
    if pair_count > _MOST_PAIRS:
        raise TensorFault("it has more metadata than any model")
    alignment = _read_alignment(reader, pair_count)
    infos = [_read_info(reader) for _ in range(tensor_count)]
    data_start = -(-reader.position // alignment) * alignment
    tensors: dict[str, Tensor] = {}
    for name, shape, kind, offset in infos:
        if name in tensors:
            raise TensorFault(f"it has two tensors called {name!r:.80}")
        dtype, size = _measure_tensor(name, shape, kind)
        content = make_span(source, data_start + offset, size, name)
        tensors[name] = Tensor(name=name, dtype=dtype, shape=shape, content=content)
    _refuse_overlaps(infos, tensors)
    quantised = {tensor.dtype for tensor in tensors.values()} & BLOCKS.keys()
    remark = None if all(map(can_dequantise, quantised)) else _REMARK
    return TensorFile(format="gguf", tensors=tuple(tensors.values()), remark=remark)


class _HeaderReader:
    """Reads one value after another."""

    def __init__(self, source: ByteSource) -> None:
        self.position = 0
        self._source = source

    def read(self, size: int) -> bytes:
        data = read_bytes(self._source, self.position, size)
        self.skip(size)
        return data

    def skip(self, size: int) -> None:
        self.position += size
        if self.position > min(self._source.size, _MOST_HEADER_BYTES):
            raise TensorFault("its header has no end")

    def read_number(self, width: int) -> int:
        return int.from_bytes(self.read(width), "little")

    def read_text(self, most: int) -> str:
        size = self.read_number(8)
        if size > most:
            raise TensorFault("a name in it is too long")
        try:
            return self.read(size).decode()
        except UnicodeDecodeError:
            raise TensorFault("a name in it is not UTF-8") from None

    def skip_value(self, kind: int) -> None:
        """Go on behind a value of the metadata."""
        if kind in _WIDTHS:
            self.skip(_WIDTHS[kind])
        elif kind == _TEXT:
            self.skip(self.read_number(8))
        elif kind == _ARRAY:
            self._skip_array(self.read_number(4), self.read_number(8))
        else:
            raise TensorFault("its metadata has a value of a kind that is not read")

    def _skip_array(self, kind: int, count: int) -> None:
        if kind in _WIDTHS:
            self.skip(count * _WIDTHS[kind])
        elif kind == _TEXT:
            # Each takes eight bytes at least, so that the header ends before a count without end.
            for _ in range(count):
                self.skip(self.read_number(8))
        else:
            raise TensorFault("its metadata has an array of a kind that is not read")


def _read_alignment(reader: _HeaderReader, pair_count: int) -> int:
    """Go through the metadata for what tensors are aligned to."""
    alignment = _DEFAULT_ALIGNMENT
    for _ in range(pair_count):
        key, kind = reader.read_text(1 << 16), reader.read_number(4)
        if key == "general.alignment" and kind == _UINT32:
            alignment = reader.read_number(4)
        else:
            reader.skip_value(kind)
    if not 1 <= alignment <= _MOST_ALIGNMENT:
        raise TensorFault("its tensors are aligned to nothing")
    return alignment


def _read_info(reader: _HeaderReader) -> tuple[str, tuple[int, ...], int, int]:
    """Read name, shape, type and offset of a tensor."""
    name = check_name(reader.read_text(1 << 12))
    dimensions = reader.read_number(4)
    if dimensions > _MOST_DIMENSIONS:
        raise TensorFault(f"the tensor {name!r:.80} has {dimensions} dimensions")
    # The first one is that of neighbours in memory, which is the last one elsewhere.
    shape = tuple(reader.read_number(8) for _ in range(dimensions))[::-1]
    return name, shape, reader.read_number(4), reader.read_number(8)


def _measure_tensor(name: str, shape: tuple[int, ...], kind: int) -> tuple[str, int]:
    """The type of a tensor and its bytes."""
    if kind in _PLAIN:
        return _PLAIN[kind], count_bytes(_PLAIN[kind], shape)
    if kind not in _QUANTISED:
        raise UnknownContent(f"the tensor {name!r:.80} is of a type that is not read")
    dtype = _QUANTISED[kind]
    values, size = BLOCKS[dtype]
    if not shape or shape[-1] % values:
        raise TensorFault(f"the tensor {name!r:.80} has rows that are no whole blocks")
    return dtype, count_elements(shape) // values * size


def _refuse_overlaps(
    infos: list[tuple[str, tuple[int, ...], int, int]], tensors: Mapping[str, Tensor]
) -> None:
    end = 0
    for offset, name in sorted((offset, name) for name, _, _, offset in infos):
        if offset < end:
            raise TensorFault(f"the tensor {name!r:.80} overlaps another")
        end = offset + tensors[name].content.size
