"""Dates and times as people type them, each as the span of UTC that it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlver.errors import UsageError

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_AGO = re.compile(r"(\d{1,5}) ?(m|min|minute|h|hour|d|day|w|week)s?(?: ago)?", re.ASCII)
_DAYS_AGO = {"today": 0, "yesterday": 1}
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_RELATIVE = ", today, yesterday, or how long ago: 90m (minutes), 2h, 3d, 1w"
_SHOWN_LETTERS = 40
_DAY, _MINUTE, _SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """From `start` up to, and without, `end`: UTC, written as records write it."""

    start: str
    end: str


def parse_window(text: str, option: str, now: str | None = None) -> TimeWindow:
    """Read a date as the whole UTC day, and a time as that second (or minute, without seconds).

    With `now`, a time as records write it, `today`, `yesterday` and how long ago (`90m`, `2h`,
    `3 days ago`) are read as well; the last is one second. Raise UsageError for anything else;
    `option` is what was given it.
    """
    try:
        start, length = _read_span(text, now)
        # A day or a second later, the last ones would end after every time that can be written.
        end = start + min(length, _LAST_MOMENT - start)
        return TimeWindow(_write_time(start), _write_time(end))
    except (ValueError, OverflowError):
        given = text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
        raise UsageError(
            f"{option} takes a date such as 2026-03-02, a time such as 2026-03-02T09:30Z"
            f"{'' if now is None else _RELATIVE}, not `{given}`"
        ) from None


def _read_span(text: str, now: str | None) -> tuple[datetime, timedelta]:
    """When it begins, and how long it is. Raise ValueError or OverflowError for other text."""
    if _DATE.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC), _DAY
    if _TIME.fullmatch(text):
        start = datetime.fromisoformat(text)
        if start.tzinfo is None:
            start = start.replace(tzinfo=UTC)
        has_seconds = text.count(":") - ("+" in text[10:] or "-" in text[10:]) == 2
        return start.astimezone(UTC), _SECOND if has_seconds else _MINUTE
    if now is None:
        raise ValueError
    moment = datetime.fromisoformat(now)
    if text in _DAYS_AGO:
        midnight = moment.replace(hour=0, minute=0, second=0)
        return midnight - _DAYS_AGO[text] * _DAY, _DAY
    ago = _AGO.fullmatch(text)
    if ago is None:
        raise ValueError
    return moment - int(ago[1]) * _UNITS[ago[2][0]], _SECOND


def _write_time(moment: datetime) -> str:
    # strftime writes a year before 1000 without its zeros
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
