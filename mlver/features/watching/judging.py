"""Judge what a stage serves, as `mlver judge` does, and say what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.features.watching.acting import RollbackReason
from mlver.features.watching.rules import WatchRequest
from mlver.project.judging.arms import ArmChoice
from mlver.project.judging.judge import JudgeRequest, JudgeResult, judge_stage
from mlver.project.judging.sources import EventSource
from mlver.project.project import Project
from mlver.records.promotion import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedVersion:
    """The verdict on a version in use; `reason` asks for its rollback, None where nothing does."""

    version: str
    answer: Result
    says: str
    is_recorded: bool
    reason: RollbackReason | None = None


def find_bad_version(
    project: Project, request: WatchRequest, model: str, stage: str
) -> JudgedVersion | None:
    """Judge the candidate of a stage's rollout, else the version that holds it; None without one.

    A verdict asks for a rollback where it says `fail`, or where the settings ask for one because
    nothing was sure in time. Otherwise whoever knows nothing changes nothing.
    """
    if project.registry.find_holder(model, stage) is None:
        return None
    result = judge_stage(
        project,
        model,
        JudgeRequest(
            arms=ArmChoice(stage=stage),
            source=EventSource(
                predictions=() if request.predictions is None else (request.predictions,),
                prometheus=request.prometheus,
            ),
            dry_run=request.dry_run,
        ),
    )
    reason = _find_reason(project, result) if result.act == "rollback" else None
    return JudgedVersion(
        version=result.version,
        answer=result.answer,
        says=result.reason,
        is_recorded=result.commit is not None,
        reason=reason,
    )


def _find_reason(project: Project, result: JudgeResult) -> RollbackReason:
    """Name the record of a verdict as the evidence; a dry run has only its words."""
    evidence = result.reason.encode()
    name = "a verdict"
    if result.path is not None:
        evidence = project.registry.read_file(result.path) or evidence
        name = f"verdict {result.sequence}"
    return RollbackReason(
        model=result.model,
        version=result.version,
        stage=result.stage,
        message=f"watch: {name}: {result.reason}",
        evidence=evidence,
    )
