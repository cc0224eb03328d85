"""`mlver promote`: run a stage's gates and, when all are open, move the stage to a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver.errors import UsageError, shell_command
from mlver.policy.gates.table import is_open
from mlver.policy.staging import stage_holder
from mlver.project.edit.protected import refuse_protected
from mlver.project.history.stage_history import read_rule, require_whole_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.stages import moves
from mlver.project.tags import promotion_seals
from mlver.project.transaction import open_edit
from mlver.records.promotion import GateResult

PromoteOutcome = Literal["promoted", "already", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteResult:
    """`outcome`: the stage was `promoted`, the version held it `already`, or a gate `refused`.

    On a dry run that is what would have come of it. `sequence`, `commit` and `seal` (the tag) are
    None where nothing was written.
    """

    model: str
    version: str
    stage: str
    previous: str | None
    outcome: PromoteOutcome
    gates: tuple[GateResult, ...]
    forced: bool
    sequence: int | None
    commit: str | None
    seal: str | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        if self.outcome == "refused":
            return 1
        return 0


def promote_version(
    project: Project, ref: str, *, to: str, message: str, force: bool = False, dry_run: bool = False
) -> PromoteResult:
    """Move stage `to` to the version that `ref` names.

    A shut gate leaves everything as it was, unless `force`.
    """
    if not message.strip():
        raise UsageError(
            "a promotion needs a reason",
            hint=shell_command("mlver", "promote", ref, "--to", to, "-m", "WHY"),
        )
    settings = read_rule(project, to)
    refuse_protected(project)
    with open_edit(project, f"promote {ref} to {to}", dry_run=dry_run) as edit:
        # Under the lock, so that what the gates judge is what the record is written on.
        chosen = project.resolve_ref(ref)
        history = require_whole_history(project, chosen.model, to)
        previous = stage_holder([record for record, _ in history])
        judged = _JudgedMove(chosen, to, previous, dry_run)
        # Before the gates: one that reads every byte would read them for nothing.
        if previous == str(chosen.version):
            return judged.build_result("already")
        sequence = moves.next_sequence(history)
        promotion_seals.require_free_name(project, chosen.model, to, sequence)
        gates = moves.judge_gates(project, chosen, settings)
        forced = not is_open(gates)
        if forced and not force:
            return judged.build_result("refused", gates)
        if edit is None:
            return judged.build_result("promoted", gates, forced=forced)
        move = moves.StageMove(chosen, to, "promote", message, gates, forced)
        moved = moves.move_stage(project, edit, move, history)
    return judged.build_result("promoted", gates, forced=forced, moved=moved)


@dataclass(frozen=True, slots=True)
class _JudgedMove:
    chosen: ResolvedRef
    stage: str
    previous: str | None
    dry_run: bool

    def build_result(
        self,
        outcome: PromoteOutcome,
        gates: tuple[GateResult, ...] = (),
        *,
        forced: bool = False,
        moved: moves.MovedStage | None = None,
    ) -> PromoteResult:
        sequence = commit = seal = None
        if moved is not None:
            sequence, commit, seal = moved.record.sequence, moved.commit, moved.seal
        return PromoteResult(
            model=self.chosen.model,
            version=str(self.chosen.version),
            stage=self.stage,
            previous=self.previous,
            outcome=outcome,
            gates=gates,
            forced=forced,
            sequence=sequence,
            commit=commit,
            seal=seal,
            dry_run=self.dry_run,
        )
