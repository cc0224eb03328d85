"""The free-form parts of a record (params, metrics, extra), of JSON types, and their flat view."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Leaf: TypeAlias = bool | int | float | str | None
Value: TypeAlias = "Leaf | Sequence[Value] | Mapping[str, Value]"
Values: TypeAlias = Mapping[str, Value]
Metrics: TypeAlias = "Mapping[str, float | Metrics]"
Document: TypeAlias = dict[str, Any]


def flatten_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested maps as one, keys joined by dots, in order: `{"a": {"b": 1}}` → `{"a.b": 1}`.

    Lists and empty maps are leaves. A key that itself holds a dot or a quote, or is empty, is
    written as a JSON string (`a."b.c"`), so two different leaves never share a name.
    """
    return dict(_iterate_leaves(values, ""))


def _iterate_leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = prefix + quote_name(key)
        if isinstance(value, Mapping) and value:
            yield from _iterate_leaves(value, name + ".")
        else:
            yield name, value


def quote_name(key: str) -> str:
    """Write one key as it stands in a dotted name."""
    if not key or "." in key or '"' in key:
        return json.dumps(key, ensure_ascii=False)
    return key


def pick_values(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Pick the values, and the groups of values, of these dotted names; all of them without names.

    They keep their places. Names of nothing are passed over.
    """
    if not names:
        return dict(values)
    return _pick_below(values, names, "")


def _pick_below(values: Mapping[str, Any], names: Sequence[str], prefix: str) -> dict[str, Any]:
    picked: dict[str, Any] = {}
    for key, value in values.items():
        name = prefix + quote_name(key)
        if name in names:
            picked[key] = value
        elif isinstance(value, Mapping) and any(other.startswith(f"{name}.") for other in names):
            inner = _pick_below(value, names, f"{name}.")
            if inner:
                picked[key] = inner
    return picked


def is_same_value(old: object, new: object) -> bool:
    """Say whether two values are the same: 1 and 1.0 are one number, and true is none."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if old.keys() != new.keys():
            return False
        return all(is_same_value(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(is_same_value, old, new))
    # `==` alone would take 1 for true.
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return old == new


def read_format(document: Mapping[str, Any]) -> int:
    """The number of a record's format, which its `schema` ends with."""
    return int(document["schema"].rpartition("/")[2])


def thaw_value(value: Any) -> Any:
    """A copy made of plain dicts and lists, as documents are."""
    if isinstance(value, Mapping):
        return {key: thaw_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [thaw_value(item) for item in value]
    return value


def drop_empty_values(**optional: Any) -> Document:
    """The optional keys that say something: neither None nor an empty map or list."""
    return {
        key: value for key, value in optional.items() if value is not None and value not in ({}, [])
    }
