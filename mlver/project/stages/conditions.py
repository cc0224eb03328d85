"""When a rollback changes nothing: another version holds the stage, or the evidence is not new.

Whoever is told of something bad acts once: alerts are sent again and again, and may come late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlver import names
from mlver.digest import Digest
from mlver.policy.alerts import add_alerts
from mlver.policy.staging import stage_holder
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project
from mlver.project.stages.evidence import GivenEvidence, read_evidence
from mlver.records.promotion import PromotionRecord
from mlver.version import parse_version


@dataclass(frozen=True, slots=True)
class RollbackCondition:
    """What has to be so for a rollback to change anything.

    `if_holds` is the version that has to hold the stage, None for any. `evidence` is what the
    rollback is made on, None where nobody gave any; it is acted on once.
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


def find_reason_against(
    condition: RollbackCondition, model: str, stage: str, history: StageHistory
) -> str | None:
    """Say why nothing is to change, as a sentence; None where the condition is met."""
    promotions = [record for record, _ in history]
    reason = _find_settled(condition, promotions)
    expected = condition.if_holds
    if reason is not None or expected is None:
        return reason
    holder = stage_holder(promotions)
    if holder is None:
        return f"no version of {model} holds {stage}, nor does {expected}"
    if holder != expected:
        return f"{model} {holder} holds {stage}, not {expected}"
    return None


def _find_settled(
    condition: RollbackCondition, promotions: Iterable[PromotionRecord]
) -> str | None:
    """Say why the evidence asks for nothing; None where it does, and where there is none."""
    evidence = condition.evidence
    if evidence is None:
        return None
    alerts = evidence.alerts
    if alerts is not None and alerts.is_resolved:
        return "the alert is resolved, which is no reason to move a stage"
    for record in promotions:
        place = f"{record.stage}/{record.sequence:04d}"
        if record.because == evidence.digest:
            return f"this evidence was acted on already: see {place}"
        if alerts is not None and alerts.is_answered_by(record.message):
            return f"this alert was acted on already: see {place}"
    return None
