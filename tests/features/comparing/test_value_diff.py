from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.features.comparing.value_diff import (
    MetricChange,
    ValueChange,
    compare_metrics,
    compare_values,
    suggest_bump,
)

LEAVES = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2) | st.text("ab.", max_size=2)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("ab.", max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)
MAPS = st.dictionaries(st.text("abc.", max_size=2), VALUES, max_size=4)
NUMBERS = st.integers(-(10**99), 10**99) | st.floats(allow_nan=False, allow_infinity=False)


def changed(old: Any, new: Any) -> ValueChange:
    return ValueChange("k", "changed", old, new)


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], list[ValueChange]]] = {
    "nothing": ({}, {}, []),
    "the same": ({"k": [1, {"a": 2.5}]}, {"k": [1, {"a": 2.5}]}, []),
    "maps in another order": (
        {"a": 1, "k": [{"x": 1, "y": 2}]},
        {"k": [{"y": 2, "x": 1}], "a": 1},
        [],
    ),
    "a number": ({"k": 1}, {"k": 2}, [changed(1, 2)]),
    "int and float": ({"k": 1}, {"k": 1.0}, []),
    "int and true": ({"k": 1}, {"k": True}, [changed(1, True)]),
    "false and zero": ({"k": False}, {"k": 0}, [changed(False, 0)]),
    "float and text": ({"k": 0.1}, {"k": "0.1"}, [changed(0.1, "0.1")]),
    "null and nothing": ({"k": None}, {}, [ValueChange("k", "removed", None, None)]),
    "nothing and null": ({}, {"k": None}, [ValueChange("k", "added", None, None)]),
    "int and float in a list": ({"k": [1]}, {"k": [1.0]}, []),
    "int and true in a list": ({"k": [[1]]}, {"k": [[True]]}, [changed([[1]], [[True]])]),
    "types in a map in a list": (
        {"k": [{"a": 0}]},
        {"k": [{"a": False}]},
        [changed([{"a": 0}], [{"a": False}])],
    ),
    "another order of a list": ({"k": [1, 2]}, {"k": [2, 1]}, [changed([1, 2], [2, 1])]),
    "a longer list": ({"k": [1]}, {"k": [1, 2]}, [changed([1], [1, 2])]),
    "nested": (
        {"a": {"b": 1, "c": 2}},
        {"a": {"b": 1, "c": 3}},
        [ValueChange("a.c", "changed", 2, 3)],
    ),
    "a value became a map": (
        {"a": 1},
        {"a": {"b": 1}},
        [ValueChange("a", "removed", 1, None), ValueChange("a.b", "added", None, 1)],
    ),
    "a dotted key is no path": (
        {"a.b": 1},
        {"a": {"b": 1}},
        [ValueChange('"a.b"', "removed", 1, None), ValueChange("a.b", "added", None, 1)],
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), CASES.values(), ids=CASES)
def test_values(old: dict[str, Any], new: dict[str, Any], expected: list[ValueChange]) -> None:
    found = compare_values(old, new)
    assert list(found) == expected
    # equality alone would take True for 1
    assert [(type(c.old), type(c.new)) for c in found] == [
        (type(c.old), type(c.new)) for c in expected
    ]


@given(MAPS, MAPS)
def test_values_differ_exactly_when_their_json_does(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    def text(values: dict[str, Any]) -> str:
        return json.dumps(values, sort_keys=True).replace("-0.0", "0.0")

    assert (not compare_values(old, new)) == (text(old) == text(new))


@given(MAPS, MAPS)
def test_the_other_way_round_says_the_opposite(old: dict[str, Any], new: dict[str, Any]) -> None:
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    there = {(c.key, c.kind, repr(c.old), repr(c.new)) for c in compare_values(old, new)}
    back = {(c.key, opposite[c.kind], repr(c.new), repr(c.old)) for c in compare_values(new, old)}
    assert there == back


METRICS: dict[
    str, tuple[float | None, float | None, Any, tuple[float | None, float | None, str]]
] = {
    "higher is better": (0.5, 0.75, "higher", (0.25, 50.0, "better")),
    "higher is worse": (0.5, 0.75, "lower", (0.25, 50.0, "worse")),
    "lower is better": (40.0, 30.0, "lower", (-10.0, -25.0, "better")),
    "lower is worse": (40.0, 30.0, "higher", (-10.0, -25.0, "worse")),
    "no direction": (0.5, 0.75, None, (0.25, 50.0, "unknown")),
    "the same": (0.5, 0.5, "higher", (0.0, 0.0, "same")),
    "int and float of one value": (1, 1.0, "lower", (0.0, 0.0, "same")),
    "from zero": (0.0, 0.5, "higher", (0.5, None, "better")),
    "to zero": (0.5, 0.0, "lower", (-0.5, -100.0, "better")),
    "from below zero up": (-4.0, -2.0, "higher", (2.0, 50.0, "better")),
    "from below zero down": (-4.0, -6.0, "higher", (-2.0, -50.0, "worse")),
    "new": (None, 1.0, "higher", (None, None, "unknown")),
    "gone": (1.0, None, "higher", (None, None, "unknown")),
    "too far apart to say": (-1e308, 1e308, "higher", (None, None, "better")),
    "from next to nothing": (5e-324, 1e300, "lower", (1e300, None, "worse")),
}


@pytest.mark.parametrize(("old", "new", "direction", "expected"), METRICS.values(), ids=METRICS)
def test_a_metric(
    old: float | None,
    new: float | None,
    direction: Any,
    expected: tuple[float | None, float | None, str],
) -> None:
    before = {} if old is None else {"m": {"k": old}}
    after = {} if new is None else {"m": {"k": new}}
    (found,) = compare_metrics(before, after, {"m.k": direction} if direction else {})
    assert found == MetricChange(
        "m.k", old, new, expected[0], expected[1], direction, found.verdict
    )
    assert found.verdict == expected[2]


def test_metrics_keep_their_order_new_ones_last() -> None:
    found = compare_metrics({"b": 1, "a": 2}, {"c": 3, "a": 2, "b": 1}, {})
    assert [change.key for change in found] == ["b", "a", "c"]


@given(NUMBERS, NUMBERS, st.sampled_from(["higher", "lower"]))
def test_any_two_metrics_can_be_told_in_json(old: float, new: float, direction: Any) -> None:
    (found,) = compare_metrics({"k": old}, {"k": new}, {"k": direction})
    json.dumps([found.delta, found.percent], allow_nan=False)
    assert (found.verdict == "same") == (old == new)
    assert (found.verdict == "better") == ((new > old) if direction == "higher" else (new < old))


@pytest.mark.parametrize(
    ("form", "inputs", "weights", "bump"),
    [
        (True, True, True, "major"),
        (True, False, False, "major"),
        (False, True, True, "minor"),
        (False, True, False, "minor"),
        (False, False, True, "patch"),
        (False, False, False, None),
    ],
)
def test_the_bump_a_change_asks_for(
    form: bool, inputs: bool, weights: bool, bump: str | None
) -> None:
    assert suggest_bump(form=form, inputs=inputs, weights=weights) == bump
