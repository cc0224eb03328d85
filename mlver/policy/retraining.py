"""When a model should be trained again: one check for each possible reason. Pure.

A check that nobody can answer is `unknown`, and is never taken for a no.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.policy.gates.gate import NOBODY, RecordedVersion
from mlver.policy.gates.undrifted import judge_drift_gate
from mlver.policy.metric_names import find_metrics
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.quantities import (
    Change,
    add_exactly,
    read_change,
    read_decimal,
    show_decimal,
    subtract_exactly,
)
from mlver.policy.stage_policy import StagePolicy
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.model import Direction
from mlver.records.promotion import Result
from mlver.records.sections.insight import DriftThresholds

DueAnswer = Literal["due", "current", "unknown"]
_DRIFT_ANSWERS: dict[Result, DueAnswer] = {
    "fail": "due",
    "pass": "current",
    "inconclusive": "unknown",
}
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCheck:
    """What one possible reason came to, in words.

    `evidence` names what decided it, so that the same reason is known when it is found again;
    `hints` are the commands that help where nobody can tell.
    """

    check: str
    answer: DueAnswer
    says: str
    evidence: str | None = None
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentData:
    """What a data set is now: its digest and where that was found, or why nobody can tell."""

    digest: Digest | None = None
    source: str = ""
    fault: str | None = None
    hints: tuple[str, ...] = ()


def judge_age(created: str, now: str, limit: str, limit_seconds: int) -> DueCheck:
    """Judge how old a version is; one that is dated in the future is of unknown age."""
    passed = count_seconds(now) - count_seconds(created)
    days = passed // _DAY
    says = f"{days:,} {'day' if days == 1 else 'days'} old, of at most {limit}"
    answer: DueAnswer = "due" if passed > limit_seconds else "current"
    if passed < 0:
        answer, says = "unknown", f"it is dated {created}, which lies ahead"
    return DueCheck(check="age", answer=answer, says=says, evidence=created)


def judge_data(name: str, trained_on: Digest | None, current: CurrentData) -> DueCheck:
    """Judge whether a data set is still the one that a version was trained on."""
    check = f"data {name}"
    if current.fault is not None:
        return DueCheck(check=check, answer="unknown", says=current.fault, hints=current.hints)
    assert current.digest is not None
    evidence = str(current.digest)
    if trained_on is None:
        says = f"it was not trained on {current.source}, {current.digest}"
        return DueCheck(check=check, answer="due", says=says, evidence=evidence)
    if current.digest != trained_on:
        says = f"{current.source} is {current.digest}, and it was trained on {trained_on}"
        return DueCheck(check=check, answer="due", says=says, evidence=evidence)
    says = f"{current.source} is what it was trained on"
    return DueCheck(check=check, answer="current", says=says, evidence=evidence)


def judge_drift(version: RecordedVersion, thresholds: DriftThresholds) -> DueCheck:
    """Judge the last drift that was recorded of a version, as the gate `drift` does."""
    policy = StagePolicy(rule={"drift": "none"}, drift=thresholds.to_document())
    candidate = replace(NOBODY, version=version.record.version, recorded=version, policy=policy)
    judged = judge_drift_gate(candidate, "none")
    ref = f"{version.record.model}@{version.record.version}"
    record = shell_command("mlver", "drift", ref, "--live", "FILE", "--record")
    answer = _DRIFT_ANSWERS[judged.result]
    return DueCheck(
        check="drift",
        answer=answer,
        says=str(judged.actual),
        evidence=None if judged.evidence is None else str(judged.evidence),
        hints=(record,) if answer == "unknown" else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRule:
    """What is asked of one metric: the worst value `limit`, and how much worse it may become."""

    metric: str
    limit: float | None = None
    fall: float | str | None = None
    direction: Direction = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredVersion:
    """A version with its evaluations, the last one on each data set, by that one's name.

    `promoted` is when it last got a stage, None where it never did.
    """

    version: RecordedVersion
    last: Mapping[str, EvaluationRecord]
    promoted: str | None = None


def judge_score(measured: MeasuredVersion, rule: ScoreRule) -> Iterator[DueCheck]:
    """Judge a metric of a version on each data set that it was evaluated on."""
    is_measured = False
    for name, evaluation in measured.last.items():
        for found, value in find_metrics(evaluation.metrics, rule.metric).items():
            number = read_decimal(value)
            check = DueCheck(check=f"metric {found} on {name}", answer="unknown", says="")
            if number is None:
                yield replace(check, says=f"{value} on {evaluation.created} is no finite number")
                continue
            is_measured = True
            evidence = f"{evaluation.record_path} {number}"
            before = _find_before(measured, name, evaluation, found)
            yield replace(_judge_value(check, number, before, rule), evidence=evidence)
    if not is_measured:
        record = measured.version.record
        ref = f"{record.model}@{record.version}"
        yield DueCheck(
            check=f"metric {rule.metric}",
            answer="unknown",
            says="no evaluation of it has this metric",
            hints=(shell_command("mlver", "evaluate", ref, "--on", "NAME", "--", "…"),),
        )


def _judge_value(
    check: DueCheck, value: Decimal, before: Decimal | None, rule: ScoreRule
) -> DueCheck:
    shown = show_decimal(value)
    asked: list[str] = []
    limit = read_decimal(rule.limit)
    if limit is not None:
        asked.append(f"{_describe_limit(rule)} {show_decimal(limit)}")
        if _is_worse(value, limit, rule):
            return replace(check, answer="due", says=f"{shown}, asked: {asked[-1]}")
    change = read_change(rule.fall)
    if change is not None:
        if before is None:
            return replace(check, says=f"{shown}, and nobody knows what it was when promoted")
        worst = _find_worst(before, change, rule)
        asked.append(
            f"{_describe_limit(rule)} {show_decimal(worst)}, as it was {show_decimal(before)}"
        )
        if _is_worse(value, worst, rule):
            return replace(check, answer="due", says=f"{shown}, asked: {asked[-1]}")
    return replace(check, answer="current", says=f"{shown}, asked: {'; '.join(asked)}")


def _find_worst(before: Decimal, change: Change, rule: ScoreRule) -> Decimal:
    allowed = change.measure(before)
    if rule.direction == "lower":
        return add_exactly(before, allowed)
    return subtract_exactly(before, allowed)


def _is_worse(value: Decimal, limit: Decimal, rule: ScoreRule) -> bool:
    return value > limit if rule.direction == "lower" else value < limit


def _describe_limit(rule: ScoreRule) -> str:
    return "at most" if rule.direction == "lower" else "at least"


def _find_before(
    measured: MeasuredVersion, name: str, last: EvaluationRecord, metric: str
) -> Decimal | None:
    """Find what a metric was at the promotion: as evaluated on the same data, else as registered.

    Data that is served differs each time; a data set counts by its bytes.
    """
    version = measured.version
    earlier: list[EvaluationRecord] = []
    for evaluation, _ in version.evaluations:
        is_before = measured.promoted is not None and evaluation.created <= measured.promoted
        is_own = evaluation.record == version.digest and evaluation.untouched is not False
        if is_before and is_own and _is_same_data(evaluation, last, name):
            earlier.append(evaluation)
    for evaluation in reversed(earlier):
        number = _read_metric(evaluation.metrics, metric)
        if number is not None:
            return number
    return _read_metric(version.record.metrics, metric)


def _is_same_data(first: EvaluationRecord, second: EvaluationRecord, name: str) -> bool:
    one, other = first.data.get(name), second.data.get(name)
    if one is None or other is None:
        return False
    if isinstance(one, ServedData) or isinstance(other, ServedData):
        return type(one) is type(other)
    return one.digest == other.digest


def _read_metric(metrics: Mapping[str, object], name: str) -> Decimal | None:
    return read_decimal(find_metrics(metrics, name).get(name))


def conclude_checks(checks: Iterable[DueCheck]) -> DueAnswer:
    """One reason is enough; without any, what nobody can tell leaves the answer unknown."""
    answers = {check.answer for check in checks}
    for answer in ("due", "unknown"):
        if answer in answers:
            return answer
    return "current"
