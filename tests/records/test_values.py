from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlver.records.values import flatten_values

LEAVES = st.integers() | st.text(max_size=3)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(st.text('ab."', max_size=3), inner, min_size=1),
    max_leaves=8,
)


def test_nested_maps_become_dotted_keys_in_order() -> None:
    assert list(flatten_values({"b": {"y": 1, "x": {"z": [1, 2]}}, "a": {}}).items()) == [
        ("b.y", 1),
        ("b.x.z", [1, 2]),
        ("a", {}),
    ]


def test_a_key_with_a_dot_is_not_mistaken_for_a_path() -> None:
    assert flatten_values({"a.b": 1, "a": {"b": 2}}) == {'"a.b"': 1, "a.b": 2}


@given(st.dictionaries(st.text('ab."', max_size=3), TREES))
def test_no_leaf_is_lost(tree: dict[str, Any]) -> None:
    assert len(flatten_values(tree)) == _leaves(tree)


def _leaves(value: Any) -> int:
    return (
        sum(map(_leaves, value.values()))
        if isinstance(value, dict) and value
        else isinstance(value, dict) ^ True
    )
