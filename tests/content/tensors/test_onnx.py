"""Tensors of ONNX wherever they are in a model, and files beside it."""

from __future__ import annotations

import numpy
import pytest

from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import ByteSource, TensorFile
from mlver.errors import MlverError
from tests.content.tensors.makers import (
    draw_values,
    make_field,
    make_initialiser,
    make_onnx,
    make_varint,
)
from tests.content.tensors.test_safetensors import read_content

VALUES = draw_values(3)
INDICES = numpy.array([0, 2, 5], "i8")


def read(model: bytes) -> TensorFile:
    return read_tensors(BytesSource(model), "m.onnx")


def describe(found: TensorFile) -> dict[str, bytes]:
    return {tensor.name: read_content(tensor) for tensor in found.tensors}


def make_node(kind: str, output: str, *attributes: bytes) -> bytes:
    fields = make_field(2, output.encode()) + make_field(4, kind.encode())
    return fields + b"".join(make_field(5, attribute) for attribute in attributes)


def make_attribute(name: str, number: int, value: int | bytes) -> bytes:
    return make_field(1, name.encode()) + make_field(number, value)


def make_model(graph: bytes, more: bytes = b"") -> bytes:
    return make_field(1, 8) + make_field(7, graph) + more


def make_sparse(name: str) -> bytes:
    values = make_field(1, make_initialiser(name, VALUES))
    return values + make_field(2, make_initialiser("", INDICES)) + make_field(3, 6)


def test_sparse_initialisers_have_values_indices_and_dimensions() -> None:
    found = read(make_model(make_field(15, make_sparse("s"))))
    assert describe(found) == {
        "s": VALUES.tobytes(),
        "s.indices": INDICES.tobytes(),
        "s.dims": numpy.array([6]).tobytes(),
    }


def test_branches_may_use_the_same_names() -> None:
    branches = [
        make_attribute(name, 6, make_field(5, make_initialiser("w", values)))
        for name, values in (("then_branch", VALUES), ("else_branch", 2 * VALUES))
    ]
    found = read(make_model(make_field(1, make_node("If", "y", *branches))))
    expected = {"y.then_branch.w": VALUES.tobytes(), "y.else_branch.w": (2 * VALUES).tobytes()}
    assert describe(found) == expected


def test_constants_have_their_numbers_in_any_form() -> None:
    floats = VALUES.tobytes()
    single = b"".join(make_varint(7 << 3 | 5) + floats[at : at + 4] for at in (0, 4, 8))
    nodes = [
        make_node("Constant", "floats", make_attribute("value_floats", 7, floats)),
        make_node("Constant", "single", make_field(1, b"value_floats") + single),
        make_node("Constant", "int", make_attribute("value_int", 3, 7)),
        make_node("Constant", "ints", make_attribute("value_ints", 8, b"\x01\x02")),
        make_node("Constant", "sparse", make_attribute("sparse_value", 22, make_sparse("s"))),
        make_node("TreeEnsembleRegressor", "tree", make_attribute("nodes_values", 7, floats)),
        make_node("Conv", "y", make_attribute("pads", 8, b"\x01\x02")),
    ]
    found = read(make_model(b"".join(make_field(1, node) for node in nodes)))
    assert describe(found) == {
        "floats": floats,
        "single": floats,
        "int": numpy.array([7]).tobytes(),
        "ints": numpy.array([1, 2]).tobytes(),
        "sparse": floats,
        "sparse.indices": INDICES.tobytes(),
        "sparse.dims": numpy.array([6]).tobytes(),
        "tree.nodes_values": floats,
    }


def test_functions_of_a_model_have_constants() -> None:
    constant = make_node("Constant", "c", make_attribute("value", 5, make_initialiser("", VALUES)))
    function = make_field(1, b"Scale") + make_field(7, constant)
    assert describe(read(make_model(b"", make_field(25, function)))) == {
        "Scale.c": VALUES.tobytes()
    }


def test_initialisers_of_other_types_are_told_of() -> None:
    texts = make_field(1, 1) + make_field(2, 8) + make_field(8, b"words") + make_field(6, b"a")
    small = make_field(1, 2) + make_field(2, 22) + make_field(8, b"int4") + make_field(9, b"a")
    found = read(make_onnx(texts, small, make_initialiser("w", VALUES)))
    assert describe(found).keys() == {"w"}
    assert found.remark == "initialisers of other types are not compared: words, int4"


# -- beside it ---------------------------------------------------------------------------------


def make_external(name: str, values: int, offset: int) -> bytes:
    fields = make_field(1, values) + make_field(2, 1) + make_field(8, name.encode())
    entries = {"location": "d.bin", "offset": str(offset), "length": str(4 * values)}
    for key, text in entries.items():
        fields += make_field(13, make_field(1, key.encode()) + make_field(2, text.encode()))
    return fields + make_field(14, 1)


def test_a_file_beside_a_model_is_opened_once() -> None:
    asked: list[str] = []

    def open_beside(location: str) -> ByteSource:
        asked.append(location)
        return BytesSource(bytes(4800))

    model = make_onnx(*(make_external(f"w{n}", 1, 4 * n) for n in range(1200)))
    found = read_tensors(BytesSource(model), "m.onnx", open_beside)
    assert (len(found.tensors), asked) == (1200, ["d.bin"])


def test_initialisers_that_share_bytes_beside_it_too_often_are_refused() -> None:
    data = BytesSource(bytes(1 << 20))
    model = make_onnx(*(make_external(f"w{n}", 1 << 18, 0) for n in range(300)))
    with pytest.raises(MlverError, match="would grow"):
        read_tensors(BytesSource(model), "m.onnx", lambda _: data)
