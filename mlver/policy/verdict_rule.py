"""The rule of verdicts: what so many bad events say of a version in use. Pure.

Each look judges all that was counted by then. The first look is at the least number of events of
each arm, and each later one at twice as many as the one before, so that whoever counts the same
events takes the same looks, however often they ask. Look k spends alpha / (k (k + 1)), shared by
all limits. The first look that passes or fails decides.

A limit fails where the interval of the difference lies above 0 and the difference itself above the
margin, or where the interval of the share lies above the maximum; and only with at least five bad
events. Where both versions answered the same requests, McNemar's exact test is asked instead of the
interval. It passes where its interval lies below the limit, at half the chance of being wrong: a
harmful version that stays does more harm than a good one that goes. A verdict passes where every
limit does, and fails where one does; anything else is no answer yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlver.policy.pairs import find_mcnemar_p, find_paired
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.proportions import (
    ConfidenceInterval,
    find_newcombe,
    find_quantile,
    find_share_p,
    find_wilson,
    spend_doubt,
    sum_doubt,
)
from mlver.records.promotion import Result
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import (
    LimitInterval,
    MetricCount,
    VerdictLimit,
    VerdictLook,
    VerdictRecord,
)

# Records name the rule that they were decided by.
RULE = 1
# Fewer bad events than these never fail: one burst is not many accidents.
LEAST_BAD = 5
# By chance alone, the traffic is split as unevenly as this once in a thousand times.
_MISMATCH = 0.001
_DIGITS = 12
_SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What looks said: `looks` of them were taken, and the last one decided, if any did."""

    answer: Result
    reason: str
    looks: int = 0
    spent: float = 0.0
    intervals: tuple[LimitInterval, ...] = ()


def find_look_size(settings: VerdictSettings, look: int) -> int:
    """Find how many events of each arm the look of this number takes; 1 is the first."""
    return settings.min << (look - 1)


def judge_looks(
    settings: VerdictSettings, looks: Sequence[VerdictLook], share: float | None = None
) -> Judgement:
    """Judge looks in the order they were taken; `share` is the candidate's planned traffic."""
    last = Judgement(answer="inconclusive", reason="nothing was counted yet")
    for number, look in enumerate(looks, 1):
        last = _judge_look(settings, look, number, share)
        if last.answer != "inconclusive":
            break
    return last


def count_limits(settings: VerdictSettings) -> int:
    """Count the limits that share the chance of a wrong answer."""
    return sum(len(list_limits(settings, metric)) for metric in settings.metrics)


def list_limits(settings: VerdictSettings, metric: str) -> list[tuple[VerdictLimit, float]]:
    """List the limits of a metric, with how much each allows."""
    rule = settings.metrics[metric]
    limits: list[tuple[VerdictLimit, float]] = []
    if rule.margin is not None:
        limits.append(("margin", rule.margin))
    if rule.max is not None:
        limits.append(("max", rule.max))
    return limits


def _judge_look(
    settings: VerdictSettings, look: VerdictLook, number: int, share: float | None
) -> Judgement:
    spent = sum_doubt(settings.alpha, number)
    fault = _find_fault(settings, look, share)
    if fault is not None:
        return Judgement(answer="inconclusive", reason=fault, looks=number, spent=spent)
    doubt = spend_doubt(settings.alpha, number) / count_limits(settings)
    intervals = tuple(_judge_metrics(settings, look, doubt))
    answer, reason = _join_answers(settings, look, intervals)
    return Judgement(answer=answer, reason=reason, looks=number, spent=spent, intervals=intervals)


def _find_fault(settings: VerdictSettings, look: VerdictLook, share: float | None) -> str | None:
    """Say why counts tell nothing, whatever they are; None where they do."""
    if share is not None and look.baseline is not None:
        p = find_share_p(look.candidate, look.baseline, share)
        if p < _MISMATCH:
            seen = look.candidate / (look.candidate + look.baseline)
            return (
                f"the candidate answered {seen:.2%} of the traffic, and {share:.2%} was planned:"
                " the arms did not get like requests"
            )
    for name in settings.metrics:
        fault = _find_metric_fault(settings, look, name)
        if fault is not None:
            return fault
    return None


def _find_metric_fault(settings: VerdictSettings, look: VerdictLook, name: str) -> str | None:
    count = look.metrics.get(name)
    if count is None:
        return f"nobody counted {name}"
    rule = settings.metrics[name]
    if rule.margin is not None and count.baseline is None:
        return f"{name} has a margin, and there is no version to compare with"
    for arm, events in (("candidate", count.candidate), ("baseline", count.baseline)):
        if events is not None and events.events < settings.min:
            told = f"{events.events:,} events of the {arm} tell of {name}"
            return f"{told}, and it takes {settings.min:,}"
    if count.baseline is not None and 2 * count.baseline.bad > count.baseline.events:
        return f"the baseline is broken itself: {count.baseline.share:.0%} of {name} are bad"
    return None


def _judge_metrics(
    settings: VerdictSettings, look: VerdictLook, doubt: float
) -> Iterator[LimitInterval]:
    for name in settings.metrics:
        for limit, allowed in list_limits(settings, name):
            yield judge_limit(name, look.metrics[name], limit, allowed, doubt)


