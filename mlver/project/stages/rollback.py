"""`mlver rollback`: give a stage back to the version that held it before, once that version is proven whole."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from mlver.errors import MlverError, UsageError, shell_command
from mlver.policy.staging import rollback_target, stage_holder
from mlver.project.artifacts import damage, working_files
from mlver.project.artifacts.working_files import CheckoutOutcome
from mlver.project.history.stage_history import StageHistory, read_history, read_rule
from mlver.project.project import Project, ResolvedRef
from mlver.project.stages import moves
from mlver.project.tags import seals
from mlver.project.transaction import editing
from mlver.records.promotion import GateResult
from mlver.version import parse_version


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    """`verified` is how many bytes of the target were read and proven; `checkout` what became of the working files.

    `unkept` are its data sets that mlver keeps no copy of, and cannot prove.

    `sequence` and `commit` are None on a dry run.
    """

    model: str
    stage: str
    version: str
    previous: str | None
    verified: int
    unkept: tuple[str, ...]
    checkout: CheckoutOutcome | None
    sequence: int | None = None
    commit: str | None = None
    dry_run: bool = True


def roll_back_stage(
    project: Project,
    model: str | None,
    *,
    stage: str,
    message: str,
    to: str | None = None,
    checkout: bool = False,
    dry_run: bool = False,
) -> RollbackResult:
    """Move `stage` back; raise MlverError, with the stage where it was, when any byte of the target is not right."""
    if not message.strip():
        raise UsageError(
            "a rollback needs a reason",
            hint=shell_command(
                "mlver", "rollback", *filter(None, [model]), "--stage", stage, "-m", "WHY"
            ),
        )
    read_rule(project, stage)
    with nullcontext() if dry_run else editing(project, f"rollback {model or stage}") as edit:
        name = project.resolve_model(model)
        if edit is not None:
            edit.what = f"rollback {name} {stage}"
        history, broken = read_history(project, name, stage)
        if broken:
            # going back must not wait for a repair; the record made now says what it was built on
            project.reporter.show_note(
                f"the history of {stage} is damaged ({broken[0].message}): mlver verify --all"
            )
        previous = stage_holder([record for record, _ in history])
        chosen = _find_target(project, name, stage, history, to, previous)
        record, digest = seals.read_vouched_record(project, f"{name}@{chosen.version}")
        seals.require_trusted(project, record, digest, vouched={past.record for past, _ in history})
        verified = damage.require_whole(project, record, repairing=not dry_run)
        before = working_files.measure_working_files(project, record) if checkout and edit else {}
        # files first and the record last, so that the command can be run again until it is through
        done = (
            working_files.check_out_version(project, record, save=True, dry_run=dry_run)
            if checkout
            else None
        )
        result = RollbackResult(
            model=chosen.model,
            stage=stage,
            version=str(chosen.version),
            previous=previous,
            verified=verified,
            unkept=record.unkept_data_sets,
            checkout=done,
        )
        if edit is None:
            return result
        moving = moves.StageMove(
            chosen,
            stage,
            "rollback",
            message,
            (_build_proven_gate(verified, record.unkept_data_sets),),
        )
        try:
            promotion, commit = moves.move_stage(project, edit, moving, history)
        except BaseException:
            if done is not None and not _has_moved(project, chosen, stage):
                working_files.put_files_back(project, record, before)
            raise
    return replace(result, sequence=promotion.sequence, commit=commit, dry_run=False)


def _find_target(
    project: Project,
    model: str,
    stage: str,
    history: StageHistory,
    to: str | None,
    previous: str | None,
) -> ResolvedRef:
    if previous is None:
        raise MlverError(
            f"no version of {model} holds {stage}, so there is nothing to roll back from",
            hint=shell_command("mlver", "log", model),
        )
    target = (
        str(project.select_version(model, to))
        if to
        else rollback_target([record for record, _ in history])
    )
    if target is None:
        others = [record.version for record, _ in history if record.version != previous]
        said = f"held nothing before {model} {previous} that was not rolled back or retired"
        raise MlverError(
            f"{stage} {said if others else f'has held only {model} {previous}'}, so there is nothing to go back to",
            hint=shell_command(
                "mlver",
                "rollback",
                model,
                "--stage",
                stage,
                "--to",
                *others[-1:] or ["VERSION"],
                "-m",
                "WHY",
            ),
        )
    if target == previous:
        raise MlverError(
            f"{model} {target} holds {stage} already", hint=shell_command("mlver", "log", model)
        )
    return ResolvedRef(model, parse_version(target))


def _build_proven_gate(verified: int, unkept: Sequence[str]) -> GateResult:
    return GateResult(
        gate="verified bytes",
        result="pass",
        expected="every byte is present and right",
        actual=f"{verified} bytes checked"
        + (f"; no copy is kept of {', '.join(unkept)}" if unkept else ""),
    )


def _has_moved(project: Project, chosen: ResolvedRef, stage: str) -> bool:
    """Whether the stage has moved after all: then its files stay."""
    found = project.registry.find_holder(chosen.model, stage)
    return found is not None and found.version == str(chosen.version)
