"""`mlver log`: what was registered, evaluated, approved, noted and moved, by whom and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import UsageError
from mlver.features.looking.log_events import (
    TimedEvent,
    build_evaluated,
    build_event,
    build_judged,
    build_move_event,
)
from mlver.features.looking.log_result import LogEvent, LogHolder, LogResult
from mlver.features.looking.rollout_log import find_shares, read_rollout_events
from mlver.features.looking.rule_log import list_rules
from mlver.git.commit_log import CommitEntry
from mlver.policy import holdings
from mlver.policy.holdings import StageHolding
from mlver.policy.time_windows import TimeWindow, parse_window
from mlver.project.audit.record_authors import find_unconfirmed_paths, find_unconfirmed_remarks
from mlver.project.audit.record_history import RecordHistory, read_record_history
from mlver.project.audit.unconfirmed_versions import find_unconfirmed_version_paths
from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.project.registry.attached import (
    NOTES,
    REPRODUCTIONS,
    RETIREMENTS,
    VERDICTS,
    list_judged_stages,
)
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.tags import promotion_seals
from mlver.records import layout
from mlver.records.promotion import PromotionRecord

_REMARKS = frozenset({"noted", "retired", "restored"})


@dataclass(frozen=True, slots=True)
class _StageChain:
    """A stage of a model, with its promotions by their number."""

    model: str
    stage: str
    promotions: Sequence[tuple[PromotionRecord, Digest]]

    @property
    def records(self) -> list[PromotionRecord]:
        return [record for record, _ in self.promotions]


def read_log(
    project: Project,
    model: str | None = None,
    *,
    stage: str | None = None,
    at: str | None = None,
    since: str | None = None,
    limit: int | None = None,
) -> LogResult:
    """Read the events of a model (of all, if None), or only those of one stage.

    `since` leaves out what came before a date or a time. With `at`, read what each stage held then.
    Raise UsageError for an unknown stage.
    """
    if at is not None and since is not None:
        raise UsageError("--at says what held a stage, and --since what happened: give only one")
    registry = project.registry
    model_names = registry.list_models() if model is None else [project.resolve_model(model)]
    if stage is not None:
        _check_stage_exists(project, model_names, stage)
    reader = TolerantReader()
    chains = _read_chains(registry, model_names, stage, reader)
    history = _read_history(project, model_names)
    if at is not None:
        window = parse_window(at, "--at", project.record_time)
        holders = _find_holders(project, history, chains, window)
        told = [(chain.model, chain.stage, chain.records) for chain in chains]
        shares = find_shares(registry, told, window, reader)
        return LogResult((), 0, at=window, holders=holders, shares=shares, faults=reader.faults)
    start = ""
    if since is not None:
        start = parse_window(since, "--since", project.record_time).start
    events = _read_version_events(registry, model_names, reader) if stage is None else []
    events += _read_verdict_events(registry, model_names, stage, reader)
    for chain in chains:
        events += _list_stage_events(chain)
    for record, event in read_rollout_events(registry, model_names, stage, reader):
        events.append(TimedEvent(record.created, record.record_path, event))
    timed = _order_events(events, start)
    shown = _complete_events(project, history, chains, timed[:limit])
    if len(shown) < len(timed):
        start = timed[len(shown) - 1].time
    rules = list_rules(history, stage, start)
    return LogResult(shown, len(timed), rules, faults=reader.faults)


def _order_events(events: Iterable[TimedEvent], start: str) -> list[TimedEvent]:
    """Those from `start` on, the newest first."""
    timed = [event for event in events if event.time >= start]
    # Within one second the order of the records stands: a version is registered, then promoted.
    timed.sort(key=lambda event: event.time)
    timed.reverse()
    return timed


def _read_history(project: Project, models: Collection[str]) -> RecordHistory | None:
    """Read which commits added records and changed settings; None before the first commit."""
    if project.repository.head().commit is None:
        return None
    return read_record_history(project.repository, models, everything=True)


def _check_stage_exists(project: Project, models: list[str], stage: str) -> None:
    """Raise UsageError for a stage that was never held and that no settings define."""
    for model in models:
        if stage in project.registry.list_stages(model):
            return
    read_rule(project, stage)


# -- events ----------------------------------------------------------------------------------------


def _read_chains(
    registry: RecordRegistry, models: Iterable[str], stage: str | None, reader: TolerantReader
) -> list[_StageChain]:
    """Read the promotions that can be read of one stage, or of all stages of these models."""
    chains: list[_StageChain] = []
    for model in models:
        for stage_name in registry.list_stages(model):
            if stage not in (None, stage_name):
                continue
            promotions = _read_promotions(registry, model, stage_name, reader)
            chains.append(_StageChain(model, stage_name, promotions))
    return chains


def _read_promotions(
    registry: RecordRegistry, model: str, stage: str, reader: TolerantReader
) -> list[tuple[PromotionRecord, Digest]]:
    promotions: list[tuple[PromotionRecord, Digest]] = []
    for sequence in registry.list_sequences(layout.stage_folder(model, stage)):
        record_read = reader.try_reading(registry.read_promotion, model, stage, sequence)
        if record_read is not None:
            promotions.append(record_read)
    return promotions


def _list_stage_events(chain: _StageChain) -> Iterator[TimedEvent]:
    """List the moves of a stage in the order of its chain."""
    times = holdings.order_times(chain.records)
    for time, promotion in zip(times, chain.promotions, strict=True):
        record, _ = promotion
        yield TimedEvent(time, record.record_path, build_move_event(record), promotion)


def _read_version_events(
    registry: RecordRegistry, models: Iterable[str], reader: TolerantReader
) -> list[TimedEvent]:
    events: list[TimedEvent] = []
    for model in models:
        events += _read_model_events(registry, model, reader)
    return events


def _read_verdict_events(
    registry: RecordRegistry, models: Iterable[str], stage: str | None, reader: TolerantReader
) -> Iterator[TimedEvent]:
    """Read the verdicts on what one stage, or each of all, served."""
    for model in models:
        for judged in list_judged_stages(registry, model):
            if stage in (None, judged):
                verdicts = reader.try_reading(VERDICTS.read_all, registry, model, judged)
                for verdict in verdicts or ():
                    yield build_judged(verdict)


def _read_model_events(
    registry: RecordRegistry, model: str, reader: TolerantReader
) -> Iterator[TimedEvent]:
    for number in registry.list_versions(model):
        record_read = reader.try_reading(registry.read_version, model, number)
        if record_read is not None:
            registered = build_event("registered", record_read[0])
            yield replace(registered, version=record_read[0])
        evaluations = reader.try_reading(registry.read_evaluations, model, number)
        for evaluation, _ in evaluations or ():
            yield build_evaluated(evaluation)
        approvals = reader.try_reading(registry.read_approvals, model, number)
        for approval, _ in approvals or ():
            event = "approved" if approval.action == "approve" else "revoked"
            yield build_event(event, approval, approval.stage)
        notes = reader.try_reading(NOTES.read_all, registry, model, number)
        for note in notes or ():
            yield build_event("noted", note)
        reproductions = reader.try_reading(REPRODUCTIONS.read_all, registry, model, number)
        for reproduction in reproductions or ():
            yield build_event("reproduced", reproduction)
        retirements = reader.try_reading(RETIREMENTS.read_all, registry, model, number)
        last_time = ""
        for retirement in retirements or ():
            event = "retired" if retirement.action == "retire" else "restored"
            timed = build_event(event, retirement)
            # The last decides, so each counts from the one before it at the earliest.
            last_time = max(last_time, timed.time)
            yield replace(timed, time=last_time)


# -- commits ---------------------------------------------------------------------------------------


def _complete_events(
    project: Project,
    history: RecordHistory | None,
    chains: Sequence[_StageChain],
    timed: Sequence[TimedEvent],
) -> tuple[LogEvent, ...]:
    """Add to each event the commit that landed it, and to each promotion how it is sealed."""
    commits = _find_commits(history, [event.path for event in timed])
    promotions = [event.promotion for event in timed if event.promotion is not None]
    states = promotion_seals.read_seal_states(project, promotions)
    unconfirmed = _find_unconfirmed(project, history, chains)
    versions = [event.version for event in timed if event.version is not None]
    if history is not None and versions:
        unconfirmed |= find_unconfirmed_version_paths(project, history, versions)
    if history is not None:
        unconfirmed |= find_unconfirmed_remarks(history, _list_remark_authors(timed))
    events: list[LogEvent] = []
    for event in timed:
        log_event = replace(
            event.event, seal=states.get(event.path), unconfirmed=event.path in unconfirmed
        )
        entry = commits.get(event.path)
        if entry is not None:
            log_event = replace(log_event, commit=entry.commit, committer=entry.committer)
        events.append(log_event)
    return tuple(events)


def _list_remark_authors(timed: Iterable[TimedEvent]) -> dict[str, str]:
    """Who made each note and retirement, by the path of its record."""
    authors: dict[str, str] = {}
    for event in timed:
        if event.event.event in _REMARKS:
            authors[event.path] = event.event.author
    return authors


def _find_unconfirmed(
    project: Project, history: RecordHistory | None, chains: Sequence[_StageChain]
) -> frozenset[str]:
    """Find the promotions whose author nothing confirms: only a whole chain tells."""
    if history is None:
        return frozenset()
    return find_unconfirmed_paths(project, history, [chain.promotions for chain in chains])


def _find_commits(history: RecordHistory | None, paths: Iterable[str]) -> Mapping[str, CommitEntry]:
    """Find, for each record, the newest commit that gave it contents."""
    if history is None:
        return {}
    wanted = set(paths)
    commits: dict[str, CommitEntry] = {}
    for entry in history.entries.values():
        for path, object_id in entry.contents.items():
            if path in wanted and object_id is not None:
                commits.setdefault(path, entry)
    return commits


# -- holders ---------------------------------------------------------------------------------------


def _find_holders(
    project: Project,
    history: RecordHistory | None,
    chains: Sequence[_StageChain],
    window: TimeWindow,
) -> tuple[LogHolder, ...]:
    """Find what each stage that was ever moved held at any time in `window`."""
    unconfirmed = _find_unconfirmed(project, history, chains)
    paths: list[str] = []
    for chain in chains:
        paths += [record.record_path for record in chain.records]
    commits = _find_commits(history, paths)
    holders: list[LogHolder] = []
    for chain in chains:
        stage_holdings = holdings.list_holdings(chain.records, window)
        # A stage that was not moved yet was empty, which is an answer, too.
        if not stage_holdings:
            holders.append(LogHolder(model=chain.model, stage=chain.stage))
        for holding in stage_holdings:
            path = holding.record.record_path
            holder = _build_holder(holding, commits.get(path))
            holders.append(replace(holder, unconfirmed=path in unconfirmed))
    return tuple(holders)


def _build_holder(holding: StageHolding, entry: CommitEntry | None) -> LogHolder:
    record = holding.record
    holder = LogHolder(
        model=record.model,
        stage=record.stage,
        version=holding.version,
        since=holding.since,
        until=holding.until,
        sequence=record.sequence,
        author=record.author,
        message=record.message,
    )
    if entry is None:
        return holder
    return replace(holder, commit=entry.commit, committer=entry.committer)
