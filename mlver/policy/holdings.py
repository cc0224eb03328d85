"""Which version held a stage when.

Each promotion says itself when it was made, and the chain says in which order. The order decides: a
promotion that says it is older than the one before it counts from that one's time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlver.errors import UsageError
from mlver.policy.chain import holder_after
from mlver.records.promotion import PromotionRecord

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From `start` up to, and without, `end`: UTC, written as records write it."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class StageHolding:
    """What a stage held from one promotion to the next; `until` is None for the last."""

    record: PromotionRecord
    since: str
    until: str | None

    @property
    def version(self) -> str | None:
        return holder_after(self.record)


def parse_window(text: str, option: str) -> TimeWindow:
    """Read a date as the whole UTC day, and a time as that second (or minute, without seconds).

    Raise UsageError for anything else; `option` is what was given it.
    """
    try:
        if _DATE.fullmatch(text):
            start = datetime.fromisoformat(text).replace(tzinfo=UTC)
            length = timedelta(days=1)
        elif _TIME.fullmatch(text):
            start = datetime.fromisoformat(text)
            if start.tzinfo is None:
                start = start.replace(tzinfo=UTC)
            start = start.astimezone(UTC)
            has_seconds = text.count(":") - ("+" in text[10:] or "-" in text[10:]) == 2
            length = timedelta(seconds=1) if has_seconds else timedelta(minutes=1)
        else:
            raise ValueError
        # A day or a second later, the last ones would end after every time that can be written.
        end = start + min(length, _LAST_MOMENT - start)
        return TimeWindow(_write_time(start), _write_time(end))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} takes a date such as 2026-03-02, or a time such as 2026-03-02T09:30:00Z,"
            f" not `{text}`"
        ) from None


def _write_time(moment: datetime) -> str:
    # strftime writes a year before 1000 without its zeros
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def order_times(history: Sequence[PromotionRecord]) -> list[str]:
    """When each promotion of a stage (oldest first) counts from: never before the one before it."""
    times: list[str] = []
    for record in history:
        times.append(max(record.created, times[-1]) if times else record.created)
    return times


def list_holdings(history: Sequence[PromotionRecord], window: TimeWindow) -> list[StageHolding]:
    """List what a stage held at any time in `window`, oldest first.

    The holding that a retirement begins has no version.
    """
    times = order_times(history)
    holdings: list[StageHolding] = []
    for position, record in enumerate(history):
        since = times[position]
        until = times[position + 1] if position + 1 < len(times) else None
        begins_in_time = since < window.end
        lasts = until is None or until > window.start
        # One that lasted less than a second was there as well.
        if begins_in_time and (lasts or since >= window.start):
            holdings.append(StageHolding(record, since, until))
    return holdings
