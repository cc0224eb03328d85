"""Dates and times as people type them."""

from __future__ import annotations

import pytest

from mlver.errors import UsageError
from mlver.policy.time_windows import TimeWindow, parse_window

NOW = "2026-03-02T09:30:15Z"


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("2026-03-02", TimeWindow("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")),
        ("2026-02-28", TimeWindow("2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z")),
        ("2026-03-02T09:30:00Z", TimeWindow("2026-03-02T09:30:00Z", "2026-03-02T09:30:01Z")),
        ("2026-03-02 09:30:00", TimeWindow("2026-03-02T09:30:00Z", "2026-03-02T09:30:01Z")),
        ("2026-03-02T09:30", TimeWindow("2026-03-02T09:30:00Z", "2026-03-02T09:31:00Z")),
        ("2026-03-02T09:30+02:00", TimeWindow("2026-03-02T07:30:00Z", "2026-03-02T07:31:00Z")),
        ("9999-12-31", TimeWindow("9999-12-31T00:00:00Z", "9999-12-31T23:59:59Z")),
        ("9999-12-31T23:59", TimeWindow("9999-12-31T23:59:00Z", "9999-12-31T23:59:59Z")),
        ("2026-03-02T23:30:00-01:00", TimeWindow("2026-03-03T00:30:00Z", "2026-03-03T00:30:01Z")),
    ],
)
def test_a_date_is_the_whole_day_of_utc(text: str, window: TimeWindow) -> None:
    assert parse_window(text, "--at") == window


@pytest.mark.parametrize(
    "text",
    ["", "today", "2026-3-2", "2026-02-30", "20260302", "2026-03", "0000-01-01"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--at takes a date such as 2026-03-02"):
        parse_window(text, "--at")


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("today", TimeWindow("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")),
        ("yesterday", TimeWindow("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")),
        ("90m", TimeWindow("2026-03-02T08:00:15Z", "2026-03-02T08:00:16Z")),
        ("1 hour ago", TimeWindow("2026-03-02T08:30:15Z", "2026-03-02T08:30:16Z")),
        ("2 days", TimeWindow("2026-02-28T09:30:15Z", "2026-02-28T09:30:16Z")),
        ("3w", TimeWindow("2026-02-09T09:30:15Z", "2026-02-09T09:30:16Z")),
    ],
)
def test_how_long_ago_counts_from_now(text: str, window: TimeWindow) -> None:
    assert parse_window(text, "--at", NOW) == window


@pytest.mark.parametrize(
    "text", ["", "now", "2", "h", "-2h", "2 months", "1month", "999999w", "٢h", "2h "]
)
def test_what_is_no_time_ago_is_refused_with_the_units(text: str) -> None:
    units = r"today, yesterday, or how long ago: 90m \(minutes\), 2h, 3d, 1w, not `"
    with pytest.raises(UsageError, match=units + text):
        parse_window(text, "--since", NOW)


def test_the_message_is_short_where_the_value_is_long() -> None:
    with pytest.raises(UsageError) as refused:
        parse_window("x" * 10_000, "--since", NOW)
    assert len(refused.value.message) < 220
