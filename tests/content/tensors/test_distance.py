"""Files of numbers are compared number by number."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy
import pytest

from mlver.content.tensors.distance import FileDistance, measure_distance
from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import TensorFile
from tests.content.tensors.makers import Array, make_safetensors


def read_safetensors(**tensors: Array) -> TensorFile:
    return read_tensors(BytesSource(make_safetensors(tensors)), "w.safetensors")


def test_the_largest_difference_of_all_arrays_counts(tmp_path: Path) -> None:
    files: list[TensorFile] = []
    for name, last in (("a", 4.0), ("b", 4.5)):
        path = tmp_path / f"{name}.npz"
        numpy.savez(path, x=numpy.array([3.0, last]), y=numpy.array([1]))
        files.append(read_tensors(BytesSource(path.read_bytes()), path.name))
    first, second = files
    assert measure_distance(first, second) == FileDistance(2, 0.5, 0.1)
    assert measure_distance(first, first) == FileDistance(2, 0.0, 0.0)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i1", ml_dtypes.bfloat16])
def test_numbers_of_each_type_are_compared(dtype: str) -> None:
    old, new = (read_safetensors(w=numpy.array([1, last]).astype(dtype)) for last in (2, 4))
    found = measure_distance(old, new)
    assert isinstance(found, FileDistance)
    assert (found.tensors, found.largest) == (1, 2.0)
    assert found.relative == pytest.approx(2 / 5**0.5)


@pytest.mark.parametrize(
    ("old", "new", "largest"),
    [
        ([1.0, numpy.nan], [1.0, numpy.nan], 0.0),
        ([1.0, numpy.inf], [1.5, numpy.inf], 0.5),
        ([1.0, 2.0], [1.0, numpy.nan], None),
        ([1.0, numpy.inf], [1.0, -numpy.inf], None),
        ([0.0], [1.0], 1.0),
        ([1e200], [2e200], None),
    ],
)
def test_what_is_no_number_equals_itself_only(
    old: list[float], new: list[float], largest: float | None
) -> None:
    found = measure_distance(*(read_safetensors(w=numpy.array(values)) for values in (old, new)))
    assert isinstance(found, FileDistance)
    assert found.largest == largest


def test_other_tensors_and_shapes_are_named() -> None:
    first, second = read_safetensors(x=numpy.zeros(2)), read_safetensors(y=numpy.zeros(2))
    assert measure_distance(first, second) == "other tensors"
    third = read_safetensors(x=numpy.zeros(3))
    assert measure_distance(first, third) == "x has another shape or type"
