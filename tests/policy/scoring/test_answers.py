"""One form of an answer, whatever it was read from."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.scoring.answers import read_number, write_answer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        ("7", "7"),
        (" 7.00 ", "7"),
        ([7], "7"),
        (-0.5, "-0.5"),
        (True, "true"),
        ("True", "true"),
        ("false", "false"),
        ("007", "007"),
        ("cat", "cat"),
        ("", None),
        (None, None),
        ([], None),
        ([1, 2], None),
        ({"a": 1}, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
    ids=repr,
)
def test_an_answer_has_one_form(value: object, text: str | None) -> None:
    assert write_answer(value) == text


@given(st.integers() | st.floats(-1e15, 1e15))
def test_json_and_csv_say_the_same(value: float) -> None:
    answer = write_answer(value)
    assert write_answer(json.loads(json.dumps(value))) == answer
    assert answer is not None
    assert write_answer(answer) == answer
    assert read_number(answer) == float(value)


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1.0), ("-2.5", -2.5), ("1e400", None), ("nan", None), ("x", None)]
)
def test_numbers_are_finite(text: str, number: float | None) -> None:
    assert read_number(text) == number
