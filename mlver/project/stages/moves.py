"""Stages as the records tell them, and the one way a new promotion record comes about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from mlver.digest import Digest
from mlver.document import codec
from mlver.git.git_tag import GitTag
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.table import apply_gates, join_settings
from mlver.policy.staging import stage_holder
from mlver.project.artifacts import damage as artifact_damage
from mlver.project.artifacts.stored_pointers import find_stored_pointers
from mlver.project.edit import planned_tags
from mlver.project.edit.edit import PlannedEdit
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project, ResolvedRef
from mlver.project.remote.recoverability import find_recoverability
from mlver.project.tags import promotion_seals, seals
from mlver.records import layout
from mlver.records.promotion import Action, GateResult, PromotionRecord
from mlver.records.references import PolicyReference, VersionReference
from mlver.records.sections.stages import StageSettings
from mlver.records.values import Value
from mlver.records.version import VersionRecord

# These are answered by remotes.
_REMOTE_GATES = frozenset(("recoverable", "copies"))


def judge_gates(
    project: Project,
    chosen: ResolvedRef,
    *rules: StageSettings,
    signed: bool = False,
) -> tuple[GateResult, ...]:
    """Ask the gates of each of a stage's rules about a version as it is now.

    Every byte of the version is read where one of them asks for that; with `signed`, its tag has to
    carry a good signature whatever the settings say. Remotes are asked where a rule wants that,
    unless the project is offline. What two rules ask alike is answered once.
    """
    asked = [join_settings(rule) for rule in rules]
    verified = reads_bytes(rules)
    held = _find_stages_held(project, chosen, _list_asked(rules))
    candidate = _describe_candidate(project, chosen, held, verified=verified, signed=signed)
    asks_remotes = any(not _REMOTE_GATES.isdisjoint(_list_on(settings)) for settings in asked)
    if asks_remotes and not project.offline:
        record, _ = project.registry.read_version(chosen.model, chosen.version)
        candidate = replace(candidate, recovery=find_recoverability(project, record))
    results: dict[GateResult, None] = {}
    for rule in rules:
        results.update(dict.fromkeys(apply_gates(rule, candidate)))
    return tuple(results)


def reads_bytes(rules: Iterable[StageSettings]) -> bool:
    """Whether a gate of one of these rules reads every byte of the version."""
    return any(join_settings(rule).get("verified") for rule in rules)


def _list_on(settings: Mapping[str, Value]) -> list[str]:
    """List the gates that are asked for."""
    return [name for name, setting in settings.items() if setting]


def _describe_candidate(
    project: Project, chosen: ResolvedRef, held: _ReachedStages, *, verified: bool, signed: bool
) -> StageCandidate:
    """Gather what the gates judge by; bytes are read only for a gate that asks for them."""
    model, version = chosen.model, chosen.version
    record, digest = project.registry.read_version(model, version)
    damage = None
    if verified:
        damage = _list_damage(project, record)
    findings, seal = seals.judge_version(project, model, version, digest, signed=signed)
    faults = "; ".join(finding.message for finding in findings)
    sealed = "sealed"
    # An adopted version's tag names no digest: history vouches for its record instead.
    if seal is not None and seal.landing is not None:
        sealed = "adopted, and never edited since"
    return StageCandidate(
        version=str(version),
        unsealed=faults or None,
        stages_held=held.proven,
        stages_unsealed=held.unsealed,
        damage=damage,
        sealed=sealed,
        elsewhere=tuple(name for name, item in record.data.items() if item.is_remote),
    )


def _list_damage(project: Project, record: VersionRecord) -> tuple[str, ...]:
    damage = artifact_damage.find_damage(project, [record])
    # A byte that is right is of no use where it only points to content that nobody checked.
    findings = [*damage.lost, *damage.list_unkept(), *find_stored_pointers(project, record)]
    return tuple(f"{link.subject} {link.message}" for link in dict.fromkeys(findings))


@dataclass(frozen=True, slots=True)
class _ReachedStages:
    """The stages that a version holds or has held: `unsealed` only by promotions without a seal."""

    proven: frozenset[str]
    unsealed: frozenset[str]


def _find_stages_held(
    project: Project, chosen: ResolvedRef, asked: Iterable[str]
) -> _ReachedStages:
    """Find which of the stages that rules ask for the version holds or has held.

    No other is read: a record there that cannot be read is in nobody's way.
    """
    proven: set[str] = set()
    unsealed: set[str] = set()
    for stage in asked:
        promotions: list[tuple[PromotionRecord, Digest]] = []
        for promotion, digest in project.registry.read_history(chosen.model, stage):
            # a retirement names the version that it takes the stage from
            if promotion.action != "retire" and promotion.version == str(chosen.version):
                promotions.append((promotion, digest))
        if not promotions:
            continue
        judged = promotion_seals.judge_stage_seals(project, chosen.model, stage, promotions)
        if set(judged.states.values()) == {"unsealed"}:
            unsealed.add(stage)
        else:
            proven.add(stage)
    return _ReachedStages(frozenset(proven), frozenset(unsealed))


def find_opening(
    project: Project, chosen: ResolvedRef, rules: Iterable[StageSettings]
) -> Iterator[PromotionRecord]:
    """Find the promotions that first brought a version to the stages which rules ask for."""
    for stage in _list_asked(rules):
        for promotion, _ in project.registry.read_history(chosen.model, stage):
            if promotion.action != "retire" and promotion.version == str(chosen.version):
                yield promotion
                break


def _list_asked(rules: Iterable[StageSettings]) -> list[str]:
    """List the stages that a version has to have held before, by these rules."""
    asked: dict[str, None] = {}
    for rule in rules:
        stages = rule.gates.get("after")
        if isinstance(stages, Sequence):
            asked.update(dict.fromkeys(map(str, stages)))
    return list(asked)


@dataclass(frozen=True, slots=True)
class StageMove:
    """What a new promotion record is to say; `policy` is what judged, None where nothing did."""

    chosen: ResolvedRef
    stage: str
    action: Action
    message: str
    created: str
    gates: tuple[GateResult, ...]
    forced: bool = False
    policy: PolicyReference | None = None


class MovedStage(NamedTuple):
    """What moved a stage: the record, its commit, and the tag that seals it.

    `seal` is None where another tag has its name, or where it could not be signed as asked.
    """

    record: PromotionRecord
    commit: str
    seal: str | None


def move_stage(
    project: Project,
    edit: PlannedEdit,
    move: StageMove,
    history: StageHistory,
    *,
    description: str = "",
) -> MovedStage:
    """Move a stage: one new record, one commit, one seal.

    Where a tag of the seal's name is there already, or git would not sign it though the settings
    ask for that, the stage moves all the same, and a note says that the seal is missing.
    `description` is for the edit: see `PlannedEdit.commit_files`.
    """
    chosen = move.chosen
    record = _build_promotion(project, move, history)
    path = layout.promotion_path(chosen.model, move.stage, record.sequence)
    data = codec.encode_document("promotion", record.to_document())
    edit.create_file(path, data)
    tag = planned_tags.plan_promotion_tag(record, data)
    edit.follow_up = partial(_mirror_move, project, tag.name)
    message = f"mlver: {_describe_move(move)}\n\n{record.message}"
    taken = promotion_seals.find_taken_name(project, tag.name)
    if taken is not None or seals.makes_unsigned(project):
        commit = edit.commit_files(message, description=description)
        _note_missing_seal(project, record, taken)
        return MovedStage(record, commit, None)
    commit = edit.commit_files(message, (tag,), description=description)
    return MovedStage(record, commit, tag.name)


def _mirror_move(project: Project, seal: str) -> None:
    """Tell those who go by GTO's tags of the promotion that this tag seals, if they are to know."""
    if project.registry.read_config().tags.mirror is None:
        return
    from mlver.project.tags.gto_mirror import mirror_promotions

    mirror_promotions(project, [seal])


