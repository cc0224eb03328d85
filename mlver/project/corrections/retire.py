"""`mlver retire`: say that nobody should use a version any more, or take that back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from mlver import names
from mlver.document import codec
from mlver.errors import MlverError, UsageError, shell_command
from mlver.policy.staging import list_targets
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import (
    RETIREMENTS,
    find_last_link,
    find_retirement,
    find_usable,
)
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.rollouts.open_shares import OpenShare, list_open_shares
from mlver.project.transaction import open_edit
from mlver.records import file_names, layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.retirement import RetirementAction, RetirementRecord
from mlver.selectors import parse_ref

RetireOutcome = Literal["retired", "restored", "already"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireResult:
    """`outcome`: the version was `retired` or `restored`, or the last record said so `already`.

    On a dry run that is what would have come of it, and `sequence` and `path` are those that the
    record would have. `stages` are those that a retired version still holds, and `hints` are the
    commands that give them to another. `commit` is None where nothing was written.
    """

    model: str
    version: str
    action: RetirementAction
    outcome: RetireOutcome
    in_favour_of: str | None
    message: str
    stages: tuple[str, ...]
    hints: tuple[str, ...]
    sequence: int
    path: str
    commit: str | None
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _RetirementPlan:
    """What a person asked for."""

    ref: str
    action: RetirementAction
    message: str
    in_favour_of: str | None


def retire_version(
    project: Project,
    ref: str | None,
    *,
    message: str,
    in_favour_of: str | None = None,
    dry_run: bool = False,
) -> RetireResult:
    """Say that nobody should use the version that `ref` names any more: one record, one commit."""
    named = _require_selector(project, ref, "retire")
    plan = _RetirementPlan(ref=named, action="retire", message=message, in_favour_of=in_favour_of)
    return _write_retirement(project, plan, dry_run=dry_run)


def restore_version(
    project: Project, ref: str | None, *, message: str, dry_run: bool = False
) -> RetireResult:
    """Take a retirement back: one record more, one commit."""
    named = _require_selector(project, ref, "restore")
    plan = _RetirementPlan(ref=named, action="restore", message=message, in_favour_of=None)
    return _write_retirement(project, plan, dry_run=dry_run)


def _write_retirement(project: Project, plan: _RetirementPlan, *, dry_run: bool) -> RetireResult:
    _require_reason(plan, dry_run=dry_run)
    refuse_protected(project)
    commit = None
    outcome: RetireOutcome = "retired" if plan.action == "retire" else "restored"
    editing = open_edit(project, f"{plan.action} {plan.ref}", dry_run=dry_run)
    with naming_commits(project.repository), editing as edit:
        chosen = project.resolve_ref(plan.ref)
        record = _build_retirement(project, chosen, plan)
        last = _find_last(project, chosen)
        # Whoever was interrupted runs the command again, and means one record.
        if last is not None and _say_same(last, record):
            record, outcome = last, "already"
        else:
            _require_sense(project, chosen, plan)
            if edit is not None:
                data = codec.encode_document("retirement", record.to_document())
                edit.create_file(record.record_path, data)
                subject = f"mlver: {record.action} {record.model} {record.version}"
                commit = edit.commit_files(f"{subject}\n\n{record.message}")
    stages = _list_held(project, record)
    _note_shares(project, record)
    hints: tuple[str, ...] = ()
    for stage in stages:
        hints += (_build_hint(project, record, stage),)
    return RetireResult(
        model=record.model,
        version=record.version,
        action=record.action,
        outcome=outcome,
        in_favour_of=record.successor,
        message=record.message,
        stages=stages,
        hints=hints,
        sequence=record.sequence,
        path=record.record_path,
        commit=commit,
        dry_run=dry_run,
    )


def _require_selector(project: Project, ref: str | None, action: RetirementAction) -> str:
    """Raise UsageError for a model alone: people mean all of it, and not its highest release."""
    if ref is not None and parse_ref(ref).selector is not None:
        return ref
    if ref is not None and ref not in project.registry.list_models():
        # Where there is one model, a version alone will do.
        return ref
    model = project.resolve_model(ref)
    latest = f"{model}@{project.select_version(model, None)}"
    if action == "restore":
        hint = shell_command("mlver", "retire", latest, "--restore", "-m", "WHY")
        raise UsageError(f"which version of {model} is to be restored?", hint=hint)
    raise UsageError(
        f"{model} is a model, and a version is retired, or a stage emptied",
        hints=(
            shell_command("mlver", "retire", latest, "-m", "WHY"),
            shell_command("mlver", "retire", model, "--stage", "STAGE", "-m", "WHY"),
        ),
    )


def _require_reason(plan: _RetirementPlan, *, dry_run: bool) -> None:
    words = ["mlver", "retire", plan.ref]
    noun = "a retirement"
    if plan.action == "restore":
        words.append("--restore")
        noun = "a restoration"
    names.check_reason(plan.message, noun, words, is_kept=not dry_run)


def _require_sense(project: Project, chosen: ResolvedRef, plan: _RetirementPlan) -> None:
    """Raise MlverError for the restoration of a version that is not retired."""
    if plan.action == "retire":
        return
    if find_retirement(project.registry, chosen.model, chosen.version) is None:
        raise MlverError(
            f"{chosen.model} {chosen.version} is not retired, so there is nothing to take back",
            hint=shell_command("mlver", "show", f"{chosen.model}@{chosen.version}"),
        )


def _say_same(last: RetirementRecord, record: RetirementRecord) -> bool:
    """Whether two records say the same of one version, whoever said it when."""
    for name in ("action", "message", "in_favour_of", "record"):
        if getattr(last, name) != getattr(record, name):
            return False
    return True


def _find_last(project: Project, chosen: ResolvedRef) -> RetirementRecord | None:
    return RETIREMENTS.read_last(project.registry, chosen.model, chosen.version)


def _build_retirement(
    project: Project, chosen: ResolvedRef, plan: _RetirementPlan
) -> RetirementRecord:
    version, digest = project.registry.read_version(chosen.model, chosen.version)
    folder = layout.attached_folder("retirement", chosen.model, chosen.version)
    require_as_committed(project.repository, project.registry, folder)
    sequence, prior = find_last_link(project.registry, folder)
    created = project.record_time
    require_possible_date(project, "retirement", created)
    require_later_date("retirement", created, version)
    return RetirementRecord(
        model=chosen.model,
        version=str(chosen.version),
        sequence=sequence + 1,
        action=plan.action,
        created=created,
        author=project.repository.author(),
        message=plan.message.strip(),
        in_favour_of=_find_successor(project, chosen, plan.in_favour_of),
        record=digest,
        prior=prior,
    )


def _find_successor(
    project: Project, retired: ResolvedRef, text: str | None
) -> VersionReference | None:
    """Find the version to use instead; raise MlverError for one that nobody could use."""
    if text is None:
        return None
    # It is a version of the same model, so its name may be left out.
    if text.startswith("@"):
        text = f"{retired.model}{text}"
    elif file_names.parse_version_name(text) is not None:
        text = f"{retired.model}@{text}"
    chosen = project.resolve_ref(text)
    list_command = shell_command("mlver", "list", retired.model)
    if chosen.model != retired.model:
        message = f"--in-favour-of takes a version of {retired.model}, not one of {chosen.model}"
        raise UsageError(message, hint=list_command)
    if chosen == retired:
        message = f"{chosen.model} {chosen.version} cannot be retired in favour of itself"
        raise UsageError(message, hint=list_command)
    if find_retirement(project.registry, chosen.model, chosen.version) is not None:
        message = f"{chosen.model} {chosen.version} is retired itself, so nobody should use it"
        raise MlverError(message, hint=list_command)
    _, digest = project.registry.read_version(chosen.model, chosen.version)
    return VersionReference(str(chosen.version), digest)


def _build_hint(project: Project, record: RetirementRecord, stage: str) -> str:
    """Build the command that gives a stage to another version, or else empties it.

    The one to use instead comes first. The one before held the stage already, and nothing else goes
    back to it once the stage is empty.
    """
    words = ["retire", record.model, "--stage", stage]
    target = _find_target(project, record, stage)
    if record.successor not in (None, target):
        words = ["promote", f"{record.model}@{record.successor}", "--to", stage]
    elif target is not None:
        words = ["rollback", record.model, "--stage", stage]
    return shell_command("mlver", *words, "-m", "WHY")


def _find_target(project: Project, record: RetirementRecord, stage: str) -> str | None:
    """Find the version to which a rollback of the stage goes."""
    history: list[PromotionRecord] = []
    registry = project.registry
    for sequence in registry.list_sequences(layout.stage_folder(record.model, stage)):
        try:
            promotion, _ = registry.read_promotion(record.model, stage, sequence)
        except MlverError:
            # A rollback asks then where to go.
            return None
        history.append(promotion)
    others = [version for version in list_targets(history) if version != record.version]
    return find_usable(registry, record.model, others)


def _note_shares(project: Project, record: RetirementRecord) -> None:
    """Say which stages a retired version has a share of all the same, and how to end that."""
    if record.action == "restore":
        return
    shares: list[OpenShare] = []
    # A record that cannot be read is named by its own check, and keeps nobody from retiring.
    with suppress(MlverError):
        shares = list_open_shares(project.registry, record.model)
    for share in shares:
        if share.version == record.version:
            ref = f"{record.model}@{record.version}"
            words = ("mlver", "rollout", ref, "--to", share.stage, "--withdraw", "-m", "WHY")
            project.reporter.show_note(
                f"it has a share of {share.stage} still ({share.share:g} %):"
                f" {shell_command(*words)}"
            )


def _list_held(project: Project, record: RetirementRecord) -> tuple[str, ...]:
    """List the stages that a retired version holds all the same."""
    if record.action == "restore":
        return ()
    held: list[str] = []
    for stage, version in project.registry.find_holders(record.model).items():
        if version == record.version:
            held.append(stage)
    return tuple(held)
