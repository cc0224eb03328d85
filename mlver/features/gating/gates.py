"""`mlver gates`: what the gates of a stage say of a version, without moving anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlver.policy.gate_notes import list_notes
from mlver.policy.gates.table import is_open
from mlver.project.history.policies import read_judging_rules
from mlver.project.history.stage_history import require_whole_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import find_retirement
from mlver.project.stages.candidate import describe_candidate
from mlver.project.stages.moves import judge_candidate
from mlver.records.promotion import GateResult


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesResult:
    """`open`: a promotion would need no force. `baseline` is the version that it is compared with.

    That is the stage's holder, or the last one of a stage that was emptied; None where there never
    was one. `source` is whose rule judges beside the work tree's, None where there is no such
    branch yet, and `rules_differ` says that the two are not the same.
    """

    model: str
    version: str
    stage: str
    baseline: str | None
    open: bool
    gates: tuple[GateResult, ...]
    notes: tuple[str, ...]
    source: str | None
    rules_differ: bool

    @property
    def exit_code(self) -> int:
        return 0 if self.open else 1


def ask_gates(project: Project, ref: str, *, to: str) -> GatesResult:
    """Ask the gates of stage `to` about the version that `ref` names; nothing is written."""
    judging = read_judging_rules(project, to)
    chosen = project.resolve_ref(ref)
    require_whole_history(project, chosen.model, to)
    candidate = describe_candidate(project, chosen, to, judging.policies, signed=judging.signed)
    gates = (*judge_candidate(candidate, judging.policies), _judge_retirement(project, chosen))
    notes: dict[str, None] = {}
    for policy in judging.policies:
        notes.update(dict.fromkeys(list_notes(policy, replace(candidate, policy=policy))))
    holder = None if candidate.stage is None else candidate.stage.holder
    return GatesResult(
        model=chosen.model,
        version=str(chosen.version),
        stage=to,
        baseline=None if holder is None else holder.record.version,
        open=is_open(gates),
        gates=gates,
        notes=tuple(notes),
        source=judging.source,
        rules_differ=judging.differs,
    )


def _judge_retirement(project: Project, chosen: ResolvedRef) -> GateResult:
    """Judge what no rule can switch off: no stage is given to a version that is retired."""
    retirement = find_retirement(project.registry, chosen.model, chosen.version)
    return GateResult(
        gate="not retired",
        result="pass" if retirement is None else "fail",
        expected="the version is in use",
        actual="in use" if retirement is None else f"retired: {retirement.reason}",
    )
