"""Two sides changed the same settings: what both want, where they do not want different things."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.records.values import Document, Value, is_same_value

_ABSENT = object()


def merge_mappings(
    base: Mapping[str, Value], ours: Mapping[str, Value], theirs: Mapping[str, Value]
) -> tuple[Document, list[str]]:
    """The merged map in our order, and the dotted keys that both sides set to different values."""
    merged: Document = {}
    clashes: list[str] = []
    for setting_key in dict.fromkeys([*ours, *theirs]):
        merged_value, clashing = _merge_value(
            setting_key,
            base.get(setting_key, _ABSENT),
            ours.get(setting_key, _ABSENT),
            theirs.get(setting_key, _ABSENT),
        )
        clashes += clashing
        # A key that one side deleted, and the other left alone, is gone.
        if merged_value is not _ABSENT:
            merged[setting_key] = merged_value
    return merged, clashes


def _merge_value(
    key: str, former: object, ours: object, theirs: object
) -> tuple[object, list[str]]:
    """What a key is to hold, and the clashes in it: there, our value stays."""
    if is_same_value(ours, theirs) or is_same_value(theirs, former):
        return ours, []
    if is_same_value(ours, former):
        return theirs, []
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        before = former if isinstance(former, Mapping) else {}
        merged, clashes = merge_mappings(before, ours, theirs)
        return merged, [f"{key}.{clashing_key}" for clashing_key in clashes]
    return ours, [key]
