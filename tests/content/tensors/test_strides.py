"""Elements by strides, held to numpy's."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.tensors import strides
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.strides import (
    StridedContent,
    is_dense,
    is_in_order,
    may_repeat,
    measure_extent,
)
from mlver.content.tensors.tensor import ByteSpan


@st.composite
def draw_slices(draw: st.DrawFn) -> Any:
    """An array of any shape, its axes in any order, and steps along each."""
    shape = draw(st.lists(st.integers(1, 5), max_size=4))
    width = draw(st.sampled_from(["u1", "u2", "f4", "f8", "c16"]))
    whole = numpy.arange(int(numpy.prod(shape)), dtype=width).reshape(shape)
    steps = tuple(slice(None, None, draw(st.integers(1, 3))) for _ in shape)
    return whole[steps].transpose(draw(st.permutations(range(len(shape)))))


def read_strided(array: Any) -> bytes:
    base = array if array.base is None else array.base
    data = base.tobytes()
    steps = tuple(step // array.itemsize for step in array.strides)
    content = ByteSpan(BytesSource(data), 0, len(data))
    strided = StridedContent(content, array.shape, steps, array.itemsize)
    assert strided.size == array.nbytes
    blocks = strided.read_blocks(memoryview(bytearray(48)))
    return b"".join(map(bytes, blocks))


@pytest.mark.parametrize("most", [1, 64, 1 << 20])
@given(array=draw_slices())
def test_elements_come_in_the_order_of_the_axes(most: int, array: Any) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(strides, "_MOST_LOADED_BYTES", most)
        assert read_strided(array) == array.tobytes()


@given(draw_slices())
def test_how_elements_lie_is_what_numpy_says(array: Any) -> None:
    steps = tuple(step // array.itemsize for step in array.strides)
    assert is_in_order(array.shape, steps) == array.flags.c_contiguous
    extent = measure_extent(array.shape, steps)
    assert is_dense(array.shape, steps) == (extent == array.size)
    assert not may_repeat(array.shape, steps)


def test_what_lies_twice_is_told() -> None:
    assert may_repeat((4, 6), (0, 1))
    assert may_repeat((2, 2), (3, 0))
    assert may_repeat((3, 4), (2, 1))
    assert not may_repeat((1, 4), (0, 1))
    assert not may_repeat((0, 4), (0, 0))
