"""`mlver audit`: who moved which stage, when, why, on what evidence and under which rule.

Everything that records and history allow is judged again, by the code that `verify --all` and the
hooks judge by. Nothing is taken from the cache, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mlver.errors import MlverError
from mlver.features.auditing.against import check_head, read_older_head, report_rewritten
from mlver.features.auditing.audit_result import (
    AuditedRule,
    AuditedStage,
    AuditHead,
    AuditResult,
    HeadCheck,
    RuleWord,
)
from mlver.features.auditing.findings import sort_findings
from mlver.features.auditing.missing import describe_gaps
from mlver.features.auditing.moves import MoveFacts, build_moves
from mlver.features.auditing.scope import AuditScope, choose_scope
from mlver.features.auditing.standing import list_unbound, list_withdrawn
from mlver.findings import Finding
from mlver.policy.chain import holder_after
from mlver.policy.holdings import list_holdings
from mlver.policy.promotion_dates import format_seconds
from mlver.policy.promotion_rules import list_claimed_stages
from mlver.policy.time_windows import TimeWindow
from mlver.project.artifacts.listed import find_claims
from mlver.project.audit import audit
from mlver.project.audit.chains import CheckedChain, check_sealed_chain, link_chain, read_chains
from mlver.project.audit.heads import HistoryHeads, read_heads
from mlver.project.audit.judged_rollouts import list_judged_rollouts
from mlver.project.audit.promotions import PromotionReport, judge_promotions
from mlver.project.audit.rule_changes import RuleChange, find_rule_changes
from mlver.project.history.whole_history import read_whole_history
from mlver.project.project import Project
from mlver.project.registry.kept_files import keep_files
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.version import Version, parse_version

_ALL_TIME = TimeWindow("", "9999-12-31T23:59:60Z")


def audit_stages(
    project: Project,
    model: str | None = None,
    *,
    stage: str | None = None,
    at: str | None = None,
    since: str | None = None,
    strict: bool = False,
    against: str | None = None,
) -> AuditResult:
    """Audit the stages of a model (of all, if None), or only one of them.

    `at` asks what each stage held at a time, `since` leaves out the moves before one. `against` is
    an older head, or a file that an audit was saved in. Raise UsageError for an unknown stage and
    for other values that cannot be meant.
    """
    scope = choose_scope(project, model, stage=stage, at=at, since=since)
    older = None if against is None else read_older_head(project, against, scope.models)
    is_narrow = scope.models is not None
    project = read_whole_history(_keep_records(project, scope), *scope.folders, is_narrow=is_narrow)
    chains = _read_chains(project, scope)
    versions = _read_versions(project, scope, chains)
    judged = judge_promotions(project, [chain.promotions for chain in chains.values()], versions)
    entries = None if project.walk is None else project.walk.entries
    heads = read_heads(project.repository, scope.models, entries)
    check = None
    if older is not None:
        check = check_head(project, scope.models, heads, older, _list_records(chains))
    evidence = _Evidence(project, scope, chains, versions, judged, heads, check)
    return _build_result(evidence, strict=strict)


Chains = Mapping[tuple[str, str], CheckedChain]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """All that was read: the chains by model and stage, and how they were judged."""

    project: Project
    scope: AuditScope
    chains: Chains
    versions: Sequence[VersionRecord]
    judged: PromotionReport
    heads: HistoryHeads
    check: HeadCheck | None


def _keep_records(project: Project, scope: AuditScope) -> Project:
    """Read the promotions that were asked for: several checks ask for the bytes of each."""
    registry = project.registry
    paths: list[str] = []
    for model, stage in scope.pairs:
        with suppress(MlverError):
            for sequence in registry.list_sequences(layout.stage_folder(model, stage)):
                paths.append(layout.promotion_path(model, stage, sequence))
    return replace(project, registry=RecordRegistry(keep_files(registry.source, paths)))


def _read_chains(project: Project, scope: AuditScope) -> dict[tuple[str, str], CheckedChain]:
    """Read the stages that were asked for, and those that their promotions say were held before."""
    readings = read_chains(project, scope.pairs)
    known = set(scope.pairs)
    claimed: dict[tuple[str, str], None] = {}
    judged = [record for reading in readings for record, _ in reading.promotions]
    rollouts = list_judged_rollouts(project, [reading.promotions for reading in readings])
    for record in [*judged, *(rollout.record for rollout in rollouts)]:
        for stage in list_claimed_stages(record):
            if (record.model, stage) not in known:
                claimed[record.model, stage] = None
    chains: dict[tuple[str, str], CheckedChain] = {}
    for reading in readings:
        chains[reading.model, reading.stage] = check_sealed_chain(project, reading)
    for reading in read_chains(project, claimed):
        chains[reading.model, reading.stage] = link_chain(project, reading)
    return chains


def _read_versions(project: Project, scope: AuditScope, chains: Chains) -> list[VersionRecord]:
    """Read the versions that promotions name; where all stages were asked for, all versions.

    Those that cannot be read are left out: the promotions that name them say so, and `verify`.
    """
    numbers: dict[str, dict[Version, None]] = {}
    for (model, _), chain in chains.items():
        for record, _ in chain.promotions:
            numbers.setdefault(model, {})[parse_version(record.version)] = None
    if scope.stage is None:
        for model in scope.named:
            numbers[model] = dict.fromkeys(project.registry.list_versions(model))
    versions: list[VersionRecord] = []
    for model, known in numbers.items():
        for outcome in project.registry.read_versions(model, list(known)):
            if not isinstance(outcome, MlverError):
                versions.append(outcome[0])
    return versions


def _list_records(chains: Chains) -> dict[str, str]:
    records: dict[str, str] = {}
    for chain in chains.values():
        for record, digest in chain.promotions:
            records[record.record_path] = str(digest)
    return records


# -- what is wrong, and what is only unconfirmed ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class _SortedFindings:
    """What was found, by the path of the promotion that it is about, and what is about none."""

    damage: Mapping[str, list[Finding]]
    doubts: Mapping[str, list[Finding]]
    other_damage: Sequence[Finding]
    other_doubts: Sequence[Finding]
    missing: Sequence[Finding]


def _sort_evidence(evidence: _Evidence) -> _SortedFindings:
    project, scope, judged = evidence.project, evidence.scope, evidence.judged
    damage: list[Finding] = []
    notes: list[Finding] = [*judged.notes]
    for chain in evidence.chains.values():
        damage += chain.findings
        notes += chain.notes
    damage += judged.findings
    damage += audit.check_config(project)
    damage += audit.find_uncommitted(project, scope.named, evidence.heads.digests)
    damage += audit.catch_errors("HEAD", audit.check_history(project, scope.models))
    if scope.stage is None:
        checked = audit.check_files(project, scope.models)
        damage += audit.catch_errors(layout.MODELS, checked)
    damage += audit.catch_errors("refs/tags", audit.check_tags(project, scope.models))
    missing, noted = describe_gaps(project, notes)
    found = [finding for finding in damage if finding.kind != "unconfirmed"]
    doubts = [finding for finding in damage if finding.kind == "unconfirmed"]
    doubts += [*noted, *judged.unconfirmed]
    for record in evidence.versions:
        doubts += find_claims(record)
    damage_by_path, other_damage = sort_findings(dict.fromkeys(found))
    doubts_by_path, other_doubts = sort_findings(dict.fromkeys(doubts))
    return _SortedFindings(damage_by_path, doubts_by_path, other_damage, other_doubts, missing)


# -- the result ------------------------------------------------------------------------------------


def _build_result(evidence: _Evidence, *, strict: bool) -> AuditResult:
    scope, heads = evidence.scope, evidence.heads
    found = _sort_evidence(evidence)
    history = evidence.judged.history
    changes = [] if history is None else list(find_rule_changes(history))
    facts = MoveFacts(history=history, changes=changes, damage=found.damage, doubts=found.doubts)
    stages = [_build_stage(evidence, facts, *pair) for pair in scope.pairs]
    names = {pair[1] for pair in scope.pairs}
    promotions = {pair: chain.promotions for pair, chain in evidence.chains.items()}
    doubts: list[Finding] = [*found.other_doubts]
    for stage in stages:
        for move in stage.moves:
            doubts += move.doubts
    return AuditResult(
        at=scope.at,
        since=scope.since,
        strict=strict,
        stages=tuple(stages),
        rules=tuple(_list_rules(changes, names, scope)),
        damage=_list_damage(evidence, found),
        unconfirmed=tuple(dict.fromkeys(doubts)),
        unbound=tuple(list_unbound(evidence.project, scope, promotions)),
        withdrawn=tuple(list_withdrawn(evidence.project, scope)),
        missing=tuple(found.missing),
        head=AuditHead(
            digest=None if heads.head is None else str(heads.head),
            models=scope.models,
            changes=heads.total,
            lacking=heads.lacking,
        ),
        against=evidence.check,
    )


def _list_damage(evidence: _Evidence, found: _SortedFindings) -> tuple[Finding, ...]:
    """List what is wrong with the stages that were asked for, at any time, and with the rest."""
    damage: list[Finding] = []
    if evidence.check is not None and evidence.check.outcome in ("rewritten", "unknown"):
        damage.append(report_rewritten(evidence.check))
    damage += found.other_damage
    for path in sorted(found.damage):
        # What cannot be read, or is gone, is no move, and is damage all the same.
        if evidence.scope.includes(path):
            damage += found.damage[path]
    return tuple(dict.fromkeys(damage))


def _build_stage(evidence: _Evidence, facts: MoveFacts, model: str, stage: str) -> AuditedStage:
    scope, chain = evidence.scope, evidence.chains[model, stage]
    records = [record for record, _ in chain.promotions]
    holdings = list_holdings(records, scope.at or _ALL_TIME)
    if scope.since is not None:
        holdings = [holding for holding in holdings if holding.since >= scope.since]
    digests = {record.record_path: digest for record, digest in chain.promotions}
    return AuditedStage(
        model=model,
        stage=stage,
        holder=holder_after(records[-1] if records else None),
        total=chain.total,
        moves=build_moves(facts, holdings, digests, chain.states),
    )


def _list_rules(
    changes: Iterable[RuleChange], stages: Collection[str], scope: AuditScope
) -> Iterator[AuditedRule]:
    """List the changes of these stages' rules in the time that was asked for, oldest first."""
    for change in reversed(list(changes)):
        created = format_seconds(change.committed)
        if change.stage not in stages or created < (scope.since or ""):
            continue
        if scope.at is not None and created >= scope.at.end:
            continue
        yield AuditedRule(
            stage=change.stage,
            change=_name_change(change),
            loosened=change.loosened,
            author=change.author,
            committer=change.committer,
            created=created,
            commit=change.commit,
        )


def _name_change(change: RuleChange) -> RuleWord:
    if change.old is None:
        return "made"
    if change.new is None:
        return "removed"
    return "looser" if change.loosened else "stricter"
