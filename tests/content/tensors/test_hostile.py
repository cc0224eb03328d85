"""Files of weights made by somebody who means harm: refused by name, and nothing of them runs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.sources import BytesSource
from mlver.errors import MlverError
from tests.content.tensors.makers import (
    Array,
    Called,
    describe_state,
    draw_values,
    frame_header,
    make_field,
    make_gguf,
    make_info,
    make_initialiser,
    make_legacy_pytorch,
    make_onnx,
    make_pytorch,
    make_safetensors,
    pickle_torch,
)
from tests.content.tensors.test_formats import FILES, TENSORS
from tests.content.tensors.test_safetensors import read_content

ONE: dict[str, Array] = {"a": draw_values(2, 3)}


def read(data: bytes, name: str) -> None:
    """Find the tensors, and read all of their bytes."""
    for tensor in read_tensors(BytesSource(data), name).tensors:
        read_content(tensor)


def rebuild(**changes: Any) -> bytes:
    """An archive whose one tensor has another shape, strides or storage than its bytes."""
    state = describe_state(ONE)
    for name, value in changes.items():
        if name == "array":
            state["a"].array = value
        else:
            setattr(state["a"], name, value)
    return make_pytorch(ONE, state=state)


def zip_members(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def make_npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + data


def swap_sizes(data: bytes) -> bytes:
    """An archive that says of its first member in the directory that it is longer."""
    place = data.index(b"PK\x01\x02") + 24
    return data[:place] + struct.pack("<I", 1 << 31) + data[place + 4 :]


class _Evil:
    """What a pickle can do when it is loaded."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.canary}",)


