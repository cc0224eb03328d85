"""The gates of the list `gates`: a metric's value, and how far it may be from the holder's.

Every bound of an entry is a gate of its own. Numbers are compared as they are written, and a tie
passes. Which way is worse is in the word: `max_drop` bounds a fall, `max_rise` a rise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.policy.gates.gate import AskedStage, Gate, RecordedVersion, StageCandidate
from mlver.policy.measurements import Measurement, find_evaluated, find_registered
from mlver.policy.metric_names import has_wildcard
from mlver.policy.quantities import (
    Change,
    add_exactly,
    read_change,
    read_decimal,
    show_decimal,
    subtract_exactly,
)
from mlver.records.promotion import GateResult, Result
from mlver.records.values import Leaf, Value
from mlver.version import parse_canonical

BOUNDS = ("min", "max", "max_drop", "max_rise")
_CHANGES = ("max_drop", "max_rise")
NO_BASELINE = "no baseline: the stage was empty"
_UNSEEN = "nobody looked at its records"
_NOT_PINNED = "is not pinned under `datasets`"


@dataclass(frozen=True, slots=True)
class _AskedMetric:
    """One bound of one entry: `limit` is as the settings have it."""

    metric: str
    on: str | None
    bound: str
    limit: Any

    @property
    def name(self) -> str:
        """The gate's name in records."""
        place = "" if self.on is None else f" on {self.on}"
        return f"metric {self.metric}{place}, {self.bound}"


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one value came to. `slack` is how much further it could have gone, None if unknown."""

    result: Result
    expected: str
    actual: Leaf
    baseline: Leaf = None
    slack: Decimal | None = None


def split_bounds(setting: Value) -> Iterator[Value]:
    """Split the list into its entries, and each of them into its bounds."""
    if not isinstance(setting, Sequence) or isinstance(setting, str):
        return
    for entry in setting:
        if not isinstance(entry, Mapping):
            continue
        rest = {key: value for key, value in entry.items() if key not in BOUNDS}
        bounds = [{**rest, bound: entry[bound]} for bound in BOUNDS if bound in entry]
        # One that bounds nothing is no way to ask for nothing.
        yield from bounds or [rest]


def judge_metric(candidate: StageCandidate, setting: Mapping[str, Any]) -> GateResult:
    asked = _read_entry(setting)
    if candidate.recorded is None:
        return _build_shut(asked, _UNSEEN)
    own, before, fault = _measure_both(candidate, candidate.recorded, asked)
    fault = fault or own.fault
    if fault is None and asked.bound in _CHANGES:
        if candidate.stage is None:
            fault = "nobody looked at the stage"
        elif candidate.stage.holder is not None and before.fault is not None:
            fault = before.fault
    if fault is not None:
        return replace(_build_shut(asked, fault), data=own.data, evidence=own.evidence)
    verdicts = dict(_judge_values(candidate, asked, own, before))
    return _build_result(asked, own, verdicts)


def _read_entry(setting: Mapping[str, Any]) -> _AskedMetric:
    bound = next((name for name in BOUNDS if name in setting), BOUNDS[0])
    return _AskedMetric(str(setting.get("metric")), setting.get("on"), bound, setting.get(bound))


def _measure_both(
    candidate: StageCandidate, recorded: RecordedVersion, asked: _AskedMetric
) -> tuple[Measurement, Measurement, str | None]:
    """Measure the version and the stage's holder; the last says why neither can be."""
    holder = None if candidate.stage is None else candidate.stage.holder
    none = Measurement(fault="there is no baseline")
    if asked.on is None:
        own = find_registered(recorded, asked.metric)
        return own, none if holder is None else find_registered(holder, asked.metric), None
    pin = find_pin(candidate, asked.on)
    if pin is None:
        return none, none, f"{asked.on} {_NOT_PINNED}"
    own = find_evaluated(recorded, asked.metric, asked.on, pin)
    if holder is None:
        return own, none, None
    return own, find_evaluated(holder, asked.metric, asked.on, pin), None


def find_pin(candidate: StageCandidate, name: str) -> Digest | None:
    """Find the digest that the policy means by a data set's name."""
    pinned = None if candidate.policy is None else candidate.policy.datasets.get(name)
    return Digest.parse(pinned) if isinstance(pinned, str) else None


def _judge_values(
    candidate: StageCandidate, asked: _AskedMetric, own: Measurement, before: Measurement
) -> Iterator[tuple[str, _Verdict]]:
    """Judge each of the values; with a `*`, each that the version or the holder has."""
    names_found = list(own.values)
    if has_wildcard(asked.metric):
        names_found += [name for name in before.values if name not in own.values]
    for name in names_found:
        value = own.values.get(name)
        if value is None:
            yield name, _Verdict("inconclusive", _describe_plainly(asked), "is missing")
        elif asked.bound in _CHANGES:
            assert candidate.stage is not None
            yield name, _judge_change(asked, value, before.values.get(name), candidate.stage)
        else:
            yield name, _judge_limit(asked, value)


def _judge_limit(asked: _AskedMetric, value: Decimal) -> _Verdict:
    limit = read_decimal(asked.limit)
    expected = _describe_plainly(asked)
    if limit is None:
        return _Verdict("inconclusive", expected, _write_number(value))
    return _compare(value, limit, expected, is_least=asked.bound == "min")


