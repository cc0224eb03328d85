"""`mlver report`: what happened to a model in a time, for a review of each month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlver.errors import MlverError, summarise_error
from mlver.features.auditing.audit import audit_stages
from mlver.features.auditing.audit_result import AuditedMove, AuditedRule, AuditResult
from mlver.policy.evaluated_metrics import find_plain_name
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.time_windows import parse_window
from mlver.project.project import Project
from mlver.project.registry.attached import NOTES
from mlver.project.registry.evaluated import EvaluatedReader
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.registry.version_line import VersionLine, read_version_line
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGain:
    """A metric of a version, and how it differs from that of the version before (None: no such).

    One that was measured later, on a data set, is named as in `accuracy@golden`.

    `better` is None where `model.yaml` does not say which way is, or nothing changed.
    """

    name: str
    value: float
    gain: float | None
    better: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedVersion:
    """A version that was registered in the time; `run` is its training run, where one is recorded.

    `cost` is what its run tells of the cost of training; None where nothing does.
    """

    version: str
    created: str
    author: str
    message: str
    before: str | None
    metrics: tuple[MetricGain, ...]
    run: str | None
    cost: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedMove:
    """A move of a stage in the time.

    `held_seconds` is how long the version that left had held the stage, None where it was empty.
    `shut` are the gates that were overruled.
    """

    stage: str
    sequence: int
    event: str
    version: str
    previous: str | None
    created: str
    author: str
    unconfirmed: bool
    message: str
    held_seconds: int | None
    forced: bool
    shut: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedDefect:
    """A note on a version: one that was made in the time, or of a version that holds a stage."""

    version: str
    stages: tuple[str, ...]
    created: str
    author: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResult:
    """What happened to a model from `since` until `until`, each list oldest first.

    `holders` are the versions that the stages hold at the end. `damage` and `unconfirmed` count
    what an audit found at any time, `head` is its digest. `faults` say what cannot be read.
    """

    model: str
    since: str
    until: str
    holders: Mapping[str, str]
    versions: tuple[ReportedVersion, ...]
    promotions: tuple[ReportedMove, ...]
    rollbacks: tuple[ReportedMove, ...]
    rules: tuple[AuditedRule, ...]
    defects: tuple[ReportedDefect, ...]
    damage: int
    unconfirmed: int
    head: str | None
    faults: tuple[str, ...]


def report_model(project: Project, model: str | None, *, since: str) -> ReportResult:
    """Report what happened to a model since a time; raise UsageError for no such time."""
    name = project.resolve_model(model)
    start = parse_window(since, "--since", project.record_time).start
    audited = audit_stages(project, name)
    line = read_version_line(project.registry, name)
    reader = TolerantReader()
    faults = [*line.faults]
    holders = {stage.stage: stage.holder for stage in audited.stages if stage.holder is not None}
    moves = [move for move in _list_moves(audited) if move.created >= start]
    moves.sort(key=lambda move: move.created)
    return ReportResult(
        model=name,
        since=start,
        until=project.record_time,
        holders=holders,
        versions=tuple(_list_versions(project, name, line, start, reader)),
        promotions=tuple(move for move in moves if move.event == "promoted"),
        rollbacks=tuple(move for move in moves if move.event != "promoted"),
        rules=tuple(rule for rule in audited.rules if rule.created >= start),
        defects=tuple(_list_defects(project, name, line.records, holders, start, faults)),
        damage=len(audited.damage),
        unconfirmed=len(audited.unconfirmed),
        head=audited.head.digest,
        faults=(*faults, *reader.faults),
    )


# -- versions --------------------------------------------------------------------------------------


def _list_versions(
    project: Project, model: str, line: VersionLine, start: str, reader: TolerantReader
) -> Iterator[ReportedVersion]:
    settings = project.registry.read_settings(model)
    directions: Mapping[str, str] = {} if settings is None else settings.directions
    evaluated = EvaluatedReader.open_model(project.registry, model, reader)
    measured: dict[str, dict[str, Any]] = {}
    for record, digest in zip(line.records, line.digests, strict=True):
        found = evaluated.read_metrics(record.version, digest)
        measured[record.version] = {**flatten_values(record.metrics), **found}
    for record, before in line.list_steps():
        if record.created < start:
            continue
        old = {} if before is None else measured[before.version]
        yield ReportedVersion(
            version=record.version,
            created=record.created,
            author=record.author,
            message=record.message,
            before=None if before is None else before.version,
            metrics=tuple(_list_gains(measured[record.version], old, directions)),
            run=None if record.run is None else str(record.run),
            cost=None,
        )


def _list_gains(
    values: Mapping[str, Any], old: Mapping[str, Any], directions: Mapping[str, str]
) -> Iterator[MetricGain]:
    for name, value in values.items():
        if not _is_number(value):
            continue
        gain = value - old[name] if _is_number(old.get(name)) else None
        better = None
        direction = directions.get(find_plain_name(name))
        if gain and direction is not None:
            better = (gain > 0) == (direction == "higher")
        yield MetricGain(name=name, value=value, gain=gain, better=better)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- moves -----------------------------------------------------------------------------------------

_EVENTS = {"promote": "promoted", "rollback": "rolled back", "retire": "emptied"}


def _list_moves(audited: AuditResult) -> Iterator[ReportedMove]:
    for stage in audited.stages:
        before: AuditedMove | None = None
        for move in stage.moves:
            held = None
            if before is not None and move.previous is not None:
                held = count_seconds(move.since) - count_seconds(before.since)
            yield ReportedMove(
                stage=move.stage,
                sequence=move.sequence,
                event=_EVENTS[move.action],
                version=move.version,
                previous=move.previous,
                created=move.created,
                author=move.author,
                unconfirmed=move.unconfirmed,
                message=move.message,
                held_seconds=held,
                forced=move.forced,
                shut=tuple(gate.gate for gate in move.gates if gate.result != "pass"),
            )
            before = move


# -- defects ---------------------------------------------------------------------------------------


def _list_defects(
    project: Project,
    model: str,
    records: Sequence[VersionRecord],
    holders: Mapping[str, str],
    start: str,
    faults: list[str],
) -> Iterator[ReportedDefect]:
    for record in records:
        stages = tuple(stage for stage, version in holders.items() if version == record.version)
        try:
            notes = NOTES.read_all(project.registry, model, record.version)
        except MlverError as error:
            faults.append(summarise_error(error))
            continue
        for note in notes:
            if stages or note.created >= start:
                yield ReportedDefect(
                    version=record.version,
                    stages=stages,
                    created=note.created,
                    author=note.author,
                    message=note.message,
                )
