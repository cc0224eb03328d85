"""Stages as the records tell them, and the one way a new promotion record comes about."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.document import codec
from mlver.policy.staging import StageCandidate, apply_gates, stage_holder
from mlver.project.artifacts import damage as artifact_damage
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.intent import PlannedTag
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project, ResolvedRef
from mlver.project.tags import planned_tags, seals
from mlver.records import layout
from mlver.records.config import StageSettings
from mlver.records.promotion import Action, GateResult, PromotionRecord


def judge_gates(
    project: Project, chosen: ResolvedRef, settings: StageSettings
) -> tuple[GateResult, ...]:
    """What a stage's gates say of a version now; reads every byte of it where the stage asks for that."""
    record, digest = project.registry.read_version(chosen.model, chosen.version)
    damage = None
    if settings.verified:
        found = artifact_damage.find_damage(project, [record])
        damage = tuple(f"{link.subject} {link.message}" for link in found.lost)
    held = {
        stage
        for stage in project.registry.list_stages(chosen.model)
        for past, _ in project.registry.read_history(chosen.model, stage)
        if past.version == str(chosen.version) and past.action != "retire"
    }
    broken, seal = seals.judge_version(project, chosen.model, chosen.version, digest)
    candidate = StageCandidate(
        version=str(chosen.version),
        unsealed="; ".join(link.message for link in broken) or None,
        stages_held=frozenset(held),
        damage=damage,
        unkept=record.unkept_data_sets,
        sealed="adopted, and never edited since" if seal and seal.landing else "sealed",
    )
    return apply_gates(settings, candidate)


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
    project: Project, edit: PlannedEdit, asked: StageMove, history: StageHistory
) -> tuple[PromotionRecord, str]:
    """Move a stage: one new record, one commit. Return the record and the commit's id."""
    chosen = asked.chosen
    record = PromotionRecord(
        model=chosen.model,
        stage=asked.stage,
        # counted from the last: one that is missing in between must not stand in the way of going back
        sequence=history[-1][0].sequence + 1 if history else 1,
        action=asked.action,
        version=str(chosen.version),
        previous=stage_holder([past for past, _ in history]),
        created=project.record_time,
        author=project.repository.author(),
        message=asked.message.strip(),
        gates=asked.gates,
        forced=asked.forced,
        record=project.registry.read_version(chosen.model, chosen.version)[1],
        prior=history[-1][1] if history else None,
    )
    path = layout.promotion_path(chosen.model, asked.stage, record.sequence)
    data = codec.encode_document("promotion", record.to_document())
    edit.create_file(path, data)
    done = "roll back" if asked.action == "rollback" else asked.action
    subject = f"mlver: {done} {chosen.model} {asked.stage} to {chosen.version}"
    return record, edit.commit_files(
        f"{subject}\n\n{record.message}", _plan_promotion_tag(project, record, data)
    )


def _plan_promotion_tag(
    project: Project, record: PromotionRecord, data: bytes
) -> tuple[PlannedTag, ...]:
    """The tag that tells pipelines of a promotion, where the repository has such tags."""
    if not project.registry.read_config().tags.promotions:
        return ()
    tag = planned_tags.plan_promotion_tag(record, data)
    if project.repository.tags(f"refs/tags/{tag.name}"):
        # no tag decides anything, so none that somebody made may keep a stage from moving back
        project.reporter.show_note(
            f"there is a tag {tag.name} already, of another promotion than this one: mlver verify"
        )
        return ()
    return (tag,)
