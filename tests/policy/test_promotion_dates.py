"""When a promotion is backdated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.promotion_dates import count_seconds, find_backdating, format_seconds
from mlver.records.promotion import Action, PromotionRecord

NOON = "2026-03-02T12:00:00Z"
SECOND = "2026-03-02T12:00:01Z"
ONE = "2026-03-02T13:00:00Z"


def _find(
    created: str, *, follows: str | None, committed: str | None, action: Action = "promote"
) -> str | None:
    record = PromotionRecord(
        model="m",
        stage="production",
        sequence=2,
        action=action,
        version="1.0.0",
        previous=None,
        created=created,
        author="Kim <kim@example.org>",
        message="why",
        record=Digest("ab" * 32),
        prior=None,
    )
    seconds = None
    if committed is not None:
        seconds = count_seconds(committed)
    return find_backdating(record, follows=follows, registered=None, committed=seconds)


# When the promotion before it was made, when it says it was, and when its commit was.
RIGHT: dict[str, tuple[str | None, str, str | None, Action]] = {
    "the first": (None, NOON, NOON, "promote"),
    "in one second": (NOON, NOON, NOON, "promote"),
    "not committed": (NOON, ONE, None, "promote"),
    "a clock that is behind": (NOON, SECOND, "2026-03-02T11:45:01Z", "promote"),
    "a clock that is ahead": (None, "2026-03-02T12:15:00Z", NOON, "promote"),
    "a rollback with a clock that is far behind": (
        NOON,
        SECOND,
        "2026-03-01T00:00:00Z",
        "rollback",
    ),
}
WRONG: dict[str, tuple[str | None, str, str | None, Action]] = {
    "before what it follows": (ONE, NOON, ONE, "promote"),
    "a rollback before what it follows": (ONE, NOON, ONE, "rollback"),
    "after its commit": (NOON, ONE, NOON, "promote"),
    "a clock that is too far ahead": (None, "2026-03-02T12:15:02Z", NOON, "promote"),
    "a clock that is far behind": (NOON, SECOND, "2026-03-02T11:44:00Z", "promote"),
}


@pytest.mark.parametrize(("follows", "created", "committed", "action"), RIGHT.values(), ids=RIGHT)
def test_a_date_that_can_be_right(
    follows: str | None, created: str, committed: str | None, action: Action
) -> None:
    assert _find(created, follows=follows, committed=committed, action=action) is None


@pytest.mark.parametrize(("follows", "created", "committed", "action"), WRONG.values(), ids=WRONG)
def test_a_date_that_cannot_be_right(
    follows: str | None, created: str, committed: str | None, action: Action
) -> None:
    assert _find(created, follows=follows, committed=committed, action=action) is not None


@given(seconds=st.integers(0, 253_402_300_799))
def test_seconds_and_dates_are_the_same_thing(seconds: int) -> None:
    assert count_seconds(format_seconds(seconds)) == seconds


def test_a_day_that_no_month_has_is_the_day_after() -> None:
    assert format_seconds(count_seconds("2026-02-30T00:00:00Z")) == "2026-03-02T00:00:00Z"
    assert count_seconds("0000-01-01T00:00:00Z") < 0
