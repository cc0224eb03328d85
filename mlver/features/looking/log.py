"""`mlver log`: what was registered, evaluated, approved and moved, by whom and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.policy.chain import PromotionChain, SealState
from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.tags import promotion_seals
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One record's event.

    `previous` is the version that a stage left, None where it was empty or no stage moved.
    `sequence` is the number of a promotion, and `seal` says how it is sealed.
    """

    created: str
    event: str
    model: str
    version: str
    stage: str | None
    previous: str | None
    author: str
    message: str
    forced: bool = False
    sequence: int | None = None
    seal: SealState | None = None


@dataclass(frozen=True, slots=True)
class LogResult:
    """Newest first; `total` counts the events that a limit left out as well.

    `faults` are why some records cannot be read.
    """

    events: tuple[LogEvent, ...]
    total: int
    faults: tuple[str, ...] = ()


_DONE = {"promote": "promoted", "rollback": "rolled back", "retire": "retired"}


def read_log(
    project: Project,
    model: str | None = None,
    *,
    stage: str | None = None,
    limit: int | None = None,
) -> LogResult:
    """The events of a model (of all, if None), or only those of one stage.

    Raise UsageError for an unknown stage.
    """
    registry = project.registry
    model_names = registry.list_models() if model is None else [project.resolve_model(model)]
    if stage is not None:
        _check_stage_exists(project, model_names, stage)
    reader = TolerantReader()
    events: list[LogEvent] = []
    promotions: list[tuple[PromotionRecord, Digest]] = []
    for model_name in model_names:
        if stage is None:
            events += _read_version_events(registry, model_name, reader)
        moves = _read_moves(registry, model_name, stage, reader)
        events += [_build_move_event(record) for record, _ in moves]
        promotions += moves
    # Within one second the order of the records stands: a version is registered, then promoted.
    events.sort(key=lambda event: event.created)
    events.reverse()
    shown = _add_seals(project, events[:limit], promotions)
    return LogResult(shown, len(events), reader.faults)


def _add_seals(
    project: Project, events: Sequence[LogEvent], promotions: PromotionChain
) -> tuple[LogEvent, ...]:
    """Say of each promotion among these events how it is sealed."""
    paths: dict[int, str] = {}
    for index, event in enumerate(events):
        if event.stage is not None and event.sequence is not None:
            paths[index] = layout.promotion_path(event.model, event.stage, event.sequence)
    shown_paths = set(paths.values())
    shown = [promotion for promotion in promotions if promotion[0].record_path in shown_paths]
    states = promotion_seals.read_seal_states(project, shown)
    marked = list(events)
    for index, path in paths.items():
        marked[index] = replace(marked[index], seal=states[path])
    return tuple(marked)


def _check_stage_exists(project: Project, models: list[str], stage: str) -> None:
    """Raise UsageError for a stage that was never held and that no settings define."""
    for model in models:
        if stage in project.registry.list_stages(model):
            return
    read_rule(project, stage)


def _read_moves(
    registry: RecordRegistry, model: str, stage: str | None, reader: TolerantReader
) -> list[tuple[PromotionRecord, Digest]]:
    """The moves of one stage of a model, or of all its stages."""
    moves: list[tuple[PromotionRecord, Digest]] = []
    for stage_name in registry.list_stages(model):
        if stage not in (None, stage_name):
            continue
        for sequence in registry.list_sequences(layout.stage_folder(model, stage_name)):
            record_read = reader.try_reading(registry.read_promotion, model, stage_name, sequence)
            if record_read is not None:
                moves.append(record_read)
    return moves


def _build_move_event(record: PromotionRecord) -> LogEvent:
    return LogEvent(
        created=record.created,
        event=_DONE[record.action],
        model=record.model,
        version=record.version,
        stage=record.stage,
        previous=record.previous,
        author=record.author,
        message=record.message,
        forced=record.forced,
        sequence=record.sequence,
    )


def _read_version_events(
    registry: RecordRegistry, model: str, reader: TolerantReader
) -> Iterator[LogEvent]:
    for number in registry.list_versions(model):
        record_read = reader.try_reading(registry.read_version, model, number)
        if record_read is not None:
            yield _build_event("registered", record_read[0])
        evaluations = reader.try_reading(registry.read_evaluations, model, number)
        for evaluation in evaluations or ():
            yield _build_event("evaluated", evaluation)
        approvals = reader.try_reading(registry.read_approvals, model, number)
        for approval in approvals or ():
            yield _build_event("approved", approval, approval.stage)


def _build_event(
    event: str, record: VersionRecord | EvaluationRecord | ApprovalRecord, stage: str | None = None
) -> LogEvent:
    return LogEvent(
        created=record.created,
        event=event,
        model=record.model,
        version=record.version,
        stage=stage,
        previous=None,
        author=record.author,
        message=record.message,
    )
