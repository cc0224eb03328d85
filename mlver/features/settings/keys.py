"""The keys of a settings file, as its schema has them: `guard.pickle`, `stages.staging.after`.

The parts of a key stand between dots. A map of values that people name, such as `directions`, takes
all that follows as one name, because the name of a metric may hold dots.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlver.document.schema import NEWEST_FORMATS, load_schema

SettingsKind = Literal["config", "model"]
# What a file is: its schema and its place decide that.
FIXED = frozenset(("schema", "model"))
_ANY_NAME = "NAME"


@dataclass(frozen=True, slots=True)
class SettingKey:
    """`part` is the schema of its value. `is_named`: people chose its last name, as of a stage."""

    path: tuple[str, ...]
    part: Mapping[str, Any]
    is_named: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def is_group(self) -> bool:
        return "properties" in self.part or "additionalProperties" in self.part


def find_key(kind: SettingsKind, name: str) -> SettingKey | None:
    """Find the key that is called so; None where the schema knows none."""
    rest = name.split(".")
    if not all(rest) or rest[0] in FIXED:
        return None
    key = SettingKey((), load_schema(kind, NEWEST_FORMATS[kind]))
    while rest:
        part, is_named = _find_part(kind, key.part, rest[0])
        if part is None:
            return None
        taken = [rest.pop(0)]
        inner = SettingKey((), part)
        if is_named and not inner.is_group:
            taken += rest
            rest = []
        key = SettingKey((*key.path, ".".join(taken)), part, is_named)
    return key


def list_keys(kind: SettingsKind, document: Mapping[str, Any]) -> Iterator[SettingKey]:
    """Yield the key of every value that a document holds or may hold, in the schema's order.

    In a map whose names people choose, these are the names that it has, and then `NAME`.
    """
    root = SettingKey((), load_schema(kind, NEWEST_FORMATS[kind]))
    for key in _list_below(kind, root, document):
        if key.path[0] not in FIXED:
            yield key


def suggest_key(kind: SettingsKind, name: str) -> str | None:
    """Find the key that a wrong name was probably meant for."""
    known_names = [key.name for key in list_keys(kind, {}) if _ANY_NAME not in key.path]
    matches = difflib.get_close_matches(name, known_names, n=1)
    return matches[0] if matches else None


def is_placeholder(key: SettingKey) -> bool:
    """Whether somebody still has to choose a name in it."""
    return _ANY_NAME in key.path


def _list_below(
    kind: SettingsKind, key: SettingKey, document: Mapping[str, Any]
) -> Iterator[SettingKey]:
    for name, given_part in key.part.get("properties", {}).items():
        part = _follow_reference(kind, given_part)
        yield from _list_inside(kind, SettingKey((*key.path, name), part), document.get(name))
    others = key.part.get("additionalProperties")
    if not isinstance(others, dict):
        return
    part = _follow_reference(kind, others)
    for name in (*document, _ANY_NAME):
        named_key = SettingKey((*key.path, name), part, is_named=True)
        yield from _list_inside(kind, named_key, document.get(name))


def _list_inside(kind: SettingsKind, key: SettingKey, value: Any) -> Iterator[SettingKey]:
    if not key.is_group:
        yield key
        return
    yield from _list_below(kind, key, value if isinstance(value, dict) else {})


def _find_part(
    kind: SettingsKind, part: Mapping[str, Any], name: str
) -> tuple[Mapping[str, Any] | None, bool]:
    """Find the schema of a map's value, and whether people choose the names of that map."""
    properties = part.get("properties", {})
    if name in properties:
        return _follow_reference(kind, properties[name]), False
    others = part.get("additionalProperties")
    if isinstance(others, dict):
        return _follow_reference(kind, others), True
    return None, False


def _follow_reference(kind: SettingsKind, part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Join a part with the definition that it refers to; what it says itself counts more."""
    if "$ref" not in part:
        return part
    definitions = load_schema(kind, NEWEST_FORMATS[kind])["$defs"]
    return {**definitions[part["$ref"].removeprefix("#/$defs/")], **part}
