"""The fields of a version that a filter can ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeAlias

from mlver.policy.filters.comparisons import FieldKind
from mlver.policy.filters.fields import FilterField
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class FilteredVersion:
    """A version as a filter sees it: its record, and what the repository says of it.

    `is_sealed` is called only for a filter that asks, since it costs a look at the tags.
    `retired` is why it is.
    """

    record: VersionRecord
    stages: tuple[str, ...]
    is_sealed: Callable[[], bool]
    retired: str | None = None


VersionField: TypeAlias = FilterField[FilteredVersion]


def join_keys(keys: Sequence[str]) -> str:
    """The name that `flatten_values` gives to these keys."""
    names: list[str] = []
    for key in keys:
        is_odd = not key or "." in key or '"' in key
        names.append(json.dumps(key, ensure_ascii=False) if is_odd else key)
    return ".".join(names)


def _read_record(kind: FieldKind, attribute: str) -> VersionField:
    """A field that is an attribute of the record, or of a part of it that may be absent."""
    read = attrgetter(attribute)

    def read_attribute(version: FilteredVersion, keys: Sequence[str]) -> object:
        # Only an environment may be absent.
        if attribute.startswith("environment.") and version.record.environment is None:
            return None
        value: object = read(version.record)
        # Digests are objects, and everything that shows or compares one expects its text.
        return value if kind != "hash" or value is None else str(value)

    return FilterField(kind, read_attribute)


def _read_nested(kind: FieldKind, attribute: str) -> VersionField:
    """Values by the dotted names that screens give them."""
    read: Callable[[VersionRecord], Mapping[str, object]] = attrgetter(attribute)

    def read_value(version: FilteredVersion, keys: Sequence[str]) -> object:
        return flatten_values(read(version.record)).get(join_keys(keys))

    return FilterField(kind, read_value, "NAME")


def _read_label(version: FilteredVersion, keys: Sequence[str]) -> object:
    # Nothing is nested in labels, so a dot belongs to the name.
    return version.record.labels.get(".".join(keys))


def _read_package(version: FilteredVersion, keys: Sequence[str]) -> object:
    environment = version.record.environment
    return None if environment is None else environment.packages.get(".".join(keys))


def _read_data(version: FilteredVersion, keys: Sequence[str]) -> object:
    """A data set's digest, or what else is behind its name: `train`, `train.size`."""
    artifact = version.record.data.get(keys[0])
    if artifact is None or len(keys) > 2:
        return None
    if len(keys) == 1 or keys[1] == "digest":
        return str(artifact.digest)
    value: object = artifact.to_document().get(keys[1])
    return value


VERSION_FIELDS: Mapping[str, VersionField] = {
    "model": _read_record("text", "model"),
    "version": _read_record("version", "version"),
    "stage": FilterField("names", lambda version, _: version.stages),
    "created": _read_record("date", "created"),
    "author": _read_record("text", "author"),
    "message": _read_record("text", "message"),
    "sealed": FilterField("flag", lambda version, _: version.is_sealed()),
    "retired": FilterField("flag", lambda version, _: version.retired is not None),
    "retired.reason": FilterField("text", lambda version, _: version.retired),
    "metrics": _read_nested("number", "metrics"),
    "params": _read_nested("value", "params"),
    "labels": FilterField("value", _read_label, "NAME"),
    "parent": _read_record("version", "parent"),
    "previous": _read_record("version", "predecessor"),
    "update": _read_record("text", "update"),
    "weights.path": _read_record("text", "weights.path"),
    "weights.digest": _read_record("hash", "weights.digest"),
    "weights.size": _read_record("number", "weights.size"),
    "weights.files": _read_record("number", "weights.files"),
    "weights.format": _read_record("text", "weights.format"),
    "weights.batch": _read_record("text", "weights.batch"),
    "weights.license": _read_record("text", "weights.license"),
    "weights.stored": _read_record("flag", "weights.stored"),
    "data": FilterField("value", _read_data, "NAME"),
    "code.commit": _read_record("hash", "code.commit"),
    "code.branch": _read_record("text", "code.branch"),
    "code.dirty": _read_record("flag", "code.dirty"),
    "environment.python": _read_record("text", "environment.python"),
    "environment.platform": _read_record("text", "environment.platform"),
    "environment.packages": FilterField("text", _read_package, "NAME"),
    "environment.command": _read_record("text", "environment.command"),
    "environment.accelerator": _read_record("text", "environment.accelerator"),
    "environment.seed": _read_record("number", "environment.seed"),
    "run": _read_record("text", "run"),
    "pipeline": _read_record("text", "pipeline"),
    "step": _read_record("text", "step"),
    "extra": _read_nested("value", "extra"),
}
