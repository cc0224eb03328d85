"""Settings that two sides changed."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.features.merging.threeway import merge_mappings

CASES: dict[str, tuple[Any, Any, Any, Any, list[str]]] = {
    "one side": ({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}, []),
    "the other": ({"a": 1}, {"a": 2}, {"a": 1}, {"a": 2}, []),
    "both alike": ({"a": 1}, {"a": 2}, {"a": 2}, {"a": 2}, []),
    "different keys": ({}, {"a": 1}, {"b": 2}, {"a": 1, "b": 2}, []),
    "nested": (
        {"x": {"a": 1}},
        {"x": {"a": 1, "b": 2}},
        {"x": {"a": 3}},
        {"x": {"a": 3, "b": 2}},
        [],
    ),
    "removed": ({"a": 1, "b": 2}, {"b": 2}, {"a": 1, "b": 2}, {"b": 2}, []),
    "removed by both": ({"a": 1}, {}, {}, {}, []),
    "clash": ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 2}, ["a"]),
    "removed and changed": ({"a": 1}, {"a": 2}, {}, {"a": 2}, ["a"]),
    "nested clash": (
        {},
        {"x": {"a": 1}},
        {"x": {"a": 2, "b": 3}},
        {"x": {"a": 1, "b": 3}},
        ["x.a"],
    ),
    "one number": ({"a": 1}, {"a": 1.0}, {"a": 2}, {"a": 2}, []),
    "one map in another order": (
        {"x": {"a": 1, "b": 2}},
        {"x": {"b": 2, "a": 1}},
        {"x": {"a": 1, "b": 3}},
        {"x": {"a": 1, "b": 3}},
        [],
    ),
    "of different types": ({"a": 1}, {"a": True}, {"a": 1}, {"a": True}, []),
}


@pytest.mark.parametrize(("base", "ours", "theirs", "wanted", "clashes"), CASES.values(), ids=CASES)
def test_merge(base: Any, ours: Any, theirs: Any, wanted: Any, clashes: list[str]) -> None:
    merged = merge_mappings(base, ours, theirs)
    assert merged == (wanted, clashes)
    assert repr(merged[0]) == repr(wanted)
