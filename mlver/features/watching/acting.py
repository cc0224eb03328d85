"""Act on evidence that a version in use is bad: roll its stage back, once, and publish that."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.digest import Digest
from mlver.features.watching.own_clone import follow_remote, keep_evidence
from mlver.policy.alerts import AlertGroup
from mlver.project.project import Project
from mlver.project.remote.pulling import PullOptions, pull_versions
from mlver.project.stages.conditions import RollbackCondition
from mlver.project.stages.evidence import GivenEvidence
from mlver.project.stages.rollback import choose_target, roll_back
from mlver.project.stages.rollback_request import RollbackRequest, RollbackResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReason:
    """Why a version is to leave a stage: what was found, and the bytes that say so.

    `alerts` is what is known of them where an Alertmanager sent them.
    """

    model: str
    version: str
    stage: str
    message: str
    evidence: bytes
    alerts: AlertGroup | None = None

    @property
    def digest(self) -> Digest:
        return Digest.of_bytes(self.evidence)


def act_on(clone: Project, reason: RollbackReason, *, dry_run: bool) -> RollbackResult:
    """Roll back while the version is still there, and publish what came of it.

    The evidence is on the disk before the record that names it. Raise MlverError where it cannot be
    done or published now: the same evidence brings it to an end later.
    """
    condition = RollbackCondition(
        if_holds=reason.version, evidence=GivenEvidence(reason.digest, reason.alerts)
    )
    request = RollbackRequest(
        stage=reason.stage, message=reason.message, condition=condition, dry_run=dry_run
    )
    if dry_run:
        return roll_back(clone, reason.model, request)
    keep_evidence(clone, reason.digest.hex, reason.evidence)
    result = roll_back(clone, reason.model, request)
    if result.changed and not _is_published(clone):
        # Somebody was faster: what they decided counts, and may have settled it.
        return act_on(clone, reason, dry_run=False)
    return result


def find_way_back(clone: Project, model: str, stage: str) -> str:
    """Find the version that a rollback would go to; raise MlverError where there is none."""
    return str(choose_target(clone, model, stage, None).chosen.version)


def bring_bytes(clone: Project, model: str, version: str) -> None:
    """Bring the bytes of a version here: a rollback proves them, and is not to wait for them."""
    pull_versions(clone, [f"{model}@{version}"], PullOptions())


def _is_published(clone: Project) -> bool:
    """Publish what landed; False where it was left behind, as somebody else was faster."""
    landed = clone.repository.head().commit
    follow_remote(clone)
    return clone.repository.head().commit == landed
