"""Tensors of PyTorch, from the calls that would rebuild them and the storages these name."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mlver.content.tensors.archives import Inflated
from mlver.content.tensors.pickle_walk import Call
from mlver.content.tensors.pytorch_calls import CallFinder, get_arguments
from mlver.content.tensors.pytorch_storages import are_lengths, is_length, read_dtype, read_storage
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.strides import (
    StridedContent,
    is_dense,
    is_in_order,
    may_repeat,
    measure_extent,
)
from mlver.content.tensors.tensor import (
    ByteSpan,
    Content,
    Tensor,
    TensorFault,
    UnknownContent,
    check_count,
    check_name,
    count_elements,
)
from mlver.records.element_types import ELEMENT_BITS

FindStorage = Callable[[str], Content]


class TensorBuilder:
    """Builds the tensors of a checkpoint, and remembers what it could not read of it."""

    def __init__(self, find_storage: FindStorage) -> None:
        self.storages: set[str] = set()
        self.unread: tuple[str, ...] = ()
        self.expanded: list[str] = []
        self._find_storage = find_storage

    def build_tensors(self, value: Any) -> tuple[Tensor, ...]:
        """Build all tensors in what a pickle would build; raise TensorFault for one not sound."""
        finder = CallFinder(value)
        counts: dict[str, int] = {}
        tensors: dict[str, Tensor] = {}
        for found_name, call in finder.find_calls():
            # Maps may have 1 and "1" as keys, and objects both members and attributes.
            counts[found_name] = count = counts.get(found_name, 0) + 1
            name = check_name(found_name if count == 1 else f"{found_name}#{count}")
            if name in tensors:
                raise UnknownContent(f"it has two tensors called {name!r:.80}")
            check_count(len(tensors) + 1)
            tensor = self._build_call(name, call) if isinstance(call, Call) else None
            if tensor is None and not isinstance(call, Call):
                tensor = _build_number(name, call)
            if tensor is not None:
                tensors[name] = tensor
        self.unread = tuple(finder.unread)
        return tuple(tensors.values())

    def _build_call(self, name: str, call: Call) -> Tensor | None:
        """Build a tensor; None for one that has more elements than lie in memory."""
        arguments = get_arguments(call)
        if len(arguments) < 4:
            raise TensorFault(f"the tensor {name!r:.80} lacks its place or shape")
        storage = read_storage(arguments[0])
        self.storages.add(storage.key)
        offset, shape, strides = arguments[1], arguments[2], arguments[3]
        if not is_length(offset) or not are_lengths(shape) or not are_lengths(strides):
            raise TensorFault(f"the tensor {name!r:.80} has an invalid offset, shape or strides")
        if len(shape) != len(strides):
            raise TensorFault(f"the tensor {name!r:.80} has more lengths than strides, or fewer")
        dtype = storage.dtype
        if dtype is None:
            dtype = read_dtype(arguments[6] if len(arguments) > 6 else None)
        width = ELEMENT_BITS[dtype] // 8
        count_elements(shape)
        whole = self._find_storage(storage.key)
        begin, size = (offset + storage.shift) * width, measure_extent(shape, strides) * width
        if begin + size > whole.size:
            raise TensorFault(f"the tensor {name!r:.80} lies outside its storage")
        if may_repeat(shape, strides):
            self.expanded.append(name)
            return None
        content = _cut_content(whole, begin, size, name)
        return _arrange_elements(
            Tensor(name=name, dtype=dtype, shape=shape, content=content), strides
        )


def _arrange_elements(tensor: Tensor, strides: tuple[int, ...]) -> Tensor:
    """Say how the elements of a tensor lie, and leave out the gaps between those of a slice."""
    if 0 in tensor.shape or is_in_order(tensor.shape, strides):
        return tensor
    if is_dense(tensor.shape, strides):
        return replace(tensor, strides=strides)
    width = ELEMENT_BITS[tensor.dtype] // 8
    return replace(tensor, content=StridedContent(tensor.content, tensor.shape, strides, width))


def _build_number(name: str, value: float) -> Tensor:
    """A number by itself as a tensor, which has one value and no axis."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise TensorFault(f"the number {name!r:.80} is too large")
    packed = struct.pack("<q" if isinstance(value, int) else "<d", value)
    dtype = "I64" if isinstance(value, int) else "F64"
    return Tensor(name=name, dtype=dtype, shape=(), content=ByteSpan(BytesSource(packed), 0, 8))


def _cut_content(whole: Content, begin: int, size: int, name: str) -> Content:
    if isinstance(whole, ByteSpan):
        return ByteSpan(whole.source, whole.offset + begin, size)
    if isinstance(whole, Inflated) and begin == 0 and size == whole.size:
        return whole
    raise UnknownContent(f"the tensor {name!r:.80} is part of a storage that is packed")
