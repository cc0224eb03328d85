"""Metric curves survive the journey, and what is none is refused with its line."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import InvalidDocument
from mlver.records.curves import (
    CURVES_LIMIT,
    Curves,
    describe_unbounded,
    format_curves,
    format_point,
    parse_curves,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**62), 2**62)
NAN, INFINITE = float("nan"), float("inf")
UNBOUNDED = (NAN, INFINITE, -INFINITE)
NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name != "step")


@st.composite
def make_curves(draw: st.DrawFn) -> Curves:
    steps = draw(st.lists(NUMBERS, max_size=4))
    column = st.lists(
        NUMBERS | st.none() | st.sampled_from(UNBOUNDED), min_size=len(steps), max_size=len(steps)
    )
    return Curves(steps, draw(st.dictionaries(NAMES, column, max_size=3)))


@given(make_curves())
def test_curves_survive_the_journey(curves: Curves) -> None:
    read = parse_curves(format_curves(curves), "curves")
    assert list(read.steps) == list(curves.steps)
    for name, column in curves.series.items():
        if any(value is not None for value in column):
            # Where a number is none, it equals not even itself.
            assert list(map(repr, read.series[name])) == list(map(repr, column))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_curves_or_refused(data: bytes, as_written: bool) -> None:
    with suppress(InvalidDocument):
        curves = parse_curves(data, "curves", as_written=as_written)
        assert all(len(column) == len(curves) for column in curves.series.values())


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{}", "line 1: has no `step` that is a number"),
        (b'{"step": true}', "has no `step`"),
        (b'{"step": 1e999}', "has no `step`"),
        (b'{"step": 1, "loss": "low"}', "a value that is no finite number"),
        (b'{"step": 1, "loss": NaN}', "`NaN` is no number"),
        (b'{"step": 1, "loss": 99999999999999999999999}', "no finite number"),
        (b'{"step": 1, "": 1}', "a name that is empty"),
        (b'{"step": 1', "is no JSON"),
        (b"[" * 60_000, "is nested too deeply"),
        (b'{"step": 1' + b"0" * 5_000 + b"}", "line 1"),
        (b'{"step": 1, "a": "' + b"x" * 70_000 + b'"}', "is longer than"),
        (b"\xff", "is no UTF-8"),
    ],
)
def test_what_is_no_curve_is_named_with_its_line(line: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_curves(line + b"\n", "curves")
    assert fault in str(refused.value)


def test_too_many_bytes_and_too_many_names_are_refused() -> None:
    with pytest.raises(InvalidDocument, match="is larger than"):
        parse_curves(b" " * (CURVES_LIMIT + 1), "curves")
    many = b"".join(format_point(step, {f"m{step}": 1}) for step in range(1_001))
    with pytest.raises(InvalidDocument, match="more than 1,000 names"):
        parse_curves(many, "curves")


def test_what_a_training_writes_is_read_leniently() -> None:
    written = b'{"loss": NaN, "phase": "warm"}\n\n{"step": 7, "val": {"loss": 2}}\n{"half'
    curves = parse_curves(written, "curves", as_written=True)
    assert curves.steps == [1, 7]
    assert repr(curves.series) == repr({"loss": [NAN, None], "val.loss": [None, 2]})
    loss = b'{"loss": null}\n{"loss": -Infinity}\n{"loss": 1e999}\n{"loss": "Infinity"}\n'
    (column,) = parse_curves(loss, "curves", as_written=True).series.values()
    assert repr(column) == repr([NAN, -INFINITE, INFINITE, INFINITE])


def test_what_is_not_finite_is_written_as_a_word() -> None:
    """JSON has no number for it, and whoever reads the curve has to see that it ended there."""
    values = {"a": INFINITE, "b": -INFINITE, "c": NAN, "d": 10**400}
    assert format_point(1, values) == (
        b'{"step": 1, "a": "Infinity", "b": "-Infinity", "c": "NaN", "d": "Infinity"}\n'
    )


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ([1, 2, None], None),
        ([0.5, NAN, None, NAN], "NaN from step 20"),
        ([NAN, NAN, NAN, NAN], "NaN from step 10"),
        ([0.5, NAN, 0.5, INFINITE], "NaN or infinite at 2 steps, first at 20"),
        ([0.5, INFINITE, 1, 2], "infinite at step 20"),
        ([0.5, INFINITE, NAN, NAN], "NaN or infinite from step 20"),
    ],
)
def test_where_a_curve_is_not_finite_is_said(column: list[float | None], told: str | None) -> None:
    assert describe_unbounded((10, 20, 30.0, 40), column) == told


def test_names_times_steps_are_bounded() -> None:
    """A line of many names, then short ones: few bytes, and a value of each name at each step."""
    names = {f"n{number}": 1 for number in range(1_000)}
    first = format_point(0, names)
    short = b"".join(format_point(step, {}) for step in range(1, 3_000))
    with pytest.raises(InvalidDocument, match="line 2001: more than 2,000,000 values"):
        parse_curves(first + short, "curves.jsonl")