def _describe_move(move: StageMove) -> str:
    stage = f"{move.chosen.model} {move.stage}"
    if move.action == "retire":
        return f"empty {stage}, which held {move.chosen.version}"
    verb = "roll back" if move.action == "rollback" else move.action
    return f"{verb} {stage} to {move.chosen.version}"


def next_sequence(history: StageHistory) -> int:
    """The number of a stage's next promotion.

    It is counted from the last: a record that is missing in between must not stop a rollback.
    """
    if not history:
        return 1
    last_record, _ = history[-1]
    return last_record.sequence + 1


def _build_promotion(project: Project, move: StageMove, history: StageHistory) -> PromotionRecord:
    prior = None
    baseline = None
    if history:
        last_record, prior = history[-1]
        if last_record.action != "retire":
            baseline = VersionReference(last_record.version, last_record.record)
    chosen = move.chosen
    _, digest = project.registry.read_version(chosen.model, chosen.version)
    return PromotionRecord(
        model=chosen.model,
        stage=move.stage,
        sequence=next_sequence(history),
        action=move.action,
        version=str(chosen.version),
        previous=stage_holder([record for record, _ in history]),
        created=move.created,
        author=project.repository.author(),
        message=move.message.strip(),
        policy=move.policy,
        baseline=baseline,
        gates=move.gates,
        forced=move.forced,
        record=digest,
        prior=prior,
    )


def _note_missing_seal(project: Project, record: PromotionRecord, taken: GitTag | None) -> None:
    """Say what to do about a promotion whose seal could not be made.

    `taken` has its name; without it, the seal could not be signed.
    """
    reason = "the settings ask for signed seals, and git would not sign it"
    remedy = "once git does (git config tag.gpgSign true)"
    if taken is not None:
        reason = f"there is a tag {taken.name} already, of something else"
        remedy = "once that tag is renamed or deleted"
    project.reporter.show_note(
        f"{record.stage} has moved, but no tag seals its promotion: {reason};"
        f" {remedy}, mlver tag seals the promotion"
    )
