"""What a rule's bounds of metrics cannot tell, though they are judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.metric import find_pin
from mlver.policy.measurements import find_evaluated
from mlver.policy.quantities import read_change, show_decimal
from mlver.policy.stage_policy import StagePolicy
from mlver.policy.statistics import find_blur

_CHANGES = ("max_drop", "max_rise")


def list_notes(policy: StagePolicy, candidate: StageCandidate) -> list[str]:
    """Say which bounds are finer than their data can tell, and which bound no first version."""
    entries = policy.rule.get("gates")
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        return []
    notes: dict[str, None] = {}
    for entry in entries:
        if isinstance(entry, Mapping):
            notes.update(dict.fromkeys(_judge_fineness(policy, candidate, entry)))
            notes.update(dict.fromkeys(_judge_first(candidate, entry, entries)))
    return list(notes)


def _judge_fineness(
    policy: StagePolicy, candidate: StageCandidate, entry: Mapping[str, Any]
) -> Iterator[str]:
    """Compare a bound with how far a share can be off that was measured on so many examples."""
    name, metric = entry.get("on"), str(entry.get("metric"))
    pin = None if not isinstance(name, str) else _find_pin(policy, candidate, name)
    if candidate.recorded is None or pin is None:
        return
    measured = find_evaluated(candidate.recorded, metric, str(name), pin)
    if not measured.count:
        return
    for value_name, value in measured.values.items():
        share = float(value)
        if not 0 <= share <= 1:
            continue
        spread = max(find_blur(share, measured.count), 1 / measured.count)
        for bound in _CHANGES:
            change = read_change(entry.get(bound))
            if change is None or change.amount == 0 or float(change.measure(value)) >= spread:
                continue
            yield (
                f"{bound} {change} of {value_name} on {name} is finer than {measured.count:,}"
                f" examples can tell: {show_decimal(value)} is known to ±{spread:.2g} (95 %)"
            )


def _find_pin(policy: StagePolicy, candidate: StageCandidate, name: str) -> Any:
    from_policy = policy.datasets.get(name)
    return None if from_policy is None else find_pin(candidate, name)


def _judge_first(
    candidate: StageCandidate, entry: Mapping[str, Any], entries: Sequence[Any]
) -> Iterator[str]:
    """Say where nothing bounds a version that has no baseline."""
    if candidate.stage is None or candidate.stage.holder is not None:
        return
    if not any(bound in entry for bound in _CHANGES):
        return
    place = (entry.get("metric"), entry.get("on"))
    for other in entries:
        if not isinstance(other, Mapping) or ("min" not in other and "max" not in other):
            continue
        if (other.get("metric"), other.get("on")) == place:
            return
    on = "" if place[1] is None else f" on {place[1]}"
    yield (
        f"no version held {candidate.stage.name} yet, and neither min nor max bounds"
        f" {place[0]}{on}: the first version passes whatever it is"
    )
