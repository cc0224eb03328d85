"""How long something takes or lasts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.records.durations import read_duration, read_seconds


@pytest.mark.parametrize(
    ("setting", "seconds"),
    [
        *(("48h", 172_800), ("7d", 604_800), ("1w", 604_800), ("90s", 90), ("1.5h", 5_400)),
        *(("", None), ("h", None), (3, None), ("0.5s", None), ("1.2345h", None), ("٣h", None)),
    ],
)
def test_durations(setting: object, seconds: int | None) -> None:
    assert read_duration(setting) == seconds


def test_parts_of_seconds_are_read_where_they_are_asked_for() -> None:
    assert read_seconds("0.3s") == Decimal("0.3")


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    found = read_seconds(text)
    assert found is None or found >= 0
