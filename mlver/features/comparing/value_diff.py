"""What changed between two versions, value by value, and which bump of the number that suggests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mlver.digest import Digest
from mlver.records.model import Direction
from mlver.records.references import VersionUse
from mlver.records.values import Value, flatten_values, is_same_value
from mlver.terminal.words import shorten_digest
from mlver.version import Bump

Verdict = Literal["better", "worse", "same", "unknown"]
_KnownRecords: TypeAlias = Mapping[tuple[str, str], set[Digest]]


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A dotted key whose value differs; `kind` says whether `old` or `new` was absent."""

    key: str
    kind: Literal["added", "removed", "changed"]
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class MetricChange:
    """A metric on both sides or one. `percent` is of the old value's magnitude.

    It is None where the old value is zero or absent; `delta` and `percent` are None where they
    would be infinite.
    """

    key: str
    old: float | None
    new: float | None
    delta: float | None
    percent: float | None
    direction: Direction | None
    verdict: Verdict


def compare_values(old: Mapping[str, Value], new: Mapping[str, Value]) -> tuple[ValueChange, ...]:
    """The differing leaves of two nested maps, by dotted key.

    1 and 1.0 are one number, which training code may write either way; true is another value.
    """
    old_values = flatten_values(old)
    new_values = flatten_values(new)
    changes = []
    for dotted_key in dict.fromkeys([*old_values, *new_values]):
        if dotted_key not in old_values:
            changes.append(ValueChange(dotted_key, "added", None, new_values[dotted_key]))
        elif dotted_key not in new_values:
            changes.append(ValueChange(dotted_key, "removed", old_values[dotted_key], None))
        elif not is_same_value(old_values[dotted_key], new_values[dotted_key]):
            changes.append(
                ValueChange(dotted_key, "changed", old_values[dotted_key], new_values[dotted_key])
            )
    return tuple(changes)


def compare_uses(old: Sequence[VersionUse], new: Sequence[VersionUse]) -> tuple[ValueChange, ...]:
    """The models of which other versions are used, each with those of either side.

    Two records of one number differ as well, and are told apart by their digests.
    """
    records: dict[tuple[str, str], set[Digest]] = {}
    for use in (*old, *new):
        records.setdefault((use.model, use.version), set()).add(use.record)
    return compare_values(_name_versions(old, records), _name_versions(new, records))


def _name_versions(uses: Sequence[VersionUse], records: _KnownRecords) -> dict[str, str]:
    named: dict[str, list[str]] = {}
    for use in sorted(uses, key=lambda use: use.version):
        name = use.version
        if len(records[use.model, use.version]) > 1:
            name += f" ({shorten_digest(str(use.record))})"
        named.setdefault(use.model, []).append(name)
    return {model: ", ".join(versions) for model, versions in named.items()}


def compare_metrics(
    old: Mapping[str, Value], new: Mapping[str, Value], directions: Mapping[str, Direction]
) -> tuple[MetricChange, ...]:
    """Every metric of both sides.

    Better and worse come from `directions` alone, never from a metric's name.
    """
    old_numbers = _select_numbers(old)
    new_numbers = _select_numbers(new)
    changes = []
    for metric_key in dict.fromkeys([*old_numbers, *new_numbers]):
        change = _compare_metric(
            metric_key,
            old_numbers.get(metric_key),
            new_numbers.get(metric_key),
            directions.get(metric_key),
        )
        changes.append(change)
    return tuple(changes)


def _compare_metric(
    key: str, old: float | None, new: float | None, direction: Direction | None
) -> MetricChange:
    if old is None or new is None:
        return MetricChange(key, old, new, None, None, direction, "unknown")
    difference = new - old
    return MetricChange(
        key,
        old,
        new,
        _finite_or_none(difference),
        _percent_change(difference, old),
        direction,
        _judge_metric(old, new, direction),
    )


def _percent_change(delta: float, old: float) -> float | None:
    if old == 0:
        return None
    try:
        return _finite_or_none(100 * delta / abs(old))
    except OverflowError:  # integers have no limit, and floats have one
        return None


def _finite_or_none(number: float) -> float | None:
    # JSON has no infinity.
    return None if abs(number) == math.inf else number


def _judge_metric(old: float, new: float, direction: Direction | None) -> Verdict:
    if old == new:
        return "same"
    if direction is None:
        return "unknown"
    improved = new > old if direction == "higher" else new < old
    return "better" if improved else "worse"


def _select_numbers(values: Mapping[str, Value]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for key, value in flatten_values(values).items():
        if isinstance(value, int | float):
            numbers[key] = value
    return numbers


def suggest_bump(*, form: bool, inputs: bool, weights: bool) -> Bump | None:
    """The bump that a change asks for; None when nothing changed.

    A change of `form` (a format, the set of artifacts) breaks users of the model. Other `inputs`
    (data or parameters) make it a different model. With other `weights` alone, the same recipe was
    run again.
    """
    if form:
        return "major"
    if inputs:
        return "minor"
    return "patch" if weights else None
