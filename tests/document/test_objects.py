"""Values of Python programs as plain values: what is converted, and what is refused by its name."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum, IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.document.objects import copy_plain
from mlver.errors import InvalidDocument


class Scalar:
    """An array of one element, as NumPy, PyTorch and JAX have it."""

    def __init__(self, *values: float) -> None:
        self.values = values

    def item(self) -> float:
        (value,) = self.values
        return value


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), PLAIN))
def test_plain_values_stay_as_they_are(values: dict[str, Any]) -> None:
    assert repr(copy_plain(values, "params")) == repr(values)


def test_others_become_plain() -> None:
    values: dict[Any, object] = {
        "lr": Scalar(0.5),
        "layers": (64, 32),
        "frozen": MappingProxyType({"a": OrderedDict(b=Scalar(2))}),
        "vocabulary": Path("data/words.txt"),
        3: "a third",
    }
    assert copy_plain(values, "params") == {
        "lr": 0.5,
        "layers": [64, 32],
        "frozen": {"a": {"b": 2}},
        "vocabulary": "data/words.txt",
        "3": "a third",
    }


class Optimiser(str, Enum):  # noqa: UP042  # what older code has
    ADAM = "adam"


class Layers(IntEnum):
    FEW = 2


class Rate(float, Enum):
    LOW = 0.25


def test_members_of_enumerations_are_their_values() -> None:
    values = {"optimiser": Optimiser.ADAM, "layers": Layers.FEW, "rate": Rate.LOW}
    copied = copy_plain(values, "params")
    assert {name: (type(value), value) for name, value in copied.items()} == {
        "optimiser": (str, "adam"),
        "layers": (int, 2),
        "rate": (float, 0.25),
    }


def test_a_copy_is_a_copy() -> None:
    values: dict[str, Any] = {"layers": [{"size": 64}]}
    copied = copy_plain(values, "params")
    values["layers"][0]["size"] = 32
    assert copied == {"layers": [{"size": 64}]}


ENDLESS: dict[str, object] = {}
ENDLESS["again"] = ENDLESS


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"a": {"b": [1, {2}]}}, "a.b[1]: a set is neither text, a number, a list nor a map"),
        ({"a": b"bytes"}, "a: a bytes is neither text"),
        ({"weights": Scalar(1, 2)}, "weights: a Scalar is neither text"),
        ({"a": {None: 1}}, "a: a name is text, and None is a NoneType"),
        ({True: 1}, "a name is text, and True is a bool"),
        ({1: "a", "1": "b"}, "1: is named twice, as text and as a number"),
        (ENDLESS, "again.again.again: nested more than 64 deep"),
    ],
)
def test_what_no_record_holds_is_named(values: dict[str, object], fault: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        copy_plain(values, "params of digits")
    assert refused.value.where == "params of digits"
    assert fault in refused.value.faults[0]
