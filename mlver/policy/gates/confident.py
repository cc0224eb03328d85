"""Bounds with a `confidence`: how sure it is that a metric fell, or rose, by no more than allowed.

Both versions were measured on the same bytes of a data set with samples, one score for each row.
The mean score stands for the metric. Two results come of such a bound: the value itself is judged
as without a confidence, and the upper end of the interval here (`mlver.policy.statistics`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlver.policy.gates import metric
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.sampled import SampledVersion, find_samples
from mlver.policy.quantities import Change, read_change, read_decimal, show_decimal
from mlver.records.promotion import GateResult
from mlver.records.values import Value

KEY = "confidence"
_CHANGES = ("max_drop", "max_rise")


def split_confident(entry: Mapping[str, Any]) -> Iterator[Value]:
    """Split an entry into its plain bounds, and one question for each that asks to be sure."""
    plain = {key: value for key, value in entry.items() if key != KEY}
    yield from metric.split_bounds([plain])
    bounds = [bound for bound in _CHANGES if bound in entry]
    rest = {key: value for key, value in entry.items() if key not in metric.BOUNDS}
    for bound in bounds:
        yield {**rest, bound: entry[bound]}
    if not bounds:
        # A confidence in nothing is no way to ask for nothing.
        yield rest


def judge_confidence(candidate: StageCandidate, setting: Mapping[str, Any]) -> GateResult:
    bound = next((name for name in _CHANGES if name in setting), _CHANGES[0])
    name, level = setting.get("on"), read_decimal(setting[KEY])
    place = "" if name is None else f" on {name}"
    allowed = read_change(setting.get(bound))
    asked = GateResult(
        gate=f"metric {setting.get('metric')}{place}, {bound} with confidence {setting[KEY]}",
        result="inconclusive",
        expected=f"{bound} {setting.get(bound)}, with confidence {setting[KEY]}",
        actual="",
    )
    if allowed is None or level is None or name is None:
        return replace(asked, actual="a confidence needs `on`, and `max_drop` or `max_rise`")
    if candidate.recorded is None or candidate.stage is None:
        return replace(asked, actual="nobody looked at its records")
    holder = candidate.stage.holder
    if holder is None:
        return replace(asked, result="pass", actual=metric.NO_BASELINE)
    pin = metric.find_pin(candidate, str(name))
    if pin is None:
        return replace(asked, actual=f"{name} is not pinned under `datasets`")
    own = find_samples(candidate.recorded, str(name), pin)
    before = find_samples(holder, str(name), pin)
    asked = replace(asked, data=pin, evidence=own.evidence)
    is_drop = bound == "max_drop"
    return _judge_samples(asked, own, before, (allowed, float(level)), is_drop=is_drop)


def _judge_samples(
    asked: GateResult,
    own: SampledVersion,
    before: SampledVersion,
    limits: tuple[Change, float],
    *,
    is_drop: bool,
) -> GateResult:
    if own.samples is None or before.samples is None:
        return replace(asked, actual=own.fault or before.fault)
    if len(own.samples) != len(before.samples):
        rows = f"{len(own.samples):,} rows, and the holder's have {len(before.samples):,}"
        return replace(asked, actual=f"its samples have {rows}")
    # The library of numbers takes a while to load, and few stages ask for it.
    from mlver.policy.statistics import measure_drop

    change, level = limits
    first, second = (before, own) if is_drop else (own, before)
    assert first.samples is not None
    assert second.samples is not None
    assert first.digest is not None
    assert second.digest is not None
    digests = (first.digest, second.digest)
    measured = measure_drop(first.samples.scores, second.samples.scores, level, digests)
    scores = before.samples.scores
    baseline = read_decimal(sum(scores) / len(scores))
    limit = change.measure(baseline) if baseline is not None else None
    upper = read_decimal(round(measured.upper, 9))
    if limit is None or upper is None:
        return replace(asked, actual="its samples have no mean")
    word = "drop" if is_drop else "rise"
    actual = (
        f"a {word} of at most {show_decimal(upper)} ({measured.method}, {measured.rows:,} rows)"
    )
    expected = f"a {word} of at most {show_decimal(limit)}, with confidence {level:g}"
    result = replace(asked, result="pass" if upper <= limit else "fail", expected=expected)
    return replace(result, actual=actual)