_BOMB = zip_members({"a.npy": make_npy("{}", bytes(200 << 20))}, zipfile.ZIP_DEFLATED)
_BIG = 2**63 - 1
HOSTILE: dict[str, tuple[str, bytes, str]] = {
    "npy without end": ("m.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff{", "too long|no array"),
    "npy of code": ("m.npy", make_npy("__import__('os').system('id')"), "cannot be read"),
    "npy of brackets": ("m.npy", make_npy("(" * 5000), "cannot be read"),
    "npy of a length": (
        "m.npy",
        make_npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({_BIG}, {_BIG})}}"),
        "more elements",
    ),
    "npy of another size": (
        "m.npy",
        make_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", b"1234"),
        "another size",
    ),
    "npy in reverse": (
        "m.npy",
        make_npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", b"1234"),
        "in reverse",
    ),
    "npz bomb": ("m.npz", _BOMB, "would grow"),
    "npz, another size": (
        "m.npz",
        swap_sizes(zip_members({"a.npy": bytes(99)}, zipfile.ZIP_DEFLATED)),
        "would grow",
    ),
    "npz, no archive": ("m.npz", b"PK\x03\x04" + bytes(99), "no sound zip"),
    "npz, bzip2": ("m.npz", zip_members({"a.npy": bytes(99)}, zipfile.ZIP_BZIP2), "not read"),
    "npz, no array": ("m.npz", zip_members({"a.npy": bytes(99)}), "no array"),
    "pt, no pickle": ("m.pt", zip_members({"a/data": b""}), "without one"),
    "pt, brackets": ("m.pt", zip_members({"a/data.pkl": b"(" * 100_000}), "damaged"),
    "pt, a text of 2^62": (
        "m.pt",
        zip_members({"a/data.pkl": b"\x80\x04\x8d" + struct.pack("<Q", 2**62)}),
        "damaged",
    ),
    "pt, another order": (
        "m.pt",
        zip_members({"a/data.pkl": pickle_torch({}), "a/byteorder": b"big"}),
        "in reverse",
    ),
    "pt, no storage": ("m.pt", rebuild(key="../../a"), "no storage"),
    "pt, outside": (
        "m.pt",
        rebuild(array=draw_values(9, 9), strides=(9, 1)),
        "outside its storage",
    ),
    "pt, far strides": ("m.pt", rebuild(strides=(2**61, 1)), "outside its storage"),
    "pt, fewer strides": ("m.pt", rebuild(strides=(1,)), "more lengths"),
    "pt, negative": ("m.pt", rebuild(strides=(-1, 1)), "invalid offset"),
    "pt, an import": ("m.pt", zip_members({"a/data.pkl": b"\x80\x02}\x82\x01."}), "more than data"),
    "pt, a call without arguments": (
        "m.pt",
        make_pytorch({}, state=[Called("_rebuild_tensor_v2")]),
        "lacks its place",
    ),
    "pt, legacy, a call without arguments": (
        "m.pt",
        make_legacy_pytorch({}, state=[Called("_rebuild_tensor_v2")]),
        "lacks its place",
    ),
    "pt, half a letter": (
        "m.pt",
        make_pytorch(ONE, state={"\ud800": describe_state(ONE)["a"]}),
        "not Unicode",
    ),
    "pt, legacy, a long pickle": ("m.pt", pickle.dumps(bytes(5000)), "nothing that torch.save"),
    "pt, legacy cut": ("m.pt", make_legacy_pytorch(ONE)[:-1], "outside the file"),
    "pt, legacy longer": ("m.pt", make_legacy_pytorch(ONE) + b"a", "do not end"),
    "pt, something else": ("m.pt", pickle.dumps({"a": 1}), "nothing that torch.save"),
    "pt, a tar": ("m.pt", b"storages" + bytes(600), "pickle"),
    "onnx, no graph": ("m.onnx", b"", "no graph"),
    "onnx, a length of 2^63": ("m.onnx", b"\x3a" + b"\xff" * 8 + b"\x7f", "longer than"),
    "onnx, a number without end": ("m.onnx", b"\xff" * 20, "no end"),
    "onnx, groups": ("m.onnx", b"\x3b" * 100, "not read"),
    "onnx, another size": (
        "m.onnx",
        make_onnx(make_initialiser("a", ONE["a"], data=make_field(9, b"1234"))),
        "another size",
    ),
    "onnx, twice": ("m.onnx", make_onnx(*[make_initialiser("a", ONE["a"])] * 2), "two init"),
    "onnx, data twice": (
        "m.onnx",
        make_onnx(make_initialiser("a", ONE["a"]) + make_field(9, b"1")),
        "twice",
    ),
    "onnx, a long shape": (
        "m.onnx",
        make_onnx(make_field(2, 1) + make_field(1, b"\x01" * 2000)),
        "too many numbers",
    ),
    "onnx, dimensions without end": (
        "m.onnx",
        make_onnx(make_field(1, b"\x01" * 40) * 2 + make_field(2, 1)),
        "too many dimensions",
    ),
    "onnx, numbers of another width": (
        "m.onnx",
        make_onnx(make_field(1, 1) + make_field(2, 15) + make_field(7, b"\x01")),
        "data of another type",
    ),
    "onnx, a sparse tensor without indices": (
        "m.onnx",
        make_field(7, make_field(15, make_field(1, make_initialiser("a", ONE["a"])))),
        "lacks its values or indices",
    ),
    "gguf, no magic": ("m.gguf", b"GGUG" + bytes(50), "no GGUF"),
    "gguf, tensors": ("m.gguf", b"GGUF\x03\0\0\0" + b"\xff" * 16, "tensors"),
    "gguf, pairs": ("m.gguf", b"GGUF\x03\0\0\0" + bytes(8) + b"\xff" * 8, "more metadata"),
    "gguf, a text of 2^63": (
        "m.gguf",
        make_gguf(pairs=(b"\x01" + bytes(7) + b"a\x08\0\0\0" + b"\xff" * 8,)),
        "no end",
    ),
    "gguf, an array of 2^63": (
        "m.gguf",
        make_gguf(pairs=(b"\x01" + bytes(7) + b"a\x09\0\0\0\x08\0\0\0" + b"\xff" * 8,)),
        "no end|ends before",
    ),
    "gguf, arrays in arrays": (
        "m.gguf",
        make_gguf(pairs=(b"\x01" + bytes(7) + b"a\x09\0\0\0\x09\0\0\0" + b"\xff" * 8,)),
        "not read",
    ),
    "gguf, outside": (
        "m.gguf",
        make_gguf(make_info("a", (9,), 0, 2**63), data=bytes(9)),
        "outside",
    ),
    "gguf, overlap": (
        "m.gguf",
        make_gguf(make_info("a", (4,), 0, 0), make_info("b", (4,), 0, 8), data=bytes(64)),
        "overlaps",
    ),
    "gguf, twice": (
        "m.gguf",
        make_gguf(make_info("a", (4,), 0, 0), make_info("a", (4,), 0, 32), data=bytes(64)),
        "two tensors",
    ),
    "gguf, half a block": (
        "m.gguf",
        make_gguf(make_info("a", (5,), 2, 0), data=bytes(64)),
        "whole",
    ),
    "gguf, another type": ("m.gguf", make_gguf(make_info("a", (5,), 99, 0)), "type"),
    "h5, something else": ("m.h5", bytes(1000), "no sound HDF5"),
    "h5, nothing": ("m.h5", b"", "no sound HDF5"),
    "keras, without weights": ("m.keras", zip_members({"a": b""}), "without"),
    "safetensors": ("m.safetensors", frame_header({"a": 1}), "does not say"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_name(name: str) -> None:
    file, data, fault = HOSTILE[name]
    with pytest.raises(MlverError, match=rf"^{file} cannot be read as .*({fault})"):
        read(data, file)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_what_a_pickle_would_run_is_listed_and_not_run(tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    data = pickle.dumps({"a": _Evil(str(canary))}, protocol)
    found = read_tensors(BytesSource(zip_members({"m/data.pkl": data})), "m.pt")
    assert found.tensors == ()
    assert any(name.endswith(".system") for name in found.imports)
    assert not canary.exists()


def test_two_members_of_one_name_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", b"")
    with pytest.raises(MlverError, match="two members"):
        read(out.getvalue(), "m.npz")


def test_tensors_that_share_their_bytes_too_often_are_refused() -> None:
    values = numpy.zeros(1 << 18, "f4")
    state = describe_state({"a": values})
    many = {f"t{number}": state["a"] for number in range(300)}
    with pytest.raises(MlverError, match="would grow"):
        read(make_pytorch({"a": values}, state=many), "m.pt")


def test_a_pickle_that_holds_the_same_again_and_again_ends() -> None:
    """Each pair holds the one before twice: there are 2^40 ways to the first, and 41 objects."""
    body = pickle.EMPTY_TUPLE + (pickle.DUP + pickle.TUPLE2) * 40
    data = zip_members({"m/data.pkl": b"\x80\x02" + body + b"."})
    assert read_tensors(BytesSource(data), "m.pt").tensors == ()


def test_a_long_pickle_from_before_pytorch_1_6_is_not_read_into_memory() -> None:
    class Counting:
        size = 1 << 40
        read = 0

        def read_into(self, buffer: memoryview, offset: int) -> None:
            self.read += len(buffer)
            start = b"\x80\x04\x8e" + (1 << 39).to_bytes(8, "little")
            piece = start[offset : offset + len(buffer)]
            buffer[: len(piece)] = piece

    source = Counting()
    with pytest.raises(MlverError, match=r"nothing that torch\.save"):
        read_tensors(source, "m.pt")
    assert source.read < 1 << 16


def test_a_pickle_that_holds_itself_ends() -> None:
    inner: dict[str, Any] = {}
    inner["inner"] = inner
    inner["a"] = describe_state(ONE)["a"]
    found = read_tensors(BytesSource(make_pytorch(ONE, state=inner)), "m.pt")
    assert [tensor.name for tensor in found.tensors] == ["a"]


_SAMPLES = {form: (name, make()) for form, (name, make) in FILES.items()}


@given(
    st.sampled_from(sorted(_SAMPLES)),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 3000),
)
def test_damage_anywhere_is_refused_or_read(
    form: str, changes: list[tuple[int, int]], cut: int
) -> None:
    name, data = _SAMPLES[form]
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    if cut % 3 == 0:
        del damaged[len(damaged) - cut % len(damaged) :]
    try:
        found = read_tensors(BytesSource(bytes(damaged)), name)
    except MlverError:
        return
    # No more is ever read than was there, unless it is packed.
    assert sum(tensor.content.size for tensor in found.tensors) < 100 * len(data) + (64 << 20)


def test_what_was_sound_is_read(tmp_path: Path) -> None:
    for name, data in _SAMPLES.values():
        read(data, name)
    assert len(TENSORS) == len(
        read_tensors(BytesSource(make_safetensors(TENSORS)), "m.safetensors").tensors
    )


@pytest.mark.parametrize("count", [1, 65_535])
@pytest.mark.parametrize("comment", [b"", b"a comment"])
def test_a_long_list_of_members_is_not_read(count: int, comment: bytes) -> None:
    """Whatever number of members the archive claims to have."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<HHH", 1, 0, 0) + bytes(12) + b"a"
    listed = entry * 200_000
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(listed), 0, len(comment))
    source = _Counting(listed + end + comment)
    with pytest.raises(MlverError, match="list of members"):
        read_tensors(source, "m.npz")
    assert source.read < 1 << 18


def test_a_long_list_of_members_in_a_large_archive_is_not_read() -> None:
    large = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 9 << 20, 0)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 9 << 20, 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 1, 0, 0)
    source = _Counting(bytes(9 << 20) + large + locator + end)
    with pytest.raises(MlverError, match="list of members"):
        read_tensors(source, "m.npz")
    assert source.read < 1 << 18


class _Counting:
    """Bytes of which it is counted how many are read."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self.read = 0
        self._data = data

    def read_into(self, buffer: memoryview, offset: int) -> None:
        self.read += len(buffer)
        buffer[:] = self._data[offset : offset + len(buffer)]
