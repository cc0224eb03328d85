"""What a rollback does to the rollout of its stage, and when it does no more than that.

While a rollout is open, the stage itself is as it was: what is taken back is the candidate's share.
"""

from __future__ import annotations

from dataclasses import replace

from mlver.errors import MlverError, UsageError, shell_command, summarise_error
from mlver.project.edit.edit import PlannedEdit
from mlver.project.history.stage_history import StageHistory, find_baseline
from mlver.project.project import Project
from mlver.project.stages.conditions import find_reason_against
from mlver.project.stages.rollback_request import RollbackRequest, RollbackResult
from mlver.project.stages.shares import StageShares, build_withdrawal, read_shares, write_rollout
from mlver.records.references import write_digest
from mlver.records.rollout import RolloutRecord


def read_known_shares(
    project: Project, model: str, request: RollbackRequest, history: StageHistory
) -> StageShares:
    """Read the rollouts of a stage whose promotions are known.

    A rollback must not wait for a repair: it passes over rollouts that cannot be read, and says so.
    Raise MlverError where it may be about one of them.
    """
    try:
        return read_shares(project, model, request.stage, history)
    except MlverError as error:
        holder = find_baseline(history)
        expected = request.condition.if_holds
        if expected is not None and (holder is None or holder.version != expected):
            raise
        reason = summarise_error(error)
        project.reporter.show_note(f"passed over the rollouts to {request.stage}: {reason}")
        return StageShares(
            model=model, stage=request.stage, history=history, rollouts=(), holder=holder
        )


def find_unchanged(shares: StageShares, request: RollbackRequest) -> RollbackResult | None:
    """Find out whether nothing is to change; None where the condition is met."""
    reason = find_reason_against(request.condition, shares)
    if reason is None:
        return None
    unchanged = _describe_holder(shares, request)
    return replace(unchanged, changed=False, reason=reason)


def find_withdrawn(shares: StageShares, request: RollbackRequest) -> RolloutRecord | None:
    """Find the open rollout that the rollback only ends; None where it moves the stage."""
    current = shares.current
    if current is None:
        return None
    expected = request.condition.if_holds
    if expected is None and request.to is not None:
        return None
    return None if expected not in (None, current.version) else current


def withdraw_candidate(
    project: Project,
    edit: PlannedEdit | None,
    shares: StageShares,
    candidate: RolloutRecord,
    request: RollbackRequest,
) -> RollbackResult:
    """End the open rollout: its candidate has no share any more, and the stage stays."""
    if request.checkout or request.to is not None:
        option = "--checkout" if request.checkout else "--to"
        words = ("mlver", "rollback", shares.model, "--stage", shares.stage)
        raise UsageError(
            f"{shares.model} {candidate.version} has a share of {shares.stage} and does not hold"
            f" it, so this only ends its rollout: {option} goes with a stage that moves",
            hint=shell_command(*words, "-m", request.message),
        )
    result = replace(_describe_holder(shares, request), withdrawn=candidate.version)
    because = request.condition.because
    record = build_withdrawal(project, shares, candidate, request.complete_message, because)
    if edit is None:
        return result
    return replace(result, commit=write_rollout(project, edit, record), dry_run=False)


def complete_result(
    result: RollbackResult, shares: StageShares, request: RollbackRequest
) -> RollbackResult:
    """Say what a rollback that moved the stage was made on, and which rollout it ended."""
    current = shares.current
    return replace(
        result,
        because=write_digest(request.condition.because),
        withdrawn=None if current is None else current.version,
    )


def _describe_holder(shares: StageShares, request: RollbackRequest) -> RollbackResult:
    holder = None if shares.holder is None else shares.holder.version
    return RollbackResult(
        model=shares.model,
        stage=shares.stage,
        version=holder,
        previous=holder,
        because=write_digest(request.condition.because),
        dry_run=request.dry_run,
    )
