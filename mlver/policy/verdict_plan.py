"""How many events a verdict needs, by what is expected to be counted. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.policy.proportions import spend_doubt
from mlver.policy.verdict_rule import count_limits, find_look_size, judge_limit, list_limits
from mlver.records.promotion import Result
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import EventCount, MetricCount, VerdictLimit

# Who needs more looks than these, needs another limit.
_MOST_LOOKS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPlan:
    """What one limit of a metric needs where a share `base` of the baseline's events is bad.

    `to_pass` is how many events of the candidate it takes for one that is equally good, `to_fail`
    for one that is worse by twice the margin, or bad at twice the maximum; None where no number
    would do.
    """

    metric: str
    limit: VerdictLimit
    base: float
    to_pass: int | None
    to_fail: int | None


def plan_limit(
    settings: VerdictSettings, metric: str, limit: VerdictLimit, base: float, ratio: float
) -> LimitPlan:
    """Plan for `ratio` events of the baseline to each of the candidate."""
    allowed = dict(list_limits(settings, metric))[limit]
    worse = base + 2 * allowed if limit == "margin" else 2 * allowed
    return LimitPlan(
        metric=metric,
        limit=limit,
        base=base,
        to_pass=_find_size(settings, metric, limit, (base, base, ratio), "pass"),
        to_fail=_find_size(settings, metric, limit, (min(worse, 1.0), base, ratio), "fail"),
    )


def _find_size(
    settings: VerdictSettings,
    metric: str,
    limit: VerdictLimit,
    expected: tuple[float, float, float],
    wanted: Result,
) -> int | None:
    """Find the first look that gives the wanted answer, if all comes as expected."""
    ours, theirs, ratio = expected
    allowed = dict(list_limits(settings, metric))[limit]
    for number in range(1, _MOST_LOOKS + 1):
        # A look waits for the version that answers less.
        events = round(find_look_size(settings, number) / min(ratio, 1.0))
        beside = round(events * ratio)
        count = MetricCount(
            candidate=EventCount(round(ours * events), events),
            baseline=EventCount(round(theirs * beside), beside),
        )
        doubt = spend_doubt(settings.alpha, number) / count_limits(settings)
        if judge_limit(metric, count, limit, allowed, doubt).answer == wanted:
            return events
    return None
