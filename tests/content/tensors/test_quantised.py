"""Quantised blocks stand for numbers, where the package `gguf` is there to say which."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy
import pytest

from mlver.content.tensors.comparing import SideTensor, TensorComparer
from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.quantised import BLOCKS, can_dequantise, dequantise_blocks
from mlver.content.tensors.sources import BytesSource
from mlver.policy.weights.changes import TensorChange
from tests.content.tensors.makers import make_gguf, make_info

# By the numbers of ggml_type.
_KINDS = {"F32": 0, "Q4_0": 2, "Q8_0": 8, "Q4_K": 12}
_NEEDS_GGUF = pytest.mark.skipif(
    not can_dequantise("Q8_0"), reason="gguf is not installed: pip install gguf"
)


def make_q8_0(scale: float, values: numpy.ndarray) -> bytes:
    """Blocks of 32 signed bytes each, behind the scale in half precision."""
    head = struct.pack("<e", scale)
    return b"".join(head + row.astype("i1").tobytes() for row in values.reshape(-1, 32))


def read_side(dtype: str, data: bytes, values: int) -> Mapping[str, SideTensor]:
    content = make_gguf(make_info("w", (1, values), _KINDS[dtype], 0), data=data)
    (tensor,) = read_tensors(BytesSource(content), "m.gguf").tensors
    return {"w": SideTensor.from_found(tensor)}


def compare(old: Mapping[str, SideTensor], new: Mapping[str, SideTensor]) -> TensorChange:
    (change,) = TensorComparer(lambda _: None, measures=True).compare_sides(old, new)
    return change


@_NEEDS_GGUF
def test_how_far_blocks_are_apart_is_that_of_their_values() -> None:
    values = numpy.arange(-64, 64)
    old = read_side("Q8_0", make_q8_0(0.5, values), 128)
    values[3] += 4
    change = compare(old, read_side("Q8_0", make_q8_0(0.5, values), 128))
    assert change.state == "changed"
    assert change.delta is not None
    assert (change.delta.largest, change.delta.changed, change.delta.compared) == (2.0, 1, 128)


@_NEEDS_GGUF
def test_what_was_quantised_is_compared_with_what_it_was() -> None:
    """By blocks on one side and by numbers on the other, over more than one buffer."""
    values = numpy.tile(numpy.arange(-64, 64), 4096)
    old = read_side("F32", (values * 0.5 + 0.25).astype("<f4").tobytes(), values.size)
    change = compare(old, read_side("Q8_0", make_q8_0(0.5, values), values.size))
    assert change.state == "retyped"
    assert change.delta is not None
    assert change.delta.largest == pytest.approx(0.25)
    assert change.delta.compared == values.size


@_NEEDS_GGUF
@pytest.mark.parametrize("dtype", [name for name in BLOCKS if name not in ("Q8_1", "Q8_K")])
def test_blocks_of_each_type_have_values(dtype: str) -> None:
    count, size = BLOCKS[dtype]
    assert len(dequantise_blocks(bytes(3 * size), dtype)) == 3 * count


def test_blocks_without_values_are_compared_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where nothing says what they stand for, a remark says so."""
    monkeypatch.setattr("mlver.content.tensors.quantised.EXTRA", "no_such_package")
    first, second = make_q8_0(0.5, numpy.arange(32)), make_q8_0(0.25, numpy.arange(32))
    old, new = (read_side("Q8_0", data, 32) for data in (first, second))
    change = compare(old, new)
    assert (change.state, change.delta) == ("changed", None)
    content = make_gguf(make_info("w", (1, 32), 8, 0), data=first)
    remark = read_tensors(BytesSource(content), "m.gguf").remark
    assert remark is not None
    assert "mlver[gguf]" in remark
