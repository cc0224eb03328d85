"""The fields of a run that a filter can ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TypeAlias

from mlver.policy.filters.comparisons import FieldKind
from mlver.policy.filters.fields import FilterField
from mlver.policy.filters.version_fields import join_keys
from mlver.records.run import RunRecord
from mlver.records.values import flatten_values

RunField: TypeAlias = FilterField[RunRecord]


def _read_record(kind: FieldKind, attribute: str) -> RunField:
    """A field that is an attribute of the record, or of a part of it that may be absent."""
    outer, _, inner = attribute.partition(".")

    def read_attribute(run: RunRecord, keys: Sequence[str]) -> object:
        value: object = getattr(run, outer)
        if inner and value is not None:
            value = attrgetter(inner)(value)
        # Digests are objects, and everything that shows or compares one expects its text.
        return value if kind != "hash" or value is None else str(value)

    return FilterField(kind, read_attribute)


def _read_nested(kind: FieldKind, attribute: str) -> RunField:
    """Values by the dotted names that screens give them."""
    read: Callable[[RunRecord], Mapping[str, object]] = attrgetter(attribute)

    def read_value(run: RunRecord, keys: Sequence[str]) -> object:
        return flatten_values(read(run)).get(join_keys(keys))

    return FilterField(kind, read_value, "NAME")


def _read_flat(kind: FieldKind, attribute: str) -> RunField:
    """Values in which nothing is nested, so that a dot belongs to the name."""
    read: Callable[[RunRecord], Mapping[str, object]] = attrgetter(attribute)

    def read_value(run: RunRecord, keys: Sequence[str]) -> object:
        return read(run).get(".".join(keys))

    return FilterField(kind, read_value, "NAME")


def _read_data(run: RunRecord, keys: Sequence[str]) -> object:
    artifact = run.data.get(".".join(keys))
    return None if artifact is None else str(artifact.digest)


RUN_FIELDS: Mapping[str, RunField] = {
    "model": _read_record("text", "model"),
    "run": _read_record("text", "run"),
    "created": _read_record("date", "created"),
    "author": _read_record("text", "author"),
    "message": _read_record("text", "message"),
    "command": _read_record("text", "command"),
    "outcome": _read_record("text", "outcome"),
    "exit_code": _read_record("number", "exit_code"),
    "duration": _read_record("number", "duration"),
    "resources": _read_flat("number", "resources"),
    "metrics": _read_nested("number", "metrics"),
    "params": _read_nested("value", "params"),
    "labels": _read_flat("value", "labels"),
    "data": FilterField("value", _read_data, "NAME"),
    "weights.digest": _read_record("hash", "weights.digest"),
    "weights.size": _read_record("number", "weights.size"),
    "code.commit": _read_record("hash", "code.commit"),
    "code.branch": _read_record("text", "code.branch"),
    "code.dirty": _read_record("flag", "code.dirty"),
    "environment.python": _read_record("text", "environment.python"),
    "environment.platform": _read_record("text", "environment.platform"),
    "environment.packages": _read_flat("text", "environment.packages"),
    "environment.accelerator": _read_record("text", "environment.accelerator"),
    "environment.seed": _read_record("number", "environment.seed"),
    "machine.processor": _read_record("text", "machine.processor"),
    "variables": _read_flat("text", "variables"),
    "points": _read_record("number", "points"),
    "pipeline": _read_record("text", "pipeline"),
    "step": _read_record("text", "step"),
    "batch": _read_record("text", "batch"),
}
