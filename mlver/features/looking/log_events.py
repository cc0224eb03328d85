"""The events of the log, each made of the record that tells of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.features.looking.log_result import LogEvent, LoggedDrift
from mlver.policy.renumber import AttachedRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.values import flatten_values
from mlver.records.verdict import VerdictRecord
from mlver.records.version import VersionRecord

_DONE = {"promote": "promoted", "rollback": "rolled back", "retire": "emptied"}


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event, when it counts from, and the path of its record.

    `promotion` is the record itself, with its digest, where a stage moved; `version` is that of a
    version that was registered.
    """

    time: str
    path: str
    event: LogEvent
    promotion: tuple[PromotionRecord, Digest] | None = None
    version: VersionRecord | None = None


def build_move_event(record: PromotionRecord) -> LogEvent:
    return LogEvent(
        created=record.created,
        event=_DONE[record.action],
        model=record.model,
        version=record.version,
        stage=record.stage,
        previous=record.previous,
        sequence=record.sequence,
        author=record.author,
        message=record.message,
        forced=record.forced,
    )


def build_evaluated(evaluation: EvaluationRecord) -> TimedEvent:
    timed = build_event("evaluated", evaluation)
    metrics = flatten_values(evaluation.metrics)
    event = replace(timed.event, on=tuple(evaluation.data), metrics=metrics)
    return replace(timed, event=replace(event, drift=_count_moved(evaluation)))


def _count_moved(evaluation: EvaluationRecord) -> LoggedDrift | None:
    drift = evaluation.drift
    if drift is None:
        return None
    # imported here: most evaluations are no drift
    from mlver.policy.drift.recorded import judge_recorded

    table = judge_recorded(drift, drift.thresholds)
    return LoggedDrift(data=drift.dataset, columns=len(table.drifted), judged=table.judged)


def build_judged(verdict: VerdictRecord) -> TimedEvent:
    timed = build_event("judged", verdict, verdict.stage)
    told = f"{verdict.answer}: {verdict.reason}"
    message = f"{told}\n\n{verdict.message}".strip()
    return replace(timed, event=replace(timed.event, message=message))


def build_event(
    event: str, record: VersionRecord | AttachedRecord, stage: str | None = None
) -> TimedEvent:
    log_event = LogEvent(
        created=record.created,
        event=event,
        model=record.model,
        version=record.version,
        stage=stage,
        previous=None,
        author=record.author,
        message=record.message,
    )
    return TimedEvent(record.created, record.record_path, log_event)