def judge_limit(
    name: str, count: MetricCount, limit: VerdictLimit, allowed: float, doubt: float
) -> LimitInterval:
    """Judge by the lower end at this doubt, and by the upper end at half of it."""
    to_fail = _find_interval(count, limit, find_quantile(doubt))
    to_pass = _find_interval(count, limit, find_quantile(doubt / 2))
    if limit == "margin":
        assert count.baseline is not None
        is_far = count.candidate.share - count.baseline.share > allowed
        is_worse = is_far and _is_surely_more(count, to_fail, doubt)
    else:
        is_worse = to_fail.low > allowed
    answer: Result = "inconclusive"
    if is_worse and count.candidate.bad >= LEAST_BAD:
        answer = "fail"
    elif to_pass.high <= allowed:
        answer = "pass"
    low, high = round(to_fail.low, _DIGITS), round(to_pass.high, _DIGITS)
    return LimitInterval(metric=name, limit=limit, answer=answer, low=low, high=high)


def _is_surely_more(count: MetricCount, interval: ConfidenceInterval, doubt: float) -> bool:
    """Say whether more of the candidate's events are bad; of pairs, an exact test says so."""
    if count.both is None or count.baseline is None:
        return interval.low > 0
    ours, theirs = count.candidate.bad - count.both, count.baseline.bad - count.both
    return find_mcnemar_p(ours, theirs) <= doubt


def _find_interval(count: MetricCount, limit: VerdictLimit, quantile: float) -> ConfidenceInterval:
    if limit == "max" or count.baseline is None:
        return find_wilson(count.candidate, quantile)
    if count.both is not None:
        return find_paired(count, quantile)
    return find_newcombe(count.candidate, count.baseline, quantile)


def _join_answers(
    settings: VerdictSettings, look: VerdictLook, intervals: Sequence[LimitInterval]
) -> tuple[Result, str]:
    for answer in ("fail", "inconclusive", "pass"):
        deciding = [one for one in intervals if one.answer == answer]
        if deciding:
            told = [describe_limit(settings, look.metrics[one.metric], one) for one in deciding]
            return answer, f"{_ANSWER_WORDS[answer]}: {'; '.join(told)}"
    return "inconclusive", "the settings name no limit"


_ANSWER_WORDS: Mapping[Result, str] = {
    "fail": "too many bad events",
    "inconclusive": "not sure yet",
    "pass": "no more bad events than allowed",
}


def describe_limit(settings: VerdictSettings, count: MetricCount, one: LimitInterval) -> str:
    """Describe in numbers what was found of a limit, and what it allows."""
    allowed = dict(list_limits(settings, one.metric))[one.limit]
    found = f"{count.candidate.share:.2%} of {one.metric}"
    if one.limit == "max":
        return f"{found}, between {one.low:.2%} and {one.high:.2%}, of at most {allowed:.2%}"
    assert count.baseline is not None
    found = f"{found} beside {count.baseline.share:.2%}"
    between = f"between {one.low:+.2%} and {one.high:+.2%}"
    return f"{found}, a difference {between}, of at most {allowed:+.2%}"


# -- what a record says ----------------------------------------------------------------------------


def find_false_verdict(record: VerdictRecord) -> str | None:
    """Say what of a verdict its own counts do not bear out; None where all is as they say.

    `inconclusive` claims nothing but that the time was over, if something follows from it. A
    verdict by a rule that is not known here cannot be judged.
    """
    if record.act is not None and not _is_act_due(record):
        return "says that something follows from it, and its settings or its time do not"
    if record.answer == "inconclusive":
        return None
    if record.rule != RULE:
        return f"was decided by rule {record.rule}, which this mlver does not know"
    fault = _find_false_look(record)
    if fault is not None:
        return fault
    judged = judge_looks(record.settings, record.looks, record.share)
    if judged.answer != record.answer or judged.looks != len(record.looks):
        return f"says {record.answer}, and by its counts it is {judged.answer}: {judged.reason}"
    if not _are_same(judged.intervals, record.intervals):
        return "has other intervals than its counts give"
    if abs(judged.spent - record.spent) > _SAME:
        return "says that its looks spent another chance of a wrong answer than they did"
    return None


def _is_act_due(record: VerdictRecord) -> bool:
    """Say whether the settings had asked for an act where nothing was decided by the end."""
    start, end = count_seconds(record.window.start), count_seconds(record.window.end)
    is_over = count_seconds(record.created) >= end == start + record.settings.window_seconds
    is_undecided = record.answer == "inconclusive"
    return is_undecided and is_over and record.settings.on_timeout == record.act


def _find_false_look(record: VerdictRecord) -> str | None:
    """Say which look cannot have been: it came too early, or less was counted than before."""
    before: VerdictLook | None = None
    for number, look in enumerate(record.looks, 1):
        least = min(look.candidate, look.candidate if look.baseline is None else look.baseline)
        if least < find_look_size(record.settings, number):
            return f"took look {number} after {least:,} events, before its time"
        if (record.baseline is None) != (look.baseline is None):
            return f"counted a baseline at look {number} that it does not name, or none"
        if not all(count.is_possible for count in look.metrics.values()):
            return f"counted more bad events at look {number} than there can be"
        if before is not None and not _has_grown(before, look):
            return f"counted less at look {number} than at the one before"
        before = look
    return None


def _has_grown(before: VerdictLook, look: VerdictLook) -> bool:
    if look.candidate < before.candidate or (look.baseline or 0) < (before.baseline or 0):
        return False
    for name, count in before.metrics.items():
        later = look.metrics.get(name)
        if later is None or later.candidate.events < count.candidate.events:
            return False
        if later.candidate.bad < count.candidate.bad:
            return False
    return True


def _are_same(judged: Sequence[LimitInterval], recorded: Sequence[LimitInterval]) -> bool:
    if len(judged) != len(recorded):
        return False
    for ours, theirs in zip(judged, recorded, strict=True):
        if (ours.metric, ours.limit, ours.answer) != (theirs.metric, theirs.limit, theirs.answer):
            return False
        if max(abs(ours.low - theirs.low), abs(ours.high - theirs.high)) > _SAME:
            return False
    return True
