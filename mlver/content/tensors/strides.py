"""Elements that lie in memory in another order than that of the axes, or with gaps between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlver.content.tensors.sources import NamedContent, fill_blocks, read_bytes
from mlver.content.tensors.tensor import (
    ByteSpan,
    Content,
    Tensor,
    TensorFault,
    count_bytes,
)
from mlver.records.element_types import ELEMENT_BITS

# So much is in memory at a time of what lies in a file as it is.
_MOST_LOADED_BYTES = 64 << 20
# What is packed has to be in memory whole.
_MOST_PACKED_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20
# How `memoryview` calls elements of so many bytes.
_FORMATS: Mapping[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}
Shape = tuple[int, ...]


def measure_extent(shape: Shape, strides: Shape) -> int:
    """How many elements lie from the first one of a tensor to its last."""
    if 0 in shape:
        return 0
    return 1 + sum((length - 1) * step for length, step in zip(shape, strides, strict=True))


def is_in_order(shape: Shape, strides: Shape) -> bool:
    """Whether the elements lie in the order of the axes, without gaps."""
    step = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length > 1 and stride != step:
            return False
        step *= length
    return True


def is_dense(shape: Shape, strides: Shape) -> bool:
    """Whether the elements lie in any order of the axes, without gaps."""
    pairs = _sort_axes(shape, strides)
    return is_in_order(tuple(p[1] for p in pairs[::-1]), tuple(p[0] for p in pairs[::-1]))


def may_repeat(shape: Shape, strides: Shape) -> bool:
    """Whether two elements of a tensor may be the same one in memory, as in an expanded tensor."""
    if 0 in shape:
        return False
    extent = 1
    for stride, length in _sort_axes(shape, strides):
        if stride < extent:
            return True
        extent += (length - 1) * stride
    return False


def _sort_axes(shape: Shape, strides: Shape) -> list[tuple[int, int]]:
    pairs = zip(strides, shape, strict=True)
    return sorted((stride, length) for stride, length in pairs if length > 1)


@dataclass(frozen=True, slots=True)
class StridedContent:
    """Elements of a content in the order of the axes; `strides` say where in it they are.

    The first one lies at its beginning. An element has `width` bytes.
    """

    content: Content
    shape: Shape
    strides: Shape
    width: int

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.width

    def read_blocks(self, buffer: memoryview) -> Iterator[memoryview]:
        """See Content; raise TensorFault for what is packed and too large to be unpacked."""
        pieces = self._read_axis(0, 0) if self.size else iter(())
        return fill_blocks(pieces, buffer)

    def _read_axis(self, axis: int, offset: int) -> Iterator[bytes]:
        """Yield the elements from an axis on; `offset` is where the first one is, in elements."""
        shape, strides = self.shape[axis:], self.strides[axis:]
        begin, size = offset * self.width, measure_extent(shape, strides) * self.width
        if isinstance(self.content, ByteSpan) and is_in_order(shape, strides):
            span = ByteSpan(self.content.source, self.content.offset + begin, size)
            for block in span.read_blocks(memoryview(bytearray(min(size, _PIECE_BYTES)))):
                yield bytes(block)
        elif isinstance(self.content, ByteSpan) and size > _MOST_LOADED_BYTES:
            for index in range(shape[0]):
                yield from self._read_axis(axis + 1, offset + index * strides[0])
        else:
            yield pick_elements(self._load(begin, size), shape, strides, self.width)

    def _load(self, begin: int, size: int) -> bytes:
        if isinstance(self.content, ByteSpan):
            return read_bytes(self.content.source, self.content.offset + begin, size)
        if self.content.size > _MOST_PACKED_BYTES:
            raise TensorFault("a tensor that is packed and lies in another order is too large")
        whole = memoryview(bytearray(min(self.content.size, _PIECE_BYTES)))
        return b"".join(map(bytes, self.content.read_blocks(whole)))[begin : begin + size]


def pick_elements(data: bytes, shape: Shape, strides: Shape, width: int) -> bytes:
    """The elements that lie in `data` by these strides, in the order of the axes."""
    if width not in _FORMATS:
        return pick_elements(data, (*shape, 2), (*(2 * step for step in strides), 1), width // 2)
    if not shape:
        return data[:width]
    picked = bytearray(math.prod(shape) * width)
    source = memoryview(data).cast(_FORMATS[width])
    target = memoryview(picked).cast(_FORMATS[width])
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    # All elements along the longest axis are copied at once.
    longest = max(range(len(shape)), key=shape.__getitem__)
    others = [axis for axis in range(len(shape)) if axis != longest]
    count, stride, step = shape[longest], max(strides[longest], 1), steps[longest]
    for place in itertools.product(*(range(shape[axis]) for axis in others)):
        begin = sum(at * strides[axis] for at, axis in zip(place, others, strict=True))
        into = sum(at * steps[axis] for at, axis in zip(place, others, strict=True))
        last, last_into = begin + (count - 1) * stride, into + (count - 1) * step
        target[into : last_into + 1 : step] = source[begin : last + 1 : stride]
    return bytes(picked)


def order_elements(tensor: Tensor) -> Tensor:
    """The same tensor with its elements in the order of the axes."""
    if not tensor.strides:
        return tensor
    width = ELEMENT_BITS.get(tensor.dtype, 0) // 8
    if not width or tensor.content.size != count_bytes(tensor.dtype, tensor.shape):
        raise TensorFault(f"the elements of {tensor.name!r:.80} cannot be put in order")
    content = tensor.content
    if isinstance(content, NamedContent):
        ordered = StridedContent(content.content, tensor.shape, tensor.strides, width)
        return replace(tensor, content=replace(content, content=ordered), strides=())
    ordered = StridedContent(content, tensor.shape, tensor.strides, width)
    return replace(tensor, content=ordered, strides=())
