"""`mlver retire MODEL --stage STAGE`: empty a stage, by a promotion that is sealed like others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver import names, selectors
from mlver.errors import UsageError, shell_command
from mlver.policy.staging import stage_holder
from mlver.project.edit.protected import refuse_protected
from mlver.project.history.stage_history import StageHistory, read_rule, require_whole_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.stages import moves
from mlver.project.stages.dates import choose_date
from mlver.project.stages.moves import StageMove
from mlver.project.tags import promotion_seals, seals
from mlver.project.transaction import open_edit
from mlver.version import parse_version

EmptyOutcome = Literal["emptied", "already"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyResult:
    """`outcome`: the stage was `emptied`, or nothing held it `already`.

    `version` is the one that left it. On a dry run that is what would have come of it. `sequence`,
    `commit` and `seal` (the tag) are None where nothing was written.
    """

    model: str
    stage: str
    version: str | None
    outcome: EmptyOutcome
    sequence: int | None = None
    commit: str | None = None
    seal: str | None = None
    dry_run: bool


def empty_stage(
    project: Project, model: str | None, *, stage: str, message: str, dry_run: bool = False
) -> EmptyResult:
    """Empty a stage of a model: one promotion record, one commit, one seal."""
    named = selectors.ModelRef(None, None) if model is None else selectors.parse_ref(model)
    words = ["mlver", "retire", *filter(None, [named.model]), "--stage", stage]
    if named.selector is not None:
        message = f"--stage empties a stage of a model, whatever holds it, and {model} is a version"
        raise UsageError(message, hint=shell_command(*words, "-m", names.PLACEHOLDER))
    names.check_reason(message, "an emptied stage", words, is_kept=not dry_run)
    read_rule(project, stage)
    refuse_protected(project)
    editing = open_edit(project, f"retire {model or stage}", dry_run=dry_run)
    with naming_commits(project.repository), editing as edit:
        resolved_model = project.resolve_model(named.model)
        history = require_whole_history(project, resolved_model, stage)
        holder = stage_holder([record for record, _ in history])
        if holder is None:
            return EmptyResult(
                model=resolved_model, stage=stage, version=None, outcome="already", dry_run=dry_run
            )
        chosen = ResolvedRef(resolved_model, parse_version(holder))
        move = _plan_move(project, chosen, stage, message, history)
        moved = None if edit is None else moves.move_stage(project, edit, move, history)
    return EmptyResult(
        model=resolved_model,
        stage=stage,
        version=holder,
        outcome="emptied",
        sequence=None if moved is None else moved.record.sequence,
        commit=None if moved is None else moved.commit,
        seal=None if moved is None else moved.seal,
        dry_run=dry_run,
    )


def _plan_move(
    project: Project, chosen: ResolvedRef, stage: str, message: str, history: StageHistory
) -> StageMove:
    sequence = moves.next_sequence(history)
    promotion_seals.require_free_name(project, chosen.model, stage, sequence)
    seals.require_signing(project)
    version, _ = project.registry.read_version(chosen.model, chosen.version)
    created = choose_date(project, "retire", history, version)
    # It asks no gate: nothing is let in.
    return StageMove(chosen, stage, "retire", message, created, ())
