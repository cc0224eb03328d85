"""Metrics by their dotted names, in which `*` stands for any one key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from mlver.records.values import quote_name

_ANY = "*"
_PLAIN = re.compile(r'[^."]+')
_DECODER = json.JSONDecoder()


def split_name(name: str) -> tuple[str, ...] | None:
    """Split a dotted name into its keys, as `flatten_values` joins them; None for no such name."""
    keys: list[str] = []
    position = 0
    while True:
        key, position = _read_key(name, position)
        if key is None:
            return None
        keys.append(key)
        if position == len(name):
            return tuple(keys)
        if name[position] != ".":
            return None
        position += 1


def _read_key(name: str, position: int) -> tuple[str | None, int]:
    if name.startswith('"', position):
        try:
            key, end = _DECODER.raw_decode(name, position)
        except (ValueError, RecursionError):
            return None, position
        return key, end
    match = _PLAIN.match(name, position)
    return (None, position) if match is None else (match[0], match.end())


def has_wildcard(name: str) -> bool:
    return _ANY in (split_name(name) or ())


def find_metrics(metrics: Mapping[str, object], name: str) -> dict[str, object]:
    """Find the values that a name stands for, by their own dotted names; maps are none."""
    keys = split_name(name)
    if keys is None:
        return {}
    return dict(_walk_metrics(metrics, keys, ""))


def _walk_metrics(
    metrics: Mapping[str, object], keys: Sequence[str], prefix: str
) -> Iterator[tuple[str, object]]:
    first, *rest = keys
    chosen = list(metrics) if first == _ANY else [first]
    for key in chosen:
        value = metrics.get(key)
        name = f"{prefix}{quote_name(key)}"
        if rest and isinstance(value, Mapping):
            yield from _walk_metrics(value, rest, f"{name}.")
        elif not rest and key in metrics and not isinstance(value, Mapping):
            yield name, value
