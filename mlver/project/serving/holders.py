"""Which version a role serves: the holder of its stage, by a sealed promotion."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.policy.serving.served import TrafficShare
from mlver.project.history.stage_history import StageHistory, read_rule, require_whole_history
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.rollouts.open_rollouts import find_open_rollout
from mlver.project.tags import trust
from mlver.project.tags.promotion_seals import judge_stage_seals
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.sections.deploy import CANARY, STABLE, TargetSettings
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHolder:
    """A version with the digest of its record, and what brought it to its role.

    `sequence` is the number of the promotion of `stage`, or of the rollout in it; 0 for a version
    that is only kept and that the stage never had.
    """

    record: VersionRecord
    digest: Digest
    stage: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRoles:
    """What the stages of a target say: its roles, its traffic, and what stays answerable."""

    stable: RoleHolder | None
    canary: RoleHolder | None = None
    share: TrafficShare | None = None
    kept: tuple[RoleHolder, ...] = ()


def read_roles(project: Project, model: str, settings: TargetSettings) -> StageRoles:
    """Read which versions a target has to serve.

    Raise MlverError where a stage never had a version, where no tag seals the promotion that
    decides, or where a record is not what was promoted.
    """
    stable_stage = settings.stages[STABLE]
    history = _read_stage(project, model, stable_stage)
    stable = _find_holder(project, model, stable_stage, history)
    canary, share = _find_rollout(project, model, stable_stage)
    if share is None:
        canary, share = _find_candidate(project, model, settings)
    kept: list[RoleHolder] = []
    in_roles = [holder.record.version for holder in (stable, canary) if holder is not None]
    for version in settings.keep_serving:
        if version not in in_roles:
            kept.append(_read_kept(project, model, version, stable_stage, history))
    return StageRoles(stable=stable, canary=canary, share=share, kept=tuple(kept))


def _find_rollout(
    project: Project, model: str, stage: str
) -> tuple[RoleHolder | None, TrafficShare | None]:
    """Find the candidate of the open rollout of a stage, and its share; None without one."""
    folder = layout.attached_folder("rollout", model, stage)
    require_as_committed(project.repository, project.registry, folder)
    rollout = find_open_rollout(project.registry, model, stage)
    if rollout is None:
        return None, None
    record, digest = trust.read_vouched_record(project, f"{model}@{rollout.version}")
    if digest != rollout.record:
        raise MlverError(
            f"{model} {rollout.version} is not the record that the rollout to {stage} names",
            hint=shell_command("mlver", "verify", "--all"),
        )
    # No tag seals a rollout: without this, whoever can push gives a share to any record.
    trust.require_trusted(project, record, digest, vouched=())
    holder = RoleHolder(record=record, digest=digest, stage=stage, sequence=rollout.sequence)
    share = TrafficShare(strategy=rollout.strategy, percent=rollout.share, header=rollout.header)
    return holder, share


def _find_candidate(
    project: Project, model: str, settings: TargetSettings
) -> tuple[RoleHolder | None, TrafficShare | None]:
    """Find the canary: what the stage of that role holds, where the settings name one."""
    stage = settings.stages.get(CANARY)
    if stage is None:
        return None, None
    history = _read_stage(project, model, stage)
    if not history:
        return None, None
    return _find_holder(project, model, stage, history), None


def _read_stage(project: Project, model: str, stage: str) -> StageHistory:
    read_rule(project, stage)
    folder = layout.stage_folder(model, stage)
    require_as_committed(project.repository, project.registry, folder)
    return require_whole_history(project, model, stage)


def _find_holder(
    project: Project, model: str, stage: str, history: StageHistory
) -> RoleHolder | None:
    """Find what holds a stage; None where it was emptied."""
    if not history:
        raise MlverError(
            f"no version of {model} ever held {stage}, so there is nothing to serve",
            hint=shell_command("mlver", "promote", model, "--to", stage, "-m", "WHY"),
        )
    promotion, _ = history[-1]
    if promotion.action == "retire":
        return None
    _require_sealed(project, model, stage, history)
    record, digest = trust.read_vouched_record(project, f"{model}@{promotion.version}")
    trust.show_retirement(project, record)
    return RoleHolder(record=record, digest=digest, stage=stage, sequence=promotion.sequence)


def _require_sealed(project: Project, model: str, stage: str, history: StageHistory) -> None:
    """Raise MlverError where no sound tag seals the promotion by which a stage is held.

    An earlier one of the same version serves as well: the stage has not moved since.
    """
    standing = _list_standing(history)
    judged = judge_stage_seals(project, model, stage, standing)
    last, _ = history[-1]
    for finding in judged.broken:
        raise MlverError(
            f"{printable_name(finding.subject)} {finding.message}, so {stage} cannot be deployed",
            hint="mlver verify --all",
        )
    if all(judged.states[record.sequence] == "unsealed" for record, _ in standing):
        raise MlverError(
            f"no tag seals {last.record_path}, by which {last.version} holds {stage}, and what is"
            " not sealed is not deployed",
            hints=("git fetch --tags", "mlver tag"),
        )


def _list_standing(history: StageHistory) -> StageHistory:
    """List the promotions at the end of a chain by which the same record holds the stage."""
    last, _ = history[-1]
    standing: list[tuple[PromotionRecord, Digest]] = []
    for record, digest in reversed(history):
        if record.action == "retire" or record.record != last.record:
            break
        standing.insert(0, (record, digest))
    return standing


def _read_kept(
    project: Project, model: str, version: str, stage: str, history: StageHistory
) -> RoleHolder:
    """Read a version that stays answerable; its number is that of its last time in the stage."""
    record, digest = trust.read_vouched_record(project, f"{model}@{version}")
    sequence = 0
    for promotion, _ in history:
        if promotion.record == digest and promotion.action != "retire":
            sequence = promotion.sequence
    trust.require_trusted(project, record, digest, vouched={one.record for one, _ in history})
    return RoleHolder(record=record, digest=digest, stage=stage, sequence=sequence)
