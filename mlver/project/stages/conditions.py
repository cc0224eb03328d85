"""When a rollback changes nothing: another version holds the stage, or the evidence is not new.

Whoever is told of something bad acts once: alerts are sent again and again, and may come late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlver import names
from mlver.digest import Digest
from mlver.policy.alerts import AlertKey, add_alerts, list_answered
from mlver.project.project import Project
from mlver.project.stages.evidence import GivenEvidence, read_evidence
from mlver.project.stages.shares import StageShares
from mlver.records.promotion import PromotionRecord
from mlver.records.rollout import RolloutRecord
from mlver.version import parse_version


@dataclass(frozen=True, slots=True)
class RollbackCondition:
    """What has to be so for a rollback to change anything.

    `if_holds` is the version that has to hold the stage, or to have a share of it; None for any.
    `evidence` is what the rollback is made on, None where nobody gave any; it is acted on once.
    """

    if_holds: str | None = None
    evidence: GivenEvidence | None = None

    @property
    def because(self) -> Digest | None:
        return None if self.evidence is None else self.evidence.digest

    def complete_message(self, message: str) -> str:
        """Add the alerts of the evidence to a message: so each is known when it comes again."""
        if self.evidence is None or self.evidence.alerts is None:
            return message
        return add_alerts(message, self.evidence.alerts.firing)


NO_CONDITION = RollbackCondition()


def read_condition(
    project: Project, if_holds: str | None, because: str | None
) -> RollbackCondition:
    """Read the condition of a command line; raise MlverError where it cannot be read."""
    expected = None
    if if_holds is not None:
        expected = str(parse_version(names.check_text(if_holds, "--if-holds")))
    evidence = None if because is None else read_evidence(project, because)
    return RollbackCondition(expected, evidence)


def find_reason_against(condition: RollbackCondition, shares: StageShares) -> str | None:
    """Say why nothing is to change, as a sentence; None where the condition is met.

    The candidate of an open rollout counts as a version that is there.
    """
    promotions = [record for record, _ in shares.history]
    rollouts = [record for record, _ in shares.rollouts]
    reason = _find_settled(condition, [*promotions, *rollouts])
    expected, current = condition.if_holds, shares.current
    if reason is not None or expected is None:
        return reason
    if current is not None and current.version == expected:
        return None
    if shares.holder is None:
        return f"no version of {shares.model} holds {shares.stage}, nor does {expected}"
    if shares.holder.version != expected:
        return f"{shares.model} {shares.holder.version} holds {shares.stage}, not {expected}"
    return None


def _find_settled(
    condition: RollbackCondition, records: Iterable[PromotionRecord | RolloutRecord]
) -> str | None:
    """Say why the evidence asks for nothing; None where it does, and where there is none."""
    evidence = condition.evidence
    if evidence is None:
        return None
    alerts = evidence.alerts
    if alerts is not None and alerts.is_resolved:
        return "the alert is resolved, which is no reason to move a stage"
    answered: set[AlertKey] = set()
    for record in records:
        # Only what went back acted on it: the message of a promotion may hold anything.
        if record.action not in ("rollback", "withdraw"):
            continue
        place = f"{record.stage}/{record.sequence:04d}"
        if isinstance(record, RolloutRecord):
            place = f"the rollout {place}"
        if record.because == evidence.digest:
            return f"this evidence was acted on already: see {place}"
        # Alerts that were acted on one after the other may come again together.
        answered.update(list_answered(record.message))
        if alerts is not None and alerts.is_answered_by(answered):
            return f"this alert was acted on already: see {place}"
    return None
