"""`mlver rollback`: give a stage back to the version that held it before, once that version is proven whole."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError, command
from mlver.policy.staging import holder, rollback_target
from mlver.project import materialise, proof, seals, stages
from mlver.project.materialise import Materialised
from mlver.project.project import Chosen, Project
from mlver.project.transaction import editing
from mlver.records.promotion import GateResult
from mlver.version import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    """`verified` is how many bytes of the target were read and proven; `checkout` what became of the working files.

    `sequence` and `commit` are None on a dry run.
    """

    model: str
    stage: str
    version: str
    previous: str | None
    verified: int
    checkout: Materialised | None
    sequence: int | None
    commit: str | None
    dry_run: bool


def rollback(
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
            hint=command("mlver", "rollback", *filter(None, [model]), "--stage", stage, "-m", "WHY"),
        )
    project = project.afresh
    stages.rule(project, stage)
    with nullcontext() if dry_run else editing(project, f"rollback {model or stage}") as edit:
        name = project.model(model)
        if edit is not None:
            edit.what = f"rollback {name} {stage}"
        history, broken = stages.history_of(project, name, stage)
        if broken:
            # going back must not wait for a repair; the record made now says what it was built on
            project.reporter.note(f"the history of {stage} is damaged ({broken[0].message}): mlver verify --all")
        previous = holder([record for record, _ in history])
        chosen = _target(project, name, stage, history, to, previous)
        record, digest = seals.vouched(project, f"{name}@{chosen.version}")
        seals.require_trusted(project, record, digest, vouched={past.record for past, _ in history})
        verified = proof.prove(project, record, repairing=not dry_run)
        before = materialise.before(project, record) if checkout and edit else {}
        # files first and the record last, so that the command can be run again until it is through
        done = materialise.checkout(project, record, save=True, dry_run=dry_run) if checkout else None
        if edit is None:
            return _result(chosen, stage, previous, verified, done)
        moving = stages.Move(chosen, stage, "rollback", message, (_proven(verified),))
        try:
            promotion, commit = stages.move(project, edit, moving, history)
        except BaseException:
            if done is not None and not _holds(project, chosen, stage):
                materialise.put_back(project, record, before)
            raise
    return _result(chosen, stage, previous, verified, done, promotion.sequence, commit)


def _target(
    project: Project, model: str, stage: str, history: stages.History, to: str | None, previous: str | None
) -> Chosen:
    if previous is None:
        raise MlverError(
            f"no version of {model} holds {stage}, so there is nothing to roll back from",
            hint=command("mlver", "log", model),
        )
    target = str(project.select(model, to)) if to else rollback_target([record for record, _ in history])
    if target is None:
        others = [record.version for record, _ in history if record.version != previous]
        said = f"held nothing before {model} {previous} that was not rolled back or retired"
        raise MlverError(
            f"{stage} {said if others else f'has held only {model} {previous}'}, so there is nothing to go back to",
            hint=command(
                "mlver", "rollback", model, "--stage", stage, "--to", *others[-1:] or ["VERSION"], "-m", "WHY"
            ),
        )
    if target == previous:
        raise MlverError(f"{model} {target} holds {stage} already", hint=command("mlver", "log", model))
    return Chosen(model, parse(target))


def _proven(verified: int) -> GateResult:
    return GateResult(
        gate="verified bytes",
        result="pass",
        expected="every byte is present and right",
        actual=f"{verified} bytes checked",
    )


def _holds(project: Project, chosen: Chosen, stage: str) -> bool:
    """Whether the stage has moved after all: then its files stay."""
    found = project.registry.holder(chosen.model, stage)
    return found is not None and found.version == str(chosen.version)


def _result(
    chosen: Chosen,
    stage: str,
    previous: str | None,
    verified: int,
    done: Materialised | None,
    sequence: int | None = None,
    commit: str | None = None,
) -> RollbackResult:
    return RollbackResult(
        model=chosen.model,
        stage=stage,
        version=str(chosen.version),
        previous=previous,
        verified=verified,
        checkout=done,
        sequence=sequence,
        commit=commit,
        dry_run=commit is None,
    )
