"""When a list of bounds of metrics asks less than another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mlver.policy.loosening import Loosening
from mlver.policy.quantities import Change, read_change, read_decimal
from mlver.records.values import Value

# Of these, more is stricter; of all others, less.
_AT_LEAST = frozenset(("min", "agreement"))
_CHANGES = frozenset(("max_drop", "max_rise"))
_BOUNDS = ("min", "max", "max_drop", "max_rise", "agreement")


class _Bound(NamedTuple):
    """One bound of one entry: `place` is what it is of, `rest` all that it is judged with."""

    place: str
    kind: str
    limit: Any
    rest: Mapping[str, Any]


def compare_gates(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    """Compare lists of bounds: each has to be there still, or a stricter one in its place."""
    old_bounds = _list_bounds(old)
    new_bounds = _list_bounds(new)
    if old_bounds is None or new_bounds is None:
        if old is not None and new != old:
            yield Loosening(key, f"`{key}` was changed")
        return
    for bound in old_bounds:
        rivals = [
            other for other in new_bounds if (other.place, other.kind) == (bound.place, bound.kind)
        ]
        if any(_is_as_strict(other, bound) for other in rivals):
            continue
        aspect = f"{key}.{bound.place}.{bound.kind}"
        if rivals:
            limits = " and ".join(str(other.limit) for other in rivals)
            words = f"`{bound.kind}` of {bound.place} is {limits} instead of {bound.limit}"
            if all(other.limit == bound.limit for other in rivals):
                words = f"`{bound.kind}` of {bound.place} is judged in another way"
        else:
            words = f"`{bound.kind}` of {bound.place} is no longer asked for"
        yield Loosening(aspect, words)


def _list_bounds(setting: Value) -> list[_Bound] | None:
    """List every bound; None for a setting of another form."""
    if setting is None:
        return []
    if isinstance(setting, str) or not isinstance(setting, Sequence):
        return None
    bounds: list[_Bound] = []
    for entry in setting:
        if not isinstance(entry, Mapping):
            return None
        on = "" if entry.get("on") is None else f" on {entry['on']}"
        place = f"{entry.get('metric', 'answers')}{on}"
        known = [kind for kind in _BOUNDS if kind in entry]
        if not known:
            return None
        rest = {name: entry[name] for name in entry if name not in ("metric", "on", *_BOUNDS)}
        bounds += [_Bound(place, kind, entry[kind], rest) for kind in known]
    return bounds


def _is_as_strict(new: _Bound, old: _Bound) -> bool:
    """Say whether whatever passes `new` passes `old`."""
    if not _is_as_sure(new.rest, old.rest):
        return False
    if new.limit == old.limit:
        return True
    if new.kind in _CHANGES:
        return _is_smaller_change(read_change(new.limit), read_change(old.limit))
    new_limit, old_limit = read_decimal(new.limit), read_decimal(old.limit)
    if new_limit is None or old_limit is None:
        return False
    return new_limit >= old_limit if new.kind in _AT_LEAST else new_limit <= old_limit


def _is_smaller_change(new: Change | None, old: Change | None) -> bool:
    """Compare two amounts, or two shares: which of an amount and a share is less, nobody knows."""
    if new is None or old is None:
        return False
    if new.amount == 0:
        return True
    return new.is_percent == old.is_percent and new.amount <= old.amount


def _is_as_sure(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Say whether a bound with a confidence asks for no less of it; without one asks least."""
    if {**new, "confidence": None} != {**old, "confidence": None}:
        return False
    new_level = read_decimal(new.get("confidence"))
    old_level = read_decimal(old.get("confidence"))
    return old_level is None or (new_level is not None and new_level >= old_level)
