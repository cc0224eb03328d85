"""Tensors of safetensors files, by their header alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from mlver.content.tensors.safetensors_header import METADATA, load_header
from mlver.content.tensors.sources import read_bytes
from mlver.content.tensors.tensor import (
    ByteSource,
    Tensor,
    TensorFault,
    TensorFile,
    check_count,
    check_name,
    count_bytes,
    make_span,
)

# Ten times what the largest published checkpoints have.
_MOST_HEADER_BYTES = 16 << 20
_FIELDS = {"dtype", "shape", "data_offsets"}


def read_safetensors(source: ByteSource) -> TensorFile:
    """Read which tensors a file has; raise TensorFault for a file that is not sound.

    As the format demands, they fill the file from the header to its end, without gaps or overlaps.
    """
    document, data_start = load_header(source.size, partial(read_bytes, source), _MOST_HEADER_BYTES)
    metadata = _read_metadata(document.pop(METADATA, {}))
    check_count(len(document))
    entries = [_read_entry(name, entry) for name, entry in document.items()]
    end = 0
    tensors: list[Tensor] = []
    for begin, size, name, dtype, shape in sorted(entries):
        if begin != end:
            raise TensorFault(f"{name!r:.80} overlaps another tensor, or leaves a gap")
        end = begin + size
        content = make_span(source, data_start + begin, size, name)
        tensors.append(Tensor(name=name, dtype=dtype, shape=shape, content=content))
    if data_start + end != source.size:
        raise TensorFault("its tensors do not end where the file ends")
    return TensorFile(format="safetensors", tensors=tuple(tensors), metadata=metadata)


def _read_metadata(metadata: object) -> Mapping[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise TensorFault("its metadata is no map of texts")
    return metadata


def _read_entry(name: str, entry: Any) -> tuple[int, int, str, str, tuple[int, ...]]:
    """Read where a tensor begins in the data, its size, name, type and shape."""
    check_name(name)
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        raise TensorFault(f"{name!r:.80} does not say its type, its shape and its place alone")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or not _are_lengths(shape) or not _are_lengths(offsets):
        raise TensorFault(f"{name!r:.80} has an invalid type, shape or place")
    if len(offsets) != 2:
        raise TensorFault(f"{name!r:.80} has no begin and end")
    begin, end = offsets
    size = count_bytes(dtype, tuple(shape))
    if end - begin != size:
        raise TensorFault(f"{name!r:.80} has {end - begin:,} bytes, and its shape needs {size:,}")
    return begin, size, name, dtype, tuple(shape)


def _are_lengths(values: object) -> bool:
    if not isinstance(values, list):
        return False
    return all(type(value) is int and 0 <= value < 2**63 for value in values)
