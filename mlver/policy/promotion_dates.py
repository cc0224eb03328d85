"""When a record is dated as it cannot be, and how records write a time."""

from __future__ import annotations

import datetime

from mlver.records.promotion import PromotionRecord

# The clocks of two machines may differ by so much, before somebody has to set one.
CLOCK_TOLERANCE_S = 15 * 60
# A branch may not know for longer than this what the main branch's settings ask for.
LONGEST_WAIT_S = 30 * 86_400
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
LAST_SECOND = 253_402_300_799  # of the year 9999


def count_seconds(created: str) -> int:
    """Count the seconds since 1970 of a record's time; no such day (30 February) is the day after.

    The schema of records checks the form of a time, and not the calendar.
    """
    days, _, clock = created.removesuffix("Z").partition("T")
    year, month, day = map(int, days.split("-"))
    hours, minutes, seconds = map(int, clock.split(":"))
    first = datetime.datetime(year or 1, month, 1, tzinfo=datetime.UTC)
    since_midnight = hours * 3_600 + minutes * 60 + seconds
    return int(first.timestamp()) + (day - 1) * 86_400 + since_midnight


def format_seconds(seconds: int) -> str:
    """Write a time as records do; git may know times that no record can write."""
    bounded = min(max(seconds, 0), LAST_SECOND)
    return datetime.datetime.fromtimestamp(bounded, datetime.UTC).strftime(_FORMAT)


def find_backdating(
    record: PromotionRecord, *, follows: str | None, registered: str | None, committed: int | None
) -> str | None:
    """Say in words how a promotion's date is wrong; None where it can be right.

    `follows` is the date of the promotion before it, `registered` that of its version. `committed`
    is when the commit that added it was made, None where that is not known.

    A promotion is dated before its commit, or later by as much as clocks differ: a forge may land
    at once what a clock that is ahead has dated. A rollback waits for no clock: where its clock is
    behind by more, it is dated one second after the later of the two dates above.
    """
    for earliest, words in (
        (follows, "the promotion that it follows"),
        (registered, "its version was registered"),
    ):
        if earliest is not None and record.created < earliest:
            return f"is dated {record.created}, before {words} ({earliest})"
    if committed is None:
        return None
    earliest_dates = [count_seconds(date) for date in (follows, registered) if date is not None]
    follows_at_once = count_seconds(record.created) - 1 == max(earliest_dates, default=None)
    if follows_at_once and record.action == "rollback":
        return None
    return find_late_date(record.created, committed)


def find_late_date(created: str, committed: int) -> str | None:
    """Say in words that a record is dated later than its commit, by more than clocks differ."""
    # A clock that is behind by all of the tolerance writes one second more.
    if count_seconds(created) - committed <= CLOCK_TOLERANCE_S + 1:
        return None
    commit_date = format_seconds(committed)
    return f"is dated {created}, later than the commit that added it ({commit_date})"


def find_early_date(created: str, registered: str) -> str | None:
    """Say in words that a record is dated before its version, by more than clocks differ."""
    if count_seconds(registered) - count_seconds(created) <= CLOCK_TOLERANCE_S:
        return None
    return f"is dated {created}, before its version was registered ({registered})"
