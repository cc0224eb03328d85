"""`mlver judge --plan`: how many events a verdict needs, and how long they take to come."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.policy.promotion_dates import count_seconds
from mlver.policy.verdict_plan import LimitPlan, plan_limit
from mlver.policy.verdict_rule import list_limits
from mlver.project.judging.arms import choose_arms
from mlver.project.judging.judge import (
    JudgeRequest,
    build_counter,
    complete_request,
    read_settings,
)
from mlver.project.judging.sources import count_source
from mlver.project.project import Project
from mlver.records.verdict import VerdictLook

_ASSUMED = 0.01
_HOUR_S = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictPlanResult:
    """What a verdict on `version` needs.

    `ratio` is how many events of the baseline there are to each of the candidate, and `per_hour`
    how many of the candidate come in an hour, None where nothing was counted. `assumed`: the shares
    of bad events are assumed, as nothing was counted.
    """

    model: str
    stage: str
    version: str
    baseline: str | None
    limits: tuple[LimitPlan, ...]
    ratio: float
    assumed: bool
    per_hour: float | None


def plan_verdict(project: Project, model: str | None, request: JudgeRequest) -> VerdictPlanResult:
    """Plan a verdict, by what was counted so far where the request says where that is."""
    settings = read_settings(project)
    chosen = choose_arms(project, model, request.arms, settings)
    request = complete_request(request, chosen)
    counter = build_counter(settings, chosen, request)
    now = min(count_seconds(project.record_time), chosen.arms.end)
    if request.source.is_named:
        count_source(project, counter, request.source)
    counted = counter.describe(now)
    ratio = _find_ratio(counted, request.planned)
    limits: list[LimitPlan] = []
    for name in settings.metrics:
        for limit, _ in list_limits(settings, name):
            if limit == "max" or chosen.baseline is not None:
                base = _find_base(counted, name)
                limits.append(plan_limit(settings, name, limit, base or _ASSUMED, ratio))
    elapsed = now - chosen.arms.start
    return VerdictPlanResult(
        model=chosen.record.model,
        stage=request.arms.stage,
        version=chosen.record.version,
        baseline=chosen.arms.baseline,
        limits=tuple(limits),
        ratio=ratio,
        assumed=not counted.candidate and not counted.baseline,
        per_hour=counted.candidate * _HOUR_S / elapsed if counted.candidate and elapsed else None,
    )


def _find_ratio(counted: VerdictLook, planned: float | None) -> float:
    """Find the ratio that was counted, else the planned one, else one to one."""
    if counted.candidate and counted.baseline:
        return counted.baseline / counted.candidate
    return 1.0 if planned is None else (1 - planned) / planned


def _find_base(counted: VerdictLook, name: str) -> float | None:
    """Find which share of the baseline's events is bad; of the candidate's, without one."""
    count = counted.metrics[name]
    base = count.candidate if count.baseline is None else count.baseline
    return base.share if base.events else None
