"""Which version held a stage on a day, or at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlver.policy.holdings import list_holdings, order_times
from mlver.policy.time_windows import parse_window
from mlver.records.promotion import PromotionRecord
from tests.policy.test_staging import history


def dated(moves: str) -> list[PromotionRecord]:
    """`+a@03T12:00` promotes a at noon on the third."""
    words = [move.split("@") for move in moves.split()]
    records = history(" ".join(move for move, _ in words))
    times = [f"2026-03-{moment}:00Z" for _, moment in words]
    return [replace(record, created=time) for record, time in zip(records, times, strict=True)]


@pytest.mark.parametrize(
    ("moves", "held"),
    [
        ("", []),
        ("+a@01T00:00", ["a"]),
        ("+a@04T00:00", []),
        ("+a@03T00:00", ["a"]),
        ("+a@01T00:00 +b@03T12:00", ["a", "b"]),
        ("+a@01T00:00 +b@03T00:00", ["b"]),
        ("+a@01T00:00 +b@03T10:00 <a@03T11:00 +c@04T00:00", ["a", "b", "a"]),
        ("+a@01T00:00 xa@03T12:00", ["a", None]),
        ("+a@01T00:00 xa@02T12:00", [None]),
        # The second says that it is older than the first: it counts from that one's time.
        ("+a@03T12:00 +b@01T00:00", ["a", "b"]),
        ("+a@05T12:00 +b@03T12:00", []),
    ],
)
def test_every_holder_of_a_day_is_listed(moves: str, held: list[str | None]) -> None:
    holdings = list_holdings(dated(moves), parse_window("2026-03-03", "--at"))
    assert [holding.version for holding in holdings] == held


@pytest.mark.parametrize(("moment", "held"), [("11:59:59", "a"), ("12:00:00", "b")])
def test_at_a_second_one_version_holds_the_stage(moment: str, held: str) -> None:
    window = parse_window(f"2026-03-03T{moment}Z", "--at")
    holdings = list_holdings(dated("+a@01T00:00 +b@03T12:00"), window)
    assert [holding.version for holding in holdings] == [held]


def test_a_promotion_counts_from_no_time_before_the_one_before_it() -> None:
    times = order_times(dated("+a@03T12:00 +b@01T00:00 +c@04T00:00"))
    assert [time[8:16] for time in times] == ["03T12:00", "03T12:00", "04T00:00"]
