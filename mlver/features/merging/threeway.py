"""Two sides changed the same settings: what both want, where they do not want different things."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.records.values import Document, Value

_ABSENT = object()


def merge_mappings(
    base: Mapping[str, Value], ours: Mapping[str, Value], theirs: Mapping[str, Value]
) -> tuple[Document, list[str]]:
    """The merged map in our order, and the dotted keys that both sides set to different values."""
    merged: Document = {}
    clashes: list[str] = []
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        value = _merge_value(
            key, [side.get(key, _ABSENT) for side in (base, ours, theirs)], clashes
        )
        if value is not _ABSENT:
            merged[key] = value
    return merged, clashes


def _merge_value(key: str, sides: list[object], clashes: list[str]) -> object:
    was, mine, other = sides
    if _is_same_value(mine, other) or _is_same_value(other, was):
        return mine
    if _is_same_value(mine, was):
        return other
    if isinstance(mine, Mapping) and isinstance(other, Mapping):
        inner, found = merge_mappings(was if isinstance(was, Mapping) else {}, mine, other)
        clashes += [f"{key}.{name}" for name in found]
        return inner
    clashes.append(key)
    return mine


def _is_same_value(one: object, other: object) -> bool:
    """Equal values of equal types: 1 and true are two."""
    return type(one) is type(other) and repr(one) == repr(other)
