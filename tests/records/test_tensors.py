"""What is kept of tensors: one encoding a content, and every other byte is refused."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.document.schema import schema_bytes
from mlver.errors import InvalidDocument
from mlver.records.tensors import KeptTensor, KeptTensors, TensorSummary, count_values

_FILE = Digest("ab" * 32)
_KEPT = KeptTensors(
    file=_FILE,
    format="safetensors",
    tensors=(
        KeptTensor(
            name="a.weight",
            dtype="F32",
            shape=(3, 4),
            digest="cd" * 32,
            sample=b"abcd" * 5,
            summary=TensorSummary(1.5, 0.5, 2, 0),
        ),
        KeptTensor(name="b", dtype="F4", shape=(), digest="ef" * 32),
    ),
)
_GOOD = _KEPT.to_bytes().decode()

_LENGTHS = st.lists(st.integers(0, 2**63 - 1), max_size=4).map(tuple)
_SHAPES = _LENGTHS.filter(lambda shape: math.prod(shape) < 2**63)
_TEXT = st.text(max_size=10)
_HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
_NUMBERS = st.floats(0, allow_nan=False, allow_infinity=False)


@st.composite
def _draw_tensors(draw: st.DrawFn) -> KeptTensor:
    shape = draw(_SHAPES)
    count = math.prod(shape)
    sampled = 0 if count == 0 else 1 + (count - 1).bit_length()
    width = draw(st.sampled_from([0, 1, 2, 4, 8, 16]))
    size = sampled * width
    numbers = st.builds(TensorSummary, _NUMBERS, _NUMBERS, st.integers(0, 9), st.integers(0, 9))
    return KeptTensor(
        name=draw(_TEXT),
        dtype=draw(_TEXT),
        shape=shape,
        digest=draw(_HEX),
        strides=draw(_LENGTHS),
        sample=draw(st.binary(min_size=size, max_size=size)),
        summary=draw(st.none() | numbers),
    )


_TENSORS = _draw_tensors()
_KEPT_FILES = st.builds(
    KeptTensors,
    file=_HEX.map(Digest),
    format=_TEXT,
    tensors=st.lists(_TENSORS, max_size=5).map(tuple),
    imports=st.lists(_TEXT, max_size=3).map(tuple),
    remark=st.none() | _TEXT,
)


@given(_KEPT_FILES)
def test_what_is_written_is_read(kept: KeptTensors) -> None:
    data = kept.to_bytes()
    assert KeptTensors.parse(data, "here") == kept
    jsonschema.validate(json.loads(data), json.loads(schema_bytes("tensors")))


def test_one_line_is_one_tensor() -> None:
    assert _GOOD.count("\n") == 2 + len(_KEPT.tensors)
    assert count_values(_KEPT.tensors) == 13


FAULTS = {
    "": "no JSON",
    "[" * 100_000: "no JSON",
    "[]": "its schema",
    _GOOD.replace("tensors/1", "tensors/2"): "its schema",
    _GOOD.replace('"file": "sha256:', '"file": "md5:'): "`file`",
    _GOOD.replace('"format": "safetensors"', '"format": 1'): "`format`",
    _GOOD.replace('"tensors": [', '"remark": 1, "tensors": ['): "`remark`",
    _GOOD.replace('"format"', '"more": 1, "format"'): "fields",
    _GOOD.replace('"name": "b"', '"name": 1'): "tensor 2: `name`",
    _GOOD.replace('"name": "b"', '"name": "\\ud800"'): "tensor 2: `name`",
    _GOOD.replace("ef" * 32, "EF" * 32): "tensor 2: `sha256`",
    _GOOD.replace("[3, 4]", "[3, -4]"): "tensor 1: `shape`",
    _GOOD.replace("[3, 4]", "[3, 1e3]"): "tensor 1: `shape`",
    _GOOD.replace("[3, 4]", f"[{'9' * 30}]"): "tensor 1: `shape`",
    _GOOD.replace("[3, 4]", f"[64, {2**63 - 1}]"): "tensor 1: `shape` has more elements",
    _GOOD.replace('"F32"', '"F64"'): "tensor 1: `sample` is of another type",
    _GOOD.replace("[3, 4]", "[3, 400]"): "tensor 1: `sample` is of another type",
    _GOOD.replace("[3, 4]", "[3, 0]"): "tensor 1: `sample` is of another type",
    _GOOD.replace('"norm": 1.5', '"norm": NaN'): "tensor 1: `norm`",
    _GOOD.replace('"norm": 1.5', '"norm": -1.5'): "tensor 1: `norm`",
    _GOOD.replace('"nans": 2', '"nans": true'): "tensor 1: `norm`",
    _GOOD.replace('"sample": "', '"sample": "é'): "tensor 1: `sample`",
    _GOOD.replace('"shape": []', '"more": 1, "shape": []'): "not written as",
    _GOOD.replace(", ", ","): "not written as",
    _GOOD + " ": "not written as",
}


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_every_fault_is_named(number: int) -> None:
    text, fault = list(FAULTS.items())[number]
    assert text != _GOOD
    with pytest.raises(InvalidDocument, match=re.escape(fault)) as refused:
        KeptTensors.parse(text.encode(), "here")
    assert refused.value.where == "here"


def test_what_is_kept_of_another_file_is_refused() -> None:
    assert KeptTensors.parse_of(_FILE, _GOOD.encode(), "here") == _KEPT
    with pytest.raises(InvalidDocument, match="it says that it is of sha256:abab"):
        KeptTensors.parse_of(Digest("12" * 32), _GOOD.encode(), "here")


def test_what_was_not_read_is_no_other_content() -> None:
    """Readers learn: what one of them leaves out, a later one may read."""
    partly = replace(_KEPT, remark="a part of it is not read")
    assert KeptTensors.parse(partly.to_bytes(), "here") == partly
    assert partly.agrees_with(_KEPT)
