"""`mlver promote`: run a stage's gates and, when all are open, move the stage to a version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from mlver import names
from mlver.policy.staging import stage_holder
from mlver.project.edit.protected import refuse_protected
from mlver.project.history.policies import JudgingRules, read_judging_rules
from mlver.project.history.stage_history import StageHistory, read_rule, require_whole_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.remote.fetching import FetchedAhead
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.stages import moves
from mlver.project.stages.candidate import find_opening, reads_bytes
from mlver.project.stages.dates import choose_date
from mlver.project.stages.entry import judge_entry
from mlver.project.stages.moves import StageMove
from mlver.project.tags import promotion_seals, seals
from mlver.project.tags.trust import require_unretired
from mlver.project.transaction import open_edit
from mlver.records.promotion import GateResult
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet

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
    what = f"promote {ref} to {to}"
    ahead: FetchedAhead | None = None
    if not dry_run:
        ahead = fetch_ahead(project, what, partial(_find_needed, ref, to))
    editing = open_edit(project, what, dry_run=dry_run)
    with naming_commits(project.repository), editing as edit:
        # Under the lock, so that what the gates judge is what the record is written on.
        planned = _plan_move(project, ref, to)
        judged = _JudgedMove(planned.chosen, to, planned.previous, dry_run)
        if planned.move is None:
            return judged.build_result("already")
        move = _judge_move(project, planned, planned.move, message, ahead)
        if move.forced and not force:
            return judged.build_result("refused", move.gates)
        if edit is None:
            return judged.build_result("promoted", move.gates, forced=move.forced)
        moved = moves.move_stage(project, edit, move, planned.history)
    return judged.build_result("promoted", move.gates, forced=move.forced, moved=moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlannedMove:
    """A move of a stage to a version; `move` is None where the version has the stage already."""

    chosen: ResolvedRef
    stage: str
    previous: str | None
    history: StageHistory
    move: _MoveFacts | None


@dataclass(frozen=True, slots=True)
class _MoveFacts:
    version: VersionRecord
    judging: JudgingRules
    created: str


def _plan_move(project: Project, ref: str, stage: str) -> _PlannedMove:
    """Find out what a promotion would change; raise MlverError where that cannot be."""
    chosen = project.resolve_ref(ref)
    history = require_whole_history(project, chosen.model, stage)
    previous = stage_holder([record for record, _ in history])
    facts = None
    # Before the gates: one that reads every byte would read them for nothing.
    if previous != str(chosen.version):
        require_unretired(project, chosen, stage)
        promotion_seals.require_free_name(
            project, chosen.model, stage, moves.next_sequence(history)
        )
        seals.require_signing(project)
        version, _ = project.registry.read_version(chosen.model, chosen.version)
        judging = read_judging_rules(project, stage)
        opening = find_opening(project, chosen, judging.policies)
        created = choose_date(project, "promote", history, version, opening)
        facts = _MoveFacts(version, judging, created)
    return _PlannedMove(chosen=chosen, stage=stage, previous=previous, history=history, move=facts)


def _find_needed(ref: str, stage: str, project: Project) -> DigestSet:
    """What the gates read of the version."""
    facts = _plan_move(project, ref, stage).move
    if facts is None or not reads_bytes(facts.judging.policies):
        return DigestSet.from_raw(())
    return list_needed(project, [facts.version])


def _judge_move(
    project: Project,
    planned: _PlannedMove,
    facts: _MoveFacts,
    message: str,
    ahead: FetchedAhead | None,
) -> StageMove:
    """Judge a move of a stage; it is `forced` where a gate is shut."""
    judged = judge_entry(project, planned.stage, facts.version, facts.judging, ahead)
    return StageMove(
        chosen=planned.chosen,
        stage=planned.stage,
        action="promote",
        message=message,
        created=facts.created,
        gates=judged.gates,
        forced=not judged.is_open,
        policy=facts.judging.reference,
        approvals=judged.approvals,
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
