"""Where values lie on an axis, and which names of places have room."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.chart import (
    ValueScale,
    choose_labels,
    convert_number,
    find_scale,
    split_runs,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, min_size=1))
def test_every_value_lies_on_its_axis(values: list[float]) -> None:
    scale = find_scale(values)
    assert scale is not None
    for value in values:
        assert 0 <= scale.place_value(value) <= 1
    if scale.high / 2 > scale.low / 2:
        assert scale.place_value(scale.low) == 0
        assert scale.place_value(scale.high) == 1


def test_the_largest_floats_have_an_axis() -> None:
    scale = ValueScale(-1.7e308, 1.7e308)
    assert scale.place_value(0) == 0.5


def test_equal_values_lie_in_the_middle() -> None:
    assert find_scale([3.0, None, 3.0]) == ValueScale(3.0, 3.0)
    assert ValueScale(3.0, 3.0).place_value(3.0) == 0.5
    assert find_scale([None]) is None


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, 10**400])
def test_no_axis_holds_what_is_no_number_of_its_own(value: float | None) -> None:
    assert convert_number(value) is None


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    assert split_runs([None, 1.0, 2.0, None, 3.0]) == [[(1, 1.0), (2, 2.0)], [(4, 3.0)]]
    assert split_runs([None]) == []


def test_names_of_places_do_not_run_into_each_other() -> None:
    assert choose_labels([0, 4, 8, 12], [5, 5, 5, 5], 2, (3, 0)) == [0, 3]
    assert choose_labels([0, 4, 8, 12], [2, 2, 2, 2], 2, ()) == [0, 1, 2, 3]