def _judge_change(
    asked: _AskedMetric, value: Decimal, baseline: Decimal | None, stage: AskedStage
) -> _Verdict:
    expected = _describe_plainly(asked)
    change = read_change(asked.limit)
    if stage.holder is None:
        return _Verdict("pass", expected, NO_BASELINE)
    holder = stage.holder.record.version
    if baseline is None or change is None:
        return _Verdict("inconclusive", expected, f"{holder} has no such value")
    is_drop = asked.bound == "max_drop"
    allowed = change.measure(baseline)
    limit = (subtract_exactly if is_drop else add_exactly)(baseline, allowed)
    expected = _describe_change(asked, change, limit, f"{holder} has {show_decimal(baseline)}")
    verdict = _compare(value, limit, expected, is_least=is_drop)
    verdict = replace(verdict, baseline=_write_number(baseline))
    if change.is_percent and baseline == 0 and verdict.result == "fail":
        actual = f"{show_decimal(value)}: there is no relative change from 0"
        return replace(verdict, result="inconclusive", actual=actual)
    return verdict


def _compare(value: Decimal, limit: Decimal, expected: str, *, is_least: bool) -> _Verdict:
    """Compare a value with the least, or the most, that it may be."""
    slack = subtract_exactly(value, limit) if is_least else subtract_exactly(limit, value)
    result: Result = "pass" if slack >= 0 else "fail"
    return _Verdict(result, expected, _write_number(value), slack=slack)


def _describe_plainly(asked: _AskedMetric) -> str:
    """Say what is asked for where no baseline is known."""
    limit = asked.limit if isinstance(asked.limit, str) else _show_setting(asked.limit)
    match asked.bound:
        case "min":
            return f"at least {limit}"
        case "max":
            return f"at most {limit}"
    share = " of |baseline|" if str(limit).endswith("%") else ""
    if asked.bound == "max_drop":
        return f"at least baseline - {limit}{share} (max_drop)"
    return f"at most baseline + {limit}{share} (max_rise)"


def _describe_change(asked: _AskedMetric, change: Change, limit: Decimal, known: str) -> str:
    least, sign = ("at least", "-") if asked.bound == "max_drop" else ("at most", "+")
    share = " of |baseline|" if change.is_percent else ""
    formula = f"baseline {sign} {asked.bound}{share}"
    return f"{least} {show_decimal(limit)} ({formula}: {known}, {asked.bound} {change})"


def _show_setting(value: object) -> str:
    number = read_decimal(value)
    return str(value) if number is None else show_decimal(number)


def _write_number(number: Decimal) -> Leaf:
    """The number as the record that it was read from has it."""
    if number == number.to_integral_value() and "." not in str(number) and "E" not in str(number):
        return int(number)
    return float(number)


_ORDER: Sequence[Result] = ("fail", "inconclusive", "pass")


def _build_result(
    asked: _AskedMetric, own: Measurement, verdicts: Mapping[str, _Verdict]
) -> GateResult:
    """Build the gate's result: of many values, that of the one that is furthest from passing."""

    def measure_badness(name: str) -> tuple[int, Decimal]:
        verdict = verdicts[name]
        return _ORDER.index(verdict.result), verdict.slack or Decimal(0)

    worst_name = min(verdicts, key=measure_badness)
    worst = verdicts[worst_name]
    actual = worst.actual
    if has_wildcard(asked.metric):
        shut = sum(verdict.result == worst.result for verdict in verdicts.values())
        state = {"pass": "pass", "fail": "fail", "inconclusive": "cannot be told"}[worst.result]
        actual = f"{worst_name} {_show_leaf(worst.actual)}; {shut} of {len(verdicts)} {state}"
    if own.history:
        actual = f"{_show_leaf(actual)}{own.history}"
    return GateResult(
        gate=asked.name,
        result=worst.result,
        expected=worst.expected,
        actual=actual,
        baseline=worst.baseline,
        data=own.data,
        evidence=own.evidence,
    )


def _show_leaf(leaf: Leaf) -> str:
    return _show_setting(leaf)


def _build_shut(asked: _AskedMetric, reason: str) -> GateResult:
    return GateResult(
        gate=asked.name, result="inconclusive", expected=_describe_plainly(asked), actual=reason
    )


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """What measures what is missing; of a value that is not good enough, what else was measured."""
    name = result.gate.removeprefix("metric ").rpartition(", ")[0]
    _, on, data = name.rpartition(" on ")
    reason = str(result.actual)
    model, _, version = ref.partition("@")
    if reason.endswith(_NOT_PINNED):
        return (shell_command("mlver", "config", "pin", data, "PATH"),)
    if result.result == "inconclusive" and on:
        number = _find_version(reason) or version
        command = shell_command("mlver", "evaluate", f"{model}@{number}", "--on", data)
        return (f"{command} -- COMMAND",)
    return (shell_command("mlver", "show", ref),)


def _find_version(reason: str) -> str | None:
    """Find which version is to be measured, in the words of this gate."""
    for word in reason.split():
        if parse_canonical(word) is not None:
            return word
    return None


GATE = Gate(judge=judge_metric, suggest_commands=suggest_commands, split=split_bounds)
