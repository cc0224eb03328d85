"""Weights of Keras, which are HDF5: `.h5`, `.weights.h5`, and the one in a `.keras` archive."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlver.content.tensors.archives import (
    Inflated,
    SourceFile,
    open_members,
    read_whole,
    refuse_growth,
)
from mlver.content.tensors.sources import BytesSource, fill_blocks
from mlver.content.tensors.tensor import (
    ByteSource,
    ByteSpan,
    Content,
    Tensor,
    TensorFault,
    TensorFile,
    check_count,
    check_name,
    count_bytes,
    make_span,
)
from mlver.extras import import_extra

_EXTRA = "keras"
_WEIGHTS = "model.weights.h5"
# A packed file inside an archive is inflated in memory, and a row of a packed dataset is, too.
_MOST_PACKED_BYTES = 1 << 30
_MOST_ROW_BYTES = 64 << 20
_TYPES = {
    "bool": "BOOL",
    "int8": "I8",
    "uint8": "U8",
    "int16": "I16",
    "uint16": "U16",
    "float16": "F16",
    "int32": "I32",
    "uint32": "U32",
    "float32": "F32",
    "int64": "I64",
    "uint64": "U64",
    "float64": "F64",
    "complex64": "C64",
    "complex128": "C128",
}


@dataclass(frozen=True, slots=True)
class _Subsource:
    """Part of a source, as a source."""

    span: ByteSpan

    @property
    def size(self) -> int:
        return self.span.size

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """See ByteSource."""
        if offset + len(buffer) > self.span.size:
            raise TensorFault("it ends before the bytes that it names")
        self.span.source.read_into(buffer, self.span.offset + offset)


@dataclass(frozen=True, slots=True)
class _Dataset:
    """A dataset that lies in pieces, or packed."""

    dataset: Any
    size: int

    def read_blocks(self, buffer: memoryview) -> Iterator[memoryview]:
        """See Content."""
        return fill_blocks(self._read_rows(), buffer)

    def _read_rows(self) -> Iterator[bytes]:
        shape = self.dataset.shape
        if not shape:
            yield self.dataset[()].tobytes()
            return
        row_bytes = max(self.size // max(shape[0], 1), 1)
        rows = max(_MOST_ROW_BYTES // 8 // row_bytes, 1)
        for first in range(0, shape[0], rows):
            try:
                yield self.dataset[first : first + rows].tobytes()
            except (OSError, RuntimeError, ValueError):
                raise TensorFault("a dataset of it cannot be read") from None


def read_hdf5(source: ByteSource) -> TensorFile:
    """Read which datasets of numbers a file has; raise TensorFault for one that is not sound.

    Raise MlverError where h5py is not installed.
    """
    h5py: Any = import_extra("h5py", _EXTRA)
    try:
        file = h5py.File(io.BufferedReader(SourceFile(source)), "r")
        tensors = tuple(_read_datasets(source, file))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        raise TensorFault("it is no sound HDF5 file") from None
    refuse_growth(source.size, sum(tensor.content.size for tensor in tensors))
    return TensorFile(format="keras", tensors=tensors)


def read_keras(source: ByteSource) -> TensorFile:
    """Read the weights in a `.keras` archive; raise TensorFault for one that is not sound."""
    weights = open_members(source).get(_WEIGHTS)
    if weights is None:
        raise TensorFault(f"it is an archive without `{_WEIGHTS}`")
    if isinstance(weights, Inflated):
        return read_hdf5(BytesSource(read_whole(weights, _MOST_PACKED_BYTES, _WEIGHTS)))
    return read_hdf5(_Subsource(weights))


def _read_datasets(source: ByteSource, file: Any) -> Iterator[Tensor]:
    """Yield the datasets of numbers; links out of the file are never followed."""
    names: list[str] = []
    # Soft and external links are not visited, each dataset once.
    file.visit(names.append)
    check_count(len(names))
    for name in names:
        item = file[name]
        if not hasattr(item, "shape") or item.shape is None:
            continue
        if item.is_virtual or item.external:
            raise TensorFault(f"the dataset {name!r:.80} lies in another file")
        dtype = _TYPES.get(item.dtype.name)
        if dtype is None:
            # Names and versions are texts.
            continue
        if item.dtype.newbyteorder("<") != item.dtype:
            raise TensorFault(f"the dataset {name!r:.80} has the bytes of its numbers in reverse")
        shape = tuple(int(length) for length in item.shape)
        content = _find_content(source, item, count_bytes(dtype, shape), name)
        yield Tensor(name=check_name(name), dtype=dtype, shape=shape, content=content)


def _find_content(source: ByteSource, item: Any, size: int, name: str) -> Content:
    """Where a dataset is: as it lies, where it lies in one piece."""
    offset = item.id.get_offset()
    if offset is not None:
        return make_span(source, offset, size, name)
    if size and item.shape and size // item.shape[0] > _MOST_ROW_BYTES:
        raise TensorFault(f"a row of the dataset {name!r:.80} is too long")
    return _Dataset(item, size)
