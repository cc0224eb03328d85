"""Stages as the records tell them, and the one way a new promotion record comes about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from mlver.digest import Digest
from mlver.document import codec
from mlver.git.git_tag import GitTag
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.table import apply_policy
from mlver.policy.stage_policy import StagePolicy
from mlver.policy.staging import stage_holder
from mlver.project.artifacts.whole import store_whole
from mlver.project.edit import planned_tags
from mlver.project.edit.edit import PlannedEdit
from mlver.project.history.stage_history import StageHistory, find_baseline
from mlver.project.project import Project, ResolvedRef
from mlver.project.rollouts.open_rollouts import close_rollout
from mlver.project.stages.candidate import describe_candidate
from mlver.project.tags import promotion_seals, seals
from mlver.records import layout
from mlver.records.promotion import Action, ApprovalReference, GateResult, PromotionRecord
from mlver.records.references import PolicyReference


def judge_gates(
    project: Project,
    chosen: ResolvedRef,
    stage: str,
    policies: Sequence[StagePolicy],
    *,
    signed: bool = False,
) -> tuple[GateResult, ...]:
    """Ask the gates of each of a stage's policies about a version as it is now.

    Every byte of the version is read where one of them asks for that; with `signed`, its tag has to
    carry a good signature whatever the settings say. Remotes are asked where a rule wants that,
    unless the project is offline. What two policies ask alike is answered once.
    """
    candidate = describe_candidate(project, chosen, stage, policies, signed=signed)
    return judge_candidate(candidate, policies)


def judge_candidate(
    candidate: StageCandidate, policies: Sequence[StagePolicy]
) -> tuple[GateResult, ...]:
    """Ask the same of what is known already."""
    results: dict[GateResult, None] = {}
    for policy in policies:
        results.update(dict.fromkeys(apply_policy(policy, candidate)))
    return tuple(results)


@dataclass(frozen=True, slots=True)
class StageMove:
    """What a new promotion record is to say; `policy` is what judged, None where nothing did.

    `because` is the digest of the evidence that it is made on.
    """

    chosen: ResolvedRef
    stage: str
    action: Action
    message: str
    created: str
    gates: tuple[GateResult, ...]
    forced: bool = False
    policy: PolicyReference | None = None
    approvals: tuple[ApprovalReference, ...] = ()
    because: Digest | None = None


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
    if move.action != "retire":
        store_whole(project, chosen)
    record = _build_promotion(project, move, history)
    promotions = [promotion for promotion, _ in history]
    record = replace(record, rollout=close_rollout(project, record, promotions))
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
    if history:
        _, prior = history[-1]
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
        baseline=find_baseline(history),
        gates=move.gates,
        approvals=move.approvals,
        forced=move.forced,
        because=move.because,
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
