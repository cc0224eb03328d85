"""What changed between two versions, value by value, and what that says of the next version number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlver.records.model import Direction
from mlver.records.values import Value, flatten_values
from mlver.version import Bump

Verdict = Literal["better", "worse", "same", "unknown"]
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A dotted key whose value differs. `old` or `new` is None where the key was absent: see `kind`."""

    key: str
    kind: Literal["added", "removed", "changed"]
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class MetricChange:
    """A metric on both sides or one. `percent` is of the old value's magnitude.

    It is None where the old value is zero or absent, and so is either number where it is too large to be told.
    """

    key: str
    old: float | None
    new: float | None
    delta: float | None
    percent: float | None
    direction: Direction | None
    verdict: Verdict


def compare_values(old: Mapping[str, Value], new: Mapping[str, Value]) -> tuple[ValueChange, ...]:
    """The differing leaves of two nested maps, by dotted key; 1 and 1.0 and true are three different values."""
    before, after = flatten_values(old), flatten_values(new)
    found = []
    for key in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(key, _ABSENT), after.get(key, _ABSENT)
        if was is _ABSENT:
            found.append(ValueChange(key, "added", None, after[key]))
        elif now is _ABSENT:
            found.append(ValueChange(key, "removed", before[key], None))
        elif not _is_same_value(was, now):
            found.append(ValueChange(key, "changed", before[key], after[key]))
    return tuple(found)


def _is_same_value(was: object, now: object) -> bool:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        return was.keys() == now.keys() and all(_is_same_value(was[key], now[key]) for key in was)
    if isinstance(was, list | tuple) and isinstance(now, list | tuple):
        return len(was) == len(now) and all(map(_is_same_value, was, now))
    return type(was) is type(now) and was == now


def compare_metrics(
    old: Mapping[str, Value], new: Mapping[str, Value], directions: Mapping[str, Direction]
) -> tuple[MetricChange, ...]:
    """Every metric of both sides. Better and worse come from `directions` alone, never from a metric's name."""
    before, after = _numeric_leaves(old), _numeric_leaves(new)
    keys = [*before, *(key for key in after if key not in before)]
    return tuple(
        _compare_metric(key, before.get(key), after.get(key), directions.get(key)) for key in keys
    )


def _compare_metric(
    key: str, old: float | None, new: float | None, direction: Direction | None
) -> MetricChange:
    if old is None or new is None:
        return MetricChange(key, old, new, None, None, direction, "unknown")
    delta = new - old
    return MetricChange(
        key,
        old,
        new,
        _finite_or_none(delta),
        _percent_change(delta, old),
        direction,
        _judge_metric(old, new, direction),
    )


def _percent_change(delta: float, old: float) -> float | None:
    try:
        return _finite_or_none(100 * delta / abs(old)) if old else None
    except OverflowError:  # of integers
        return None


def _finite_or_none(number: float) -> float | None:
    """No JSON holds an infinity."""
    return number if abs(number) != math.inf else None


def _judge_metric(old: float, new: float, direction: Direction | None) -> Verdict:
    if old == new:
        return "same"
    if direction is None:
        return "unknown"
    return "better" if (new > old) == (direction == "higher") else "worse"


def _numeric_leaves(values: Mapping[str, Value]) -> dict[str, float]:
    return {
        key: value
        for key, value in flatten_values(values).items()
        if isinstance(value, int | float)
    }


def suggest_bump(*, form: bool, inputs: bool, weights: bool) -> Bump | None:
    """The bump a change asks for: `form` (format or set of artifacts) breaks users of the model, `inputs` (data or
    parameters) make it a different one, `weights` alone is the same recipe run again; None when nothing changed."""
    if form:
        return "major"
    if inputs:
        return "minor"
    return "patch" if weights else None
