"""Each move of a stage as an audit tells it: its record, the commit that landed it, its rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.features.auditing.audit_result import AuditedMove, RuleInForce
from mlver.features.auditing.spans import tell_span
from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.policy.chain import SealState
from mlver.policy.holdings import StageHolding
from mlver.policy.people import is_same_person
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds, format_seconds
from mlver.project.audit.record_authors import report
from mlver.project.audit.record_history import RecordHistory
from mlver.project.audit.rule_changes import RuleChange
from mlver.records.promotion import PromotionRecord

# A rule that one person loosened and used within this time was loosened for that use, perhaps.
_AT_ONCE_S = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFacts:
    """What is known of the moves beside their records.

    `history` is None where nothing was committed yet. `changes` are those of all rules, newest
    first. `damage` and `doubts` are by the path of a promotion's record.
    """

    history: RecordHistory | None
    changes: Sequence[RuleChange]
    damage: Mapping[str, Sequence[Finding]]
    doubts: Mapping[str, Sequence[Finding]]

    def build_move(
        self, holding: StageHolding, digest: Digest, seal: SealState | None
    ) -> AuditedMove:
        record = holding.record
        landing = self.find_landing(record)
        rule = self._find_rule(record, landing)
        doubts = [*self.doubts.get(record.record_path, ())]
        doubts += self._list_doubts(record, landing, rule)
        return AuditedMove(
            model=record.model,
            stage=record.stage,
            sequence=record.sequence,
            action=record.action,
            version=record.version,
            previous=record.previous,
            created=record.created,
            since=holding.since,
            until=holding.until,
            author=record.author,
            message=record.message,
            forced=record.forced,
            seal=seal,
            unconfirmed=any(doubt.kind == "unconfirmed" for doubt in doubts),
            commit=None if landing is None else landing.commit,
            committer=None if landing is None else landing.committer,
            landed=None if landing is None else format_seconds(landing.committed or 0),
            policy=record.policy,
            rule=rule,
            baseline=record.baseline,
            gates=record.gates,
            approvals=record.approvals,
            adopted=None if record.adopted is None else record.adopted.tag,
            record=str(digest),
            record_path=record.record_path,
            damage=tuple(self.damage.get(record.record_path, ())),
            doubts=tuple(doubts),
            remarks=() if landing is None else tuple(_list_remarks(record, landing)),
        )

    def find_landing(self, record: PromotionRecord) -> CommitEntry | None:
        """Find the oldest commit that added a record as it is now."""
        if self.history is None:
            return None
        landings = self.history.additions.get(record.record_path, ())
        return landings[-1] if landings else None

    def _find_rule(
        self, record: PromotionRecord, landing: CommitEntry | None
    ) -> RuleInForce | None:
        """Find the newest change of its stage's rule that had landed when a record did."""
        if self.history is None or landing is None:
            return None
        for change in self.changes:
            if change.stage != record.stage:
                continue
            if not self.history.is_before(self.history.entries[change.commit], landing):
                continue
            return RuleInForce(
                commit=change.commit,
                author=change.author,
                committed=format_seconds(change.committed),
                seconds=(landing.committed or 0) - change.committed,
                same_person=is_same_person(change.author, record.author),
                loosened=change.loosened,
            )
        return None

    def _list_doubts(
        self, record: PromotionRecord, landing: CommitEntry | None, rule: RuleInForce | None
    ) -> Iterator[Finding]:
        if landing is None:
            if self.history is None or not self.history.incomplete:
                yield report(record, "record", "is in no commit yet")
            return
        early = _find_early_commit(landing, self.history)
        if early is not None:
            yield report(record, "date", early)
        if record.action != "promote" or rule is None:  # no rule judges the way back
            return
        if not rule.loosened or not rule.same_person:
            return
        if 0 <= rule.seconds <= _AT_ONCE_S:
            message = (
                f"was made under a rule that its own author had loosened in {rule.commit[:10]}"
                f" shortly before: {'; '.join(rule.loosened)}"
            )
            yield report(record, "policy", message)


def _find_early_commit(landing: CommitEntry, history: RecordHistory | None) -> str | None:
    """Say in words that a commit is dated before one that it follows."""
    if history is None or landing.committed is None:
        return None
    for parent in landing.parents:
        before = history.entries.get(parent)
        if before is None or before.committed is None:
            continue
        if before.committed - landing.committed > CLOCK_TOLERANCE_S:
            own = format_seconds(landing.committed)
            other = format_seconds(before.committed)
            return (
                f"landed in {landing.commit[:10]}, which is dated {own}, before the commit that it"
                f" follows, {before.commit[:10]} ({other})"
            )
    return None


def _list_remarks(record: PromotionRecord, landing: CommitEntry) -> Iterator[str]:
    if landing.committed is None:
        return
    waited = landing.committed - count_seconds(record.created)
    if waited > CLOCK_TOLERANCE_S:
        yield f"landed {tell_span(waited)} after its date"


def build_moves(
    facts: MoveFacts,
    holdings: Iterable[StageHolding],
    digests: Mapping[str, Digest],
    states: Mapping[int, SealState],
) -> tuple[AuditedMove, ...]:
    """Build the moves of a stage; `digests` are by the path of a record, `states` by its number."""
    moves: list[AuditedMove] = []
    for holding in holdings:
        record = holding.record
        seal = states.get(record.sequence)
        moves.append(facts.build_move(holding, digests[record.record_path], seal))
    return tuple(moves)
