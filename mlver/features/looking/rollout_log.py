"""What `mlver log` tells of rollouts: who had what share of which stage, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlver.features.looking.log_result import LogEvent, LogShare
from mlver.policy.rollouts import DigestedRollout, ShareHolding, list_shares
from mlver.policy.time_windows import TimeWindow
from mlver.project.registry.attached import ROLLOUTS, list_shared_stages
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.tolerant import TolerantReader
from mlver.records.promotion import PromotionRecord
from mlver.records.rollout import RolloutRecord

_DONE = {"open": "rolled out", "move": "share moved", "withdraw": "withdrawn"}


def read_rollout_events(
    registry: RecordRegistry, models: Iterable[str], stage: str | None, reader: TolerantReader
) -> Iterator[tuple[RolloutRecord, LogEvent]]:
    """Read what happened to the shares of one stage of these models, or of all stages."""
    for model in models:
        for name in list_shared_stages(registry, model):
            if stage not in (None, name):
                continue
            for record, _ in _read_rollouts(registry, model, name, reader):
                yield record, _build_event(record)


def _read_rollouts(
    registry: RecordRegistry, model: str, stage: str, reader: TolerantReader
) -> Sequence[DigestedRollout]:
    return reader.try_reading(ROLLOUTS.read_digested, registry, model, stage) or ()


def _build_event(record: RolloutRecord) -> LogEvent:
    return LogEvent(
        created=record.created,
        event=_DONE[record.action],
        model=record.model,
        version=record.version,
        stage=record.stage,
        previous=None,
        sequence=record.sequence,
        author=record.author,
        message=record.message,
        forced=record.forced,
        strategy=record.strategy,
        share=record.share,
    )


def find_shares(
    registry: RecordRegistry,
    chains: Iterable[tuple[str, str, Sequence[PromotionRecord]]],
    window: TimeWindow,
    reader: TolerantReader,
) -> tuple[LogShare, ...]:
    """Find what candidates had a share of these stages at any time in `window`.

    Each is a model, a stage and its promotions, oldest first.
    """
    found: list[LogShare] = []
    for model, stage, promotions in chains:
        rollouts = _read_rollouts(registry, model, stage, reader)
        found += map(_build_share, list_shares(rollouts, promotions, window))
    return tuple(found)


def _build_share(holding: ShareHolding) -> LogShare:
    record = holding.record
    return LogShare(
        model=record.model,
        stage=record.stage,
        version=record.version,
        strategy=record.strategy,
        share=record.share,
        header=record.header,
        since=holding.since,
        until=holding.until,
        sequence=record.sequence,
        author=record.author,
        message=record.message,
    )
