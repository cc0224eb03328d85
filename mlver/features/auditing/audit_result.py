"""What `mlver audit` answers: every move of a stage, and what can and cannot be proven of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.findings import Finding
from mlver.policy.chain import SealState
from mlver.policy.time_windows import TimeWindow
from mlver.records.promotion import Action, ApprovalReference, GateResult
from mlver.records.references import PolicyReference, VersionReference


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    """The change of a stage's rule that was the newest when a move landed.

    `seconds` is how long before, by the dates of the two commits. `same_person`: who changed the
    rule made the move.
    """

    commit: str
    author: str
    committed: str
    seconds: int
    same_person: bool
    loosened: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedMove:
    """A promotion, a rollback or a retirement of a stage: what its record says, and what is shown.

    `since` and `until` are when it decided what the stage held, by the records and in the order of
    their chain; `until` is None for the last. `commit` landed it, `landed` is that commit's date;
    both are None where no commit has it. `seal` is None where tags were not looked at.
    `unconfirmed`: neither that commit nor the seal confirms the author. `damage` is what is wrong
    with it, `doubts` what nothing confirms; `remarks` are neither.
    """

    model: str
    stage: str
    sequence: int
    action: Action
    version: str
    previous: str | None
    created: str
    since: str
    until: str | None
    author: str
    message: str
    forced: bool
    seal: SealState | None
    unconfirmed: bool
    commit: str | None
    committer: str | None
    landed: str | None
    policy: PolicyReference | None
    rule: RuleInForce | None
    baseline: VersionReference | None
    gates: tuple[GateResult, ...]
    approvals: tuple[ApprovalReference, ...]
    adopted: str | None
    record: str
    record_path: str
    damage: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def holder(self) -> str | None:
        """The version that held the stage from then on; None where it was emptied."""
        return None if self.action == "retire" else self.version


RuleWord = Literal["made", "removed", "looser", "stricter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRule:
    """A commit that changed what judges a stage; `loosened` says what it asks less since.

    `change` is `made` for the stage's first rule, `removed` where it has none since, `looser`
    where any of it is, else `stricter`.
    """

    stage: str
    change: RuleWord
    loosened: tuple[str, ...]
    author: str
    committer: str
    created: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedStage:
    """A stage that was asked for: its `moves`, oldest first, out of `total`.

    `holder` is the version that holds it now, None where it is empty.
    """

    model: str
    stage: str
    holder: str | None
    total: int
    moves: tuple[AuditedMove, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The digest of the history of `models` (None: of all of them).

    It stands for `changes` changes of records and rules. `digest` is None where this clone cannot
    tell, for the reason `lacking`.
    """

    digest: str | None
    models: tuple[str, ...] | None
    changes: int
    lacking: str | None


Comparison = Literal["same", "continued", "rewritten", "unknown", "untold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadCheck:
    """What came of comparing an older head with the history here.

    `same`: nothing happened since. `continued`: the history of today begins with that of then, and
    `commit` was the last of it. `rewritten`: this clone has `commit`, which has that head, and it
    is no part of today's history; `differences` say what is not as it was then. `unknown`: nothing
    here has that head. `untold`: this clone lacks too much to tell.
    """

    against: str
    outcome: Comparison
    commit: str | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """What history and records show of the stages that were asked for.

    `at` and `since` are what was asked. With `at`, the moves are those that decided what a stage
    held then. `rules` are the changes of their rules, oldest first. `damage` is everything that is
    wrong, `unconfirmed` everything that nothing confirms: that of the moves and the rest.
    `unbound` are approvals that no longer count, `withdrawn` versions in a stage whose data may not
    be used any more. `missing` says what this clone lacks.
    """

    at: TimeWindow | None
    since: str | None
    strict: bool
    stages: tuple[AuditedStage, ...]
    rules: tuple[AuditedRule, ...]
    damage: tuple[Finding, ...]
    unconfirmed: tuple[Finding, ...]
    unbound: tuple[Finding, ...]
    withdrawn: tuple[Finding, ...]
    missing: tuple[Finding, ...]
    head: AuditHead
    against: HeadCheck | None

    @property
    def exit_code(self) -> int:
        if self.damage:
            return 1
        if self.strict and (self.unconfirmed or self.unbound or self.withdrawn):
            return 1
        return 0

    @property
    def moves(self) -> Iterator[AuditedMove]:
        for stage in self.stages:
            yield from stage.moves
