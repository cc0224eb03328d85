"""Tensors of PyTorch wherever they are in a checkpoint, and what is said of those not read."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy
import pytest

from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import TensorFile
from tests.content.tensors.makers import (
    Array,
    Called,
    Stored,
    describe_state,
    draw_values,
    make_legacy_pytorch,
    make_pytorch,
    name_global,
)
from tests.content.tensors.test_safetensors import read_content

VALUES = draw_values(4, 6)
SCALES = draw_values(4, seed=1).astype("f8")


def read(state: Any, *arrays: Array) -> TensorFile:
    """Read a checkpoint with this state, whose storages are these arrays."""
    tensors = {str(key): array for key, array in enumerate(arrays)}
    return read_tensors(BytesSource(make_pytorch(tensors, state=state)), "m.pt")


def rebuild(*, name: str = "_rebuild_tensor_v2", arguments: Any = ()) -> Called:
    """The first array as torch rebuilds it."""
    return Called(name, Stored("FloatStorage", "0", 24), 0, (4, 6), (6, 1), False, *arguments)


def describe(found: TensorFile) -> dict[str, bytes]:
    return {tensor.name: read_content(tensor) for tensor in found.tensors}


HOLDERS: dict[str, Any] = {
    "namedtuple": Called("Point", rebuild(), module="checkpoints"),
    "subclass": Called(
        "_rebuild_from_type_v2",
        name_global("_rebuild_tensor_v2", "torch._utils"),
        name_global("Tagged", "tagging"),
        rebuild().arguments,
        {},
        module="torch._tensor",
    ),
    "parameter": Called("_rebuild_parameter", rebuild(), True, OrderedDict()),
    "parameter with a state": Called("_rebuild_parameter_with_state", rebuild(), True, {}, {}),
    "tuple in a tuple": ((rebuild(),),),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_tensor_is_found_in_whatever_holds_it(holder: str) -> None:
    found = read({"w": HOLDERS[holder]}, VALUES)
    (tensor,) = found.tensors
    assert tensor.name.startswith("w")
    assert (tensor.shape, read_content(tensor)) == ((4, 6), VALUES.tobytes())
    assert found.remark is None


def test_a_tensor_in_the_state_of_a_parameter_is_found_as_well() -> None:
    state = {"w": Called("_rebuild_parameter_with_state", rebuild(), True, {}, {"mask": rebuild()})}
    assert describe(read(state, VALUES)).keys() == {"w", "w.mask"}


def test_a_quantised_tensor_has_integers_and_scales() -> None:
    integers = numpy.arange(24, dtype="u1")
    place = (Stored("QUInt8Storage", "0", 24), 0, (4, 6), (6, 1))
    quantiser = (name_global("per_tensor_affine"), 0.5, 3)
    found = read({"w": Called("_rebuild_qtensor", *place, quantiser, False, {})}, integers)
    expected = {"w": integers, "w.scale": numpy.float64(0.5), "w.zero_point": numpy.int64(3)}
    assert describe(found) == {name: value.tobytes() for name, value in expected.items()}
    assert found.remark is None


def test_a_tensor_quantised_by_channels_has_tensors_of_scales() -> None:
    integers = numpy.arange(24, dtype="u1")
    place = (Stored("QInt8Storage", "0", 24), 0, (4, 6), (6, 1))
    scales = Called("_rebuild_tensor_v2", Stored("DoubleStorage", "1", 4), 0, (4,), (1,), False)
    quantiser = (name_global("per_channel_affine"), scales, scales, 0)
    found = read({"w": Called("_rebuild_qtensor", *place, quantiser)}, integers, SCALES)
    assert describe(found) == {
        "w": integers.tobytes(),
        "w.scale": SCALES.tobytes(),
        "w.zero_point": SCALES.tobytes(),
        "w.axis": bytes(8),
    }
    assert [tensor.dtype for tensor in found.tensors] == ["I8", "F64", "F64", "I64"]


def test_tensors_in_what_is_not_known_are_found_and_told_of() -> None:
    layout = name_global("sparse_coo")
    sparse = Called("_rebuild_sparse_tensor", layout, (rebuild(), rebuild(), (4, 6), True))
    found = read({"w": sparse}, VALUES)
    assert describe(found).keys() == {"w.1.0", "w.1.1"}
    assert found.remark == (
        "only the tensors in what these build are compared: torch._utils._rebuild_sparse_tensor"
    )


def test_a_storage_that_no_tensor_has_is_told_of() -> None:
    found = read({"w": rebuild(), "more": Stored("FloatStorage", "other", 3)}, VALUES)
    assert describe(found).keys() == {"w"}
    assert found.remark == "storages of no tensor that is read are not compared: other"


def test_an_expanded_tensor_is_told_of_and_the_others_are_read() -> None:
    storage = Stored("FloatStorage", "0", 24)
    expanded = Called("_rebuild_tensor_v2", storage, 0, (9, 6), (0, 1), False)
    overlapping = Called("_rebuild_tensor_v2", storage, 0, (2, 2), (3, 0), False)
    found = read({"w": rebuild(), "e": expanded, "o": overlapping}, VALUES)
    assert describe(found).keys() == {"w"}
    assert found.remark == "tensors that repeat their values are not compared: e, o"


@pytest.mark.parametrize("make", [make_pytorch, make_legacy_pytorch])
def test_of_a_slice_only_its_own_values_are_read(make: Any) -> None:
    state = describe_state({"w": VALUES})
    state["w"].array, state["w"].strides = VALUES[:, :3], (6, 1)
    found = read_tensors(BytesSource(make({"w": VALUES}, state=state)), "m.pt")
    (tensor,) = found.tensors
    assert (tensor.shape, tensor.strides) == ((4, 3), ())
    assert read_content(tensor) == VALUES[:, :3].tobytes()


def test_tied_weights_have_two_names() -> None:
    tensor = rebuild()
    assert describe(read({"a": tensor, "b": tensor}, VALUES)).keys() == {"a", "b"}


def test_two_keys_that_read_alike_are_two_tensors() -> None:
    assert describe(read({1: rebuild(), "1": rebuild()}, VALUES)).keys() == {"1", "1#2"}
