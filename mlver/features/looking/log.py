"""`mlver log`: a model's history: registered, evaluated, approved, promoted, rolled back; by whom and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.project.registry import tolerant
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One record's event. `previous` is the version a stage left, None where it was empty or no stage moved."""

    created: str
    event: str
    model: str
    version: str
    stage: str | None
    previous: str | None
    author: str
    message: str
    forced: bool = False


@dataclass(frozen=True, slots=True)
class LogResult:
    """Newest first; `total` counts what a limit left out as well. `faults` are why some records cannot be read."""

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
    """The events of a model (of all, if None), those of one stage if told; raise UsageError for an unknown stage."""
    names = [project.resolve_model(model)] if model is not None else project.registry.list_models()
    if stage is not None and not any(stage in project.registry.list_stages(name) for name in names):
        read_rule(
            project, stage
        )  # one that was never held may be empty, one that does not exist may not
    faults: list[str] = []
    events = [
        event for name in names for event in _read_events(project.registry, name, stage, faults)
    ]
    # within one second the order of the records stands: a version is registered before it is promoted
    events.sort(key=lambda event: event.created)
    events.reverse()
    return LogResult(tuple(events[:limit]), len(events), tuple(faults))


def _read_events(
    registry: RecordRegistry, model: str, stage: str | None, faults: list[str]
) -> Iterator[LogEvent]:
    if stage is None:
        yield from _read_version_events(registry, model, faults)
    for name in registry.list_stages(model):
        if stage in (None, name):
            for sequence in registry.list_sequences(layout.stage_folder(model, name)):
                read = tolerant.read_or_note(
                    partial(registry.read_promotion, model, name, sequence), faults
                )
                if read is not None:
                    yield _build_move_event(read[0], model, name)


def _build_move_event(record: PromotionRecord, model: str, stage: str) -> LogEvent:
    return LogEvent(
        created=record.created,
        event=_DONE[record.action],
        model=model,
        version=record.version,
        stage=stage,
        previous=record.previous,
        author=record.author,
        message=record.message,
        forced=record.forced,
    )


def _read_version_events(
    registry: RecordRegistry, model: str, faults: list[str]
) -> Iterator[LogEvent]:
    for number in registry.list_versions(model):
        read = tolerant.read_or_note(partial(registry.read_version, model, number), faults)
        if read is not None:
            yield _build_event("registered", read[0])
        for evaluation in (
            tolerant.read_or_note(partial(registry.read_evaluations, model, number), faults) or ()
        ):
            yield _build_event("evaluated", evaluation)
        for approval in (
            tolerant.read_or_note(partial(registry.read_approvals, model, number), faults) or ()
        ):
            yield _build_event("approved", approval, approval.stage)


def _build_event(
    what: str, record: VersionRecord | EvaluationRecord | ApprovalRecord, stage: str | None = None
) -> LogEvent:
    return LogEvent(
        created=record.created,
        event=what,
        model=record.model,
        version=record.version,
        stage=stage,
        previous=None,
        author=record.author,
        message=record.message,
    )
