"""How far the numbers of two files of weights are apart, tensor by tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mlver.content.tensors import elements
from mlver.content.tensors.deltas import BlockPair, measure_delta, starts_with
from mlver.content.tensors.tensor import Tensor, TensorFile


@dataclass(frozen=True, slots=True)
class FileDistance:
    """`largest` is the largest difference of two numbers, `relative` that of a tensor in L2.

    Both are None where a number stands against one that is none, or is infinite, and where double
    precision cannot hold their squares.
    """

    tensors: int
    largest: float | None
    relative: float | None


def measure_distance(old: TensorFile, new: TensorFile) -> FileDistance | str:
    """Measure how far two files are apart, or say why they cannot be compared.

    Raise TensorFault for a file that ends too soon, MlverError where numpy is not installed.
    """
    tensors = {tensor.name: tensor for tensor in old.tensors}
    if tensors.keys() != {tensor.name for tensor in new.tensors}:
        return "other tensors"
    largest: float | None = 0.0
    relative: float | None = 0.0
    pair = BlockPair()
    for other in new.tensors:
        apart = _measure_pair(tensors[other.name], other, pair)
        if isinstance(apart, str):
            return apart
        if apart is None:
            largest = relative = None
        elif largest is not None and relative is not None:
            largest, relative = max(largest, apart[0]), max(relative, apart[1])
    return FileDistance(len(tensors), largest, relative)


def _measure_pair(old: Tensor, new: Tensor, pair: BlockPair) -> tuple[float, float] | str | None:
    """The largest and the relative difference of two tensors; None where there is none."""
    if (old.dtype, old.shape, old.strides) != (new.dtype, new.shape, new.strides):
        return f"{new.name} has another shape or type"
    if not elements.can_measure(new.dtype):
        is_same = old.content.size == new.content.size and starts_with(
            new.content, old.content, pair
        )
        return (0.0, 0.0) if is_same else f"{new.name} has numbers of a type that are not compared"
    measured = measure_delta(old, new, pair)
    if measured.delta is None or measured.is_beyond_numbers:
        return None
    distance = math.sqrt(measured.delta.squared_delta)
    length = math.sqrt(measured.delta.squared_old)
    if not math.isfinite(distance) or not math.isfinite(length):
        return None
    if not distance or length:
        return measured.delta.largest, distance / (length or 1.0)
    return measured.delta.largest, 1.0
