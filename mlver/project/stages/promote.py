"""`mlver promote`: run a stage's gates and, when all are open, move the stage to a version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver import names
from mlver.policy.approvals import list_counted
from mlver.policy.gates.table import is_open
from mlver.policy.staging import stage_holder
from mlver.project.edit.protected import refuse_protected
from mlver.project.history.policies import JudgingRules, read_judging_rules
from mlver.project.history.stage_history import StageHistory, read_rule, require_whole_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.remote.fetching import fetch_versions
from mlver.project.stages import moves
from mlver.project.stages.candidate import describe_candidate, find_opening, reads_bytes
from mlver.project.stages.dates import choose_date
from mlver.project.stages.moves import StageMove
from mlver.project.tags import promotion_seals, seals
from mlver.project.tags.trust import require_unretired
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
    project: Project,
    ref: str,
    *,
    to: str,
    message: str,
    force: bool = False,
    dry_run: bool = False,
) -> PromoteResult:
    """Move stage `to` to the version that `ref` names.

    A shut gate leaves everything as it was, unless `force`. Where the project is offline, no remote
    is asked, and the gates that need an answer are inconclusive.
    """
    words = ["mlver", "promote", ref, "--to", to]
    names.check_reason(message, "a promotion", words, is_kept=not dry_run)
    read_rule(project, to)
    refuse_protected(project)
    editing = open_edit(project, f"promote {ref} to {to}", dry_run=dry_run)
    with naming_commits(project.repository), editing as edit:
        # Under the lock, so that what the gates judge is what the record is written on.
        chosen = project.resolve_ref(ref)
        history = require_whole_history(project, chosen.model, to)
        previous = stage_holder([record for record, _ in history])
        judged = _JudgedMove(chosen, to, previous, dry_run)
        # Before the gates: one that reads every byte would read them for nothing.
        if previous == str(chosen.version):
            return judged.build_result("already")
        require_unretired(project, chosen, to)
        move = _judge_move(project, chosen, to, message, history, fetches=edit is not None)
        if move.forced and not force:
            return judged.build_result("refused", move.gates)
        if edit is None:
            return judged.build_result("promoted", move.gates, forced=move.forced)
        moved = moves.move_stage(project, edit, move, history)
    return judged.build_result("promoted", move.gates, forced=move.forced, moved=moved)


def _judge_move(
    project: Project,
    chosen: ResolvedRef,
    stage: str,
    message: str,
    history: StageHistory,
    *,
    fetches: bool,
) -> StageMove:
    """Judge a move of a stage; it is `forced` where a gate is shut.

    `fetches`: what a gate reads and is not here is fetched from a remote.
    """
    sequence = moves.next_sequence(history)
    promotion_seals.require_free_name(project, chosen.model, stage, sequence)
    seals.require_signing(project)
    version, _ = project.registry.read_version(chosen.model, chosen.version)
    judging = read_judging_rules(project, stage)
    opening = find_opening(project, chosen, judging.policies)
    created = choose_date(project, "promote", history, version, opening)
    _note_difference(project, judging, stage)
    if fetches and reads_bytes(judging.policies):
        fetch_versions(project, [version])
    candidate = describe_candidate(project, chosen, stage, judging.policies, signed=judging.signed)
    gates = moves.judge_candidate(candidate, judging.policies)
    return StageMove(
        chosen=chosen,
        stage=stage,
        action="promote",
        message=message,
        created=created,
        gates=gates,
        forced=not is_open(gates),
        policy=judging.reference,
        approvals=list_counted(judging.policies, candidate.approvals),
    )


def _note_difference(project: Project, judging: JudgingRules, stage: str) -> None:
    if judging.differs:
        project.reporter.show_note(
            f"the rule of {stage} in the work tree differs from that of {judging.source};"
            " both have to pass"
        )


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
