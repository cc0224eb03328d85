"""Metrics by their dotted names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.metric_names import find_metrics, has_wildcard, split_name
from mlver.records.values import flatten_values


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("acc", ("acc",)),
        ("by.*.acc", ("by", "*", "acc")),
        ('a."b.c".d', ("a", "b.c", "d")),
        ('""', ("",)),
        ("", None),
        (".a", None),
        ("a.", None),
        ("a..b", None),
        ('"a', None),
        ('"a"b', None),
        ('a"b"', None),
    ],
)
def test_names(name: str, keys: tuple[str, ...] | None) -> None:
    assert split_name(name) == keys


METRICS = st.recursive(
    st.floats(allow_nan=False),
    lambda inner: st.dictionaries(st.text(max_size=4), inner, min_size=1, max_size=3),
    max_leaves=8,
)


@given(metrics=st.dictionaries(st.text(max_size=4), METRICS, max_size=3))
def test_every_name_leads_to_its_value(metrics: dict[str, object]) -> None:
    for name, value in flatten_values(metrics).items():
        assert find_metrics(metrics, name)[name] == value


def test_a_star_is_any_one_key() -> None:
    metrics = {"by": {"de": {"acc": 1, "f1": 2}, "fr.x": {"acc": 3}, "all": 4}, "acc": 5}
    assert find_metrics(metrics, "by.*.acc") == {"by.de.acc": 1, 'by."fr.x".acc': 3}
    assert find_metrics(metrics, "*") == {"acc": 5}
    assert find_metrics(metrics, "by.de") == {}
    assert has_wildcard("by.*.acc")
    assert not has_wildcard("by.**.acc")
