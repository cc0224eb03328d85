"""Files of numbers are compared number by number, and hostile ones are refused by name."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.array_distance import ArrayDistance, measure_distance, read_arrays
from mlver.errors import MlverError


def write_safetensors(path: Path, header: Any, data: bytes = b"") -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def write_tensor(path: Path, kind: str, data: bytes, shape: list[int]) -> Path:
    entry = {"dtype": kind, "shape": shape, "data_offsets": [0, len(data)]}
    return write_safetensors(path, {"__metadata__": {}, "w": entry}, data)


def test_the_largest_difference_of_all_arrays_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    np.savez(first, x=np.array([3.0, 4.0]), y=np.array([1], dtype=np.int64))
    np.savez(second, x=np.array([3.0, 4.5]), y=np.array([1], dtype=np.int64))
    assert measure_distance(first, second) == ArrayDistance(2, 0.5, 0.1)
    assert measure_distance(first, first) == ArrayDistance(2, 0.0, 0.0)


def test_safetensors_of_each_type_are_read(tmp_path: Path) -> None:
    for kind, code in (("F64", "<f8"), ("F32", "<f4"), ("F16", "<f2"), ("I8", "|i1")):
        numbers = np.array([1, 2], dtype=code)
        path = write_tensor(tmp_path / f"{kind}.safetensors", kind, numbers.tobytes(), [2])
        assert read_arrays(path)["w"].tolist() == [1, 2]
    halves = (np.array([1.5, -2.0], dtype=np.float32).view(np.uint32) >> 16).astype("<u2")
    path = write_tensor(tmp_path / "bf16.safetensors", "BF16", halves.tobytes(), [2])
    assert read_arrays(path)["w"].tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("old", "new", "largest"),
    [
        ([1.0, np.nan], [1.0, np.nan], 0.0),
        ([1.0, np.inf], [1.5, np.inf], 0.5),
        ([1.0, 2.0], [1.0, np.nan], None),
        ([1.0, np.inf], [1.0, -np.inf], None),
        ([0.0], [1.0], 1.0),
    ],
)
def test_what_is_no_number_equals_itself_only(
    tmp_path: Path, old: list[float], new: list[float], largest: float | None
) -> None:
    first, second = tmp_path / "a.npy", tmp_path / "b.npy"
    np.save(first, np.array(old))
    np.save(second, np.array(new))
    found = measure_distance(first, second)
    assert isinstance(found, ArrayDistance)
    assert found.largest == largest


def test_other_tensors_and_shapes_are_named(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.npz" for name in "abc")
    np.savez(first, x=np.zeros(2))
    np.savez(second, y=np.zeros(2))
    np.savez(third, x=np.zeros(3))
    assert measure_distance(first, second) == "other tensors"
    assert measure_distance(first, third) == "x has another shape or type"


HOSTILE: dict[str, Any] = {
    "a long header": (1 << 63).to_bytes(8, "little") + b"{}",
    "no header": b"",
    "no JSON": (4).to_bytes(8, "little") + b"{{{{",
    "a list": (2).to_bytes(8, "little") + b"[]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(MlverError, match=r"w\.safetensors cannot be read"):
        read_arrays(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 4000]},
        {"dtype": "F32", "shape": [1], "data_offsets": [-8, 4]},
        {"dtype": "F32", "shape": [1]},
        {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": "x", "data_offsets": [0, 4]},
        {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]},
        3,
    ],
)
def test_a_hostile_tensor_is_refused(tmp_path: Path, entry: Any) -> None:
    path = write_safetensors(tmp_path / "w.safetensors", {"w": entry}, bytes(4))
    with pytest.raises(MlverError, match=r"w\.safetensors cannot be read"):
        read_arrays(path)


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npy"
    np.save(path, np.array([{"a": 1}], dtype=object))
    with pytest.raises(MlverError, match=r"w\.npy cannot be read as npy"):
        read_arrays(path)


@given(st.binary(max_size=200), st.sampled_from(["npy", "npz", "safetensors"]))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(data)
    with suppress(MlverError):
        read_arrays(path)
