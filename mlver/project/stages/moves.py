"""Stages as the records tell them, and the one way a new promotion record comes about."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.document import codec
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.table import apply_gates
from mlver.policy.staging import stage_holder
from mlver.project.artifacts import damage as artifact_damage
from mlver.project.artifacts.stored_pointers import find_stored_pointers
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.intent import PlannedTag
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project, ResolvedRef
from mlver.project.tags import planned_tags, seals
from mlver.records import layout
from mlver.records.promotion import Action, GateResult, PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.sections.stages import StageSettings
from mlver.records.version import VersionRecord


def judge_gates(
    project: Project, chosen: ResolvedRef, settings: StageSettings
) -> tuple[GateResult, ...]:
    """Ask a stage's gates about a version as it is now.

    Every byte of the version is read where the stage asks for that.
    """
    return apply_gates(settings, _describe_candidate(project, chosen, settings))


def _describe_candidate(
    project: Project, chosen: ResolvedRef, settings: StageSettings
) -> StageCandidate:
    """Gather what the gates judge by; bytes are read only for a gate that asks for them."""
    model, version = chosen.model, chosen.version
    record, digest = project.registry.read_version(model, version)
    damage = None
    if settings.gates.get("verified"):
        damage = _list_damage(project, record)
    findings, seal = seals.judge_version(project, model, version, digest)
    faults = "; ".join(finding.message for finding in findings)
    sealed = "sealed"
    # An adopted version's tag names no digest: history vouches for its record instead.
    if seal is not None and seal.landing is not None:
        sealed = "adopted, and never edited since"
    return StageCandidate(
        version=str(version),
        unsealed=faults or None,
        stages_held=_find_stages_held(project, chosen),
        damage=damage,
        unkept=record.unkept_data_sets,
        sealed=sealed,
    )


def _list_damage(project: Project, record: VersionRecord) -> tuple[str, ...]:
    damage = artifact_damage.find_damage(project, [record])
    # A byte that is right is of no use where it only points to content that nobody checked.
    findings = [*damage.lost, *find_stored_pointers(project, record)]
    return tuple(f"{link.subject} {link.message}" for link in findings)


def _find_stages_held(project: Project, chosen: ResolvedRef) -> frozenset[str]:
    """Find every stage that the version holds or has held."""
    stages: set[str] = set()
    for stage in project.registry.list_stages(chosen.model):
        for promotion, _ in project.registry.read_history(chosen.model, stage):
            # a retirement names the version that it takes the stage from
            if promotion.action == "retire":
                continue
            if promotion.version == str(chosen.version):
                stages.add(stage)
    return frozenset(stages)


@dataclass(frozen=True, slots=True)
class StageMove:
    """What a new promotion record is to say."""

    chosen: ResolvedRef
    stage: str
    action: Action
    message: str
    gates: tuple[GateResult, ...]
    forced: bool = False


def move_stage(
    project: Project,
    edit: PlannedEdit,
    move: StageMove,
    history: StageHistory,
    *,
    description: str = "",
) -> tuple[PromotionRecord, str]:
    """Move a stage: one new record, one commit. Return the record and the commit's id.

    `description` is for the edit: see `PlannedEdit.commit_files`.
    """
    chosen = move.chosen
    record = _build_promotion(project, move, history)
    path = layout.promotion_path(chosen.model, move.stage, record.sequence)
    data = codec.encode_document("promotion", record.to_document())
    edit.create_file(path, data)
    verb: str = move.action
    if move.action == "rollback":
        verb = "roll back"
    subject = f"mlver: {verb} {chosen.model} {move.stage} to {chosen.version}"
    message = f"{subject}\n\n{record.message}"
    tags = _plan_promotion_tag(project, record, data)
    commit = edit.commit_files(message, tags, description=description)
    return record, commit


def _build_promotion(project: Project, move: StageMove, history: StageHistory) -> PromotionRecord:
    # Counted from the last: a record that is missing in between must not stop a rollback.
    sequence = 1
    prior = None
    baseline = None
    if history:
        last_record, prior = history[-1]
        sequence = last_record.sequence + 1
        if last_record.action != "retire":
            baseline = VersionReference(last_record.version, last_record.record)
    chosen = move.chosen
    _, digest = project.registry.read_version(chosen.model, chosen.version)
    return PromotionRecord(
        model=chosen.model,
        stage=move.stage,
        sequence=sequence,
        action=move.action,
        version=str(chosen.version),
        previous=stage_holder([record for record, _ in history]),
        created=project.record_time,
        author=project.repository.author(),
        message=move.message.strip(),
        baseline=baseline,
        gates=move.gates,
        forced=move.forced,
        record=digest,
        prior=prior,
    )


def _plan_promotion_tag(
    project: Project, record: PromotionRecord, data: bytes
) -> tuple[PlannedTag, ...]:
    """Plan the tag that tells pipelines of a promotion, where the repository has such tags."""
    if not project.registry.read_config().tags.promotions:
        return ()
    tag = planned_tags.plan_promotion_tag(record, data)
    if project.repository.tags(f"refs/tags/{tag.name}"):
        # No tag decides anything, so a tag that somebody made must not keep a stage from moving.
        project.reporter.show_note(
            f"there is a tag {tag.name} already, of another promotion than this one: mlver verify"
        )
        return ()
    return (tag,)
