"""Which version held a stage when.

Each promotion says itself when it was made, and the chain says in which order. The order decides: a
promotion that says it is older than the one before it counts from that one's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlver.policy.chain import holder_after
from mlver.policy.time_windows import TimeWindow
from mlver.records.promotion import PromotionRecord


@dataclass(frozen=True, slots=True)
class StageHolding:
    """What a stage held from one promotion to the next; `until` is None for the last."""

    record: PromotionRecord
    since: str
    until: str | None

    @property
    def version(self) -> str | None:
        return holder_after(self.record)


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
