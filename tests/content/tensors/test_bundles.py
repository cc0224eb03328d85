"""Variables of TensorFlow are read without it: made by its format's description, and real ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.tensors.digesting import digest_tensors
from mlver.content.tensors.files import DamagedTensors, has_tensors, read_tensors
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import OpenBeside, TensorFile
from mlver.errors import MlverError
from tests.content.tensors.makers import (
    draw_values,
    make_block,
    make_bundle,
    make_entry,
    make_table,
)
from tests.content.tensors.models import find_model

TENSORS = {
    "layer/kernel": draw_values(3, 4),
    "layer/bias": draw_values(4),
    "step": numpy.array(7),
    "none": numpy.zeros((0, 3), "f8"),
}
HEADER = {b"": b"\x08\x01\x1a\x02\x08\x01"}
SHARD = "variables.data-00000-of-00001"


def open_from(files: Mapping[str, bytes]) -> OpenBeside:
    def open_beside(name: str) -> BytesSource | None:
        return BytesSource(files[name]) if name in files else None

    return open_beside


def read_index(index: bytes, files: Mapping[str, bytes]) -> TensorFile:
    return read_tensors(BytesSource(index), "model/variables/variables.index", open_from(files))


@pytest.mark.parametrize("shards", [1, 3])
def test_every_tensor_is_found_in_its_data_file(shards: int) -> None:
    index, data = make_bundle(TENSORS, shards)
    files = {f"variables.data-{n:05d}-of-{shards:05d}": data[n] for n in range(shards)}
    found = read_index(index, files)
    assert found.format == "tensorflow"
    kept = {one.name: one for one in digest_tensors(found.tensors, lambda _: None, summarise=True)}
    assert kept.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert kept[name].shape == array.shape
        summary = kept[name].summary
        assert summary is not None
        assert summary.norm == pytest.approx(float(numpy.linalg.norm(array)), rel=1e-5)


def test_a_model_that_tensorflow_wrote_is_read_to_its_last_byte() -> None:
    folder = find_model("basic_pitch/saved_models/icassp_2022/nmp/variables")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    found = read_index(files["variables.index"], files)
    named = {tensor.name: tensor for tensor in found.tensors}
    kernel = named["layer_with_weights-1/kernel/.ATTRIBUTES/VARIABLE_VALUE"]
    assert (kernel.dtype, kernel.shape) == ("F32", (3, 39, 8, 8))
    assert sum(tensor.content.size for tensor in found.tensors) == len(files[SHARD])
    text = named["_CHECKPOINTABLE_OBJECT_GRAPH"]
    assert text.dtype == "U8"


def test_only_what_tensorflow_calls_like_that_is_an_index() -> None:
    assert has_tensors("saved/variables/variables.index")
    assert has_tensors("ckpt-12.index")
    assert has_tensors("model.ckpt-1000.index")
    assert not has_tensors("faiss.index")


ENTRY = make_entry(1, (4,), 0, 16)
HOSTILE = {
    "no table": (b"\0" * 100, "no table of strings"),
    "a short one": (b"abc", "ends before its footer"),
    "a block outside": (make_table(make_block(HEADER))[20:], ""),
    "no data files": (make_table(make_block({b"": b"\x08\x00"})), "no data files"),
    "many data files": (make_table(make_block({b"": b"\x08\xff\xff\x7f"})), "more than any model"),
    "another data file": (make_table(make_block({b"": b"\x08\x02"})), "is not beside it"),
    "no header": (make_table(make_block({b"a": ENTRY})), "does not begin with"),
    "a block twice": (make_table(*[make_block(HEADER | {b"a": ENTRY})] * 2), "not in their order"),
    "outside its data": (
        make_table(make_block(HEADER | {b"a": make_entry(1, (4,), 2**40, 16)})),
        "lie outside the file",
    ),
    "another size": (
        make_table(make_block(HEADER | {b"a": make_entry(1, (5,), 0, 16)})),
        "another size",
    ),
    "too many elements": (
        make_table(make_block(HEADER | {b"a": make_entry(1, (2**40, 2**40), 0, 16)})),
        "more elements",
    ),
    "no such shard": (
        make_table(make_block(HEADER | {b"a": make_entry(1, (4,), 0, 16, shard=9)})),
        "there is none of",
    ),
    "overlapping": (
        make_table(make_block(HEADER | {b"a": ENTRY, b"b": make_entry(1, (4,), 8, 16)})),
        "overlaps another",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_index_is_refused_by_name(name: str) -> None:
    data, reason = HOSTILE[name]
    with pytest.raises(DamagedTensors, match=r"variables\.index cannot be read as index") as caught:
        read_index(data, {SHARD: bytes(64)})
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    "pairs", [HEADER | {b"\xff": ENTRY}, HEADER | {b"a": ENTRY + b"\x3a\x00"}], ids=["key", "entry"]
)
def test_slices_are_not_read_and_no_damage(pairs: dict[bytes, bytes]) -> None:
    with pytest.raises(MlverError, match="slices") as caught:
        read_index(make_table(make_block(pairs)), {SHARD: bytes(64)})
    assert not isinstance(caught.value, DamagedTensors)


def test_a_compressed_index_is_not_read_and_no_damage() -> None:
    with pytest.raises(MlverError, match="compressed") as caught:
        read_index(make_table(make_block(HEADER, kind=1)), {SHARD: b""})
    assert not isinstance(caught.value, DamagedTensors)


@given(st.data())
def test_whatever_an_index_holds_it_is_read_or_refused(data: st.DataObject) -> None:
    index = bytearray(make_bundle(TENSORS)[0])
    for _ in range(data.draw(st.integers(1, 4))):
        index[data.draw(st.integers(0, len(index) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_index(bytes(index), {SHARD: make_bundle(TENSORS)[1][0]})
    except MlverError:
        return
    assert sum(tensor.content.size for tensor in found.tensors) <= 4096
