"""Tensors of safetensors files: what is sound is read, and whatever else there is is refused."""

from __future__ import annotations

import json
from typing import Any

import ml_dtypes
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.tensors.files import has_tensors, read_tensors
from mlver.content.tensors.safetensors import read_safetensors
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import Tensor, TensorFault
from mlver.errors import MlverError
from tests.content.tensors.makers import draw_values, frame_header, make_safetensors

_ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def read_content(tensor: Tensor, block: int = 16) -> bytes:
    buffer = memoryview(bytearray(block))
    return b"".join(map(bytes, tensor.content.read_blocks(buffer)))


def test_tensors_are_found_with_their_bytes() -> None:
    values = draw_values(3, 5)
    small = values.astype(ml_dtypes.bfloat16)
    nothing = numpy.zeros((0, 4), "i8")
    tensors = {"a.weight": values, "empty": nothing, "a.small": small}
    found = read_safetensors(BytesSource(make_safetensors(tensors, {"step": "7"})))
    assert (found.format, found.metadata) == ("safetensors", {"step": "7"})
    by_name = {tensor.name: tensor for tensor in found.tensors}
    assert {name: (t.dtype, t.shape) for name, t in by_name.items()} == {
        "a.weight": ("F32", (3, 5)),
        "empty": ("I64", (0, 4)),
        "a.small": ("BF16", (3, 5)),
    }
    for name, array in tensors.items():
        assert read_content(by_name[name]) == array.tobytes()


def test_the_suffix_says_who_reads_a_file() -> None:
    assert has_tensors("a/Model.SafeTensors")
    assert not has_tensors("config.json")
    with pytest.raises(MlverError, match="of no format"):
        read_tensors(BytesSource(b""), "config.json")
    with pytest.raises(MlverError, match=r"m\\x1b\.safetensors cannot be read as safetensors"):
        read_tensors(BytesSource(b""), "m\x1b.safetensors")


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "too short"),
    "a length of 2^63": ((2**63).to_bytes(8, "little") + b"{}", "would be"),
    "a length of 2^64 - 1": (b"\xff" * 8 + b"{}", "would be"),
    "a long header": (frame_header(b"{" + b" " * (17 << 20)), "at most"),
    "no JSON": (frame_header(b"{]"), "no JSON"),
    "not UTF-8": (frame_header(b'{"\xff": 1}'), "no JSON"),
    "brackets": (frame_header(b'{"a":' * 100_000), "no JSON"),
    "a list": (frame_header([]), "no JSON"),
    "twice": (frame_header(b'{"a": 1, "a": 1}'), "twice"),
    "no map": (frame_header({"a": 1}), "does not say"),
    "more fields": (frame_header({"a": {**_ONE, "file": "/etc/passwd"}}) + bytes(8), "alone"),
    "no such type": (frame_header({"a": {**_ONE, "dtype": "F33"}}) + bytes(8), "no type"),
    "a list as a type": (frame_header({"a": {**_ONE, "dtype": []}}) + bytes(8), "invalid type"),
    "negative": (
        frame_header({"a": {**_ONE, "shape": [-2]}}) + bytes(8),
        "invalid type, shape or place",
    ),
    "a flag": (
        frame_header({"a": {**_ONE, "shape": [True]}}) + bytes(8),
        "invalid type, shape or place",
    ),
    "a length of a shape": (frame_header({"a": {**_ONE, "shape": [2**62, 2**62]}}), "elements"),
    "too many axes": (frame_header({"a": {**_ONE, "shape": [1] * 65}}), "dimensions"),
    "another size": (frame_header({"a": {**_ONE, "shape": [3]}}) + bytes(8), "needs 12"),
    "one offset": (frame_header({"a": {**_ONE, "data_offsets": [8]}}) + bytes(8), "no begin"),
    "overlap": (frame_header({"a": _ONE, "b": _ONE}) + bytes(8), "overlaps"),
    "a gap": (frame_header({"a": {**_ONE, "data_offsets": [4, 12]}}) + bytes(12), "gap"),
    "short": (frame_header({"a": _ONE}) + bytes(7), "outside"),
    "long": (frame_header({"a": _ONE}) + bytes(9), "do not end"),
    "metadata": (frame_header({"__metadata__": {"a": 1}}), "metadata"),
    "a surrogate": (frame_header(b'{"\\ud800": {}}'), "Unicode"),
    "a long name": (frame_header({"a" * 1001: _ONE}) + bytes(8), "too long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name: str) -> None:
    data, fault = HOSTILE[name]
    with pytest.raises(TensorFault, match=fault):
        read_safetensors(BytesSource(data))


_SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)


@given(st.dictionaries(st.text(max_size=20).filter(lambda t: t != "__metadata__"), _SHAPES))
def test_what_is_written_is_read(shapes: dict[str, tuple[int, ...]]) -> None:
    tensors = {name: draw_values(*shape) for name, shape in shapes.items()}
    found = read_safetensors(BytesSource(make_safetensors(tensors)))
    assert {tensor.name: tensor.shape for tensor in found.tensors} == shapes
    for tensor in found.tensors:
        assert read_content(tensor) == tensors[tensor.name].tobytes()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries({"dtype": _JSON, "shape": _JSON, "data_offsets": _JSON}) | _JSON,
    ),
    st.binary(max_size=20),
)
def test_whatever_a_header_says_it_is_read_or_refused(document: Any, rest: bytes) -> None:
    data = frame_header(json.dumps(document).encode()) + rest
    try:
        found = read_safetensors(BytesSource(data))
    except TensorFault:
        return
    assert sum(tensor.content.size for tensor in found.tensors) == len(rest)
