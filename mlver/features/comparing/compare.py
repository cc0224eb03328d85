"""`mlver compare`: versions side by side, and the rows in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.errors import UsageError, shell_command
from mlver.features.comparing.snapshot import read_directions
from mlver.project.project import Project
from mlver.project.registry.attached import find_retirement
from mlver.project.registry.registry import RecordRegistry
from mlver.records.artifact import Artifact
from mlver.records.model import Direction
from mlver.records.values import Value, flatten_values, is_same_value, thaw_value
from mlver.records.version import VersionRecord

RowGroup = Literal["metrics", "params", "artifacts", "environment", "labels", "code"]


@dataclass(frozen=True, slots=True)
class ComparedVersion:
    """`retired` is why it is, and what to use instead."""

    model: str
    version: str
    retired: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """A field in which the versions differ, under the name that a filter of `list` gives it.

    `values` are in the order of the versions, None where one has none. `best` are the places of the
    best of them, where `direction` says which way is better.
    """

    group: RowGroup
    field: str
    values: tuple[Value, ...]
    direction: Direction | None
    best: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareResult:
    """`same` counts the fields, but for packages, that are the same in all versions."""

    versions: tuple[ComparedVersion, ...]
    rows: tuple[ComparedRow, ...]
    same: int

    @property
    def differs(self) -> bool:
        return bool(self.rows)


def compare_versions(project: Project, refs: Sequence[str]) -> CompareResult:
    """Compare two versions or more; a selector alone means a version of the first one's model."""
    if len(refs) < 2:
        raise UsageError(
            "compare takes two versions or more; one is compared with the work tree by diff",
            hint=shell_command("mlver", "diff", *refs),
        )
    first = project.resolve_ref(refs[0])
    chosen = [first]
    for ref in refs[1:]:
        chosen.append(project.resolve_ref(ref, first.model))
    records: list[VersionRecord] = []
    for model, version in chosen:
        records.append(project.registry.read_version(model, version)[0])
    directions = _agree_directions(project.registry, [record.model for record in records])
    rows: list[ComparedRow] = []
    same = 0
    for group, field_values in _list_fields(records, directions):
        for field, values in field_values.items():
            if _are_same(values, len(records)):
                # Packages are too many to be counted with what people chose.
                same += not field.startswith("environment.packages.")
                continue
            direction = directions.get(field.removeprefix("metrics."))
            rows.append(_build_row(group, field, values, len(records), direction))
    versions = tuple(_describe_version(project.registry, record) for record in records)
    return CompareResult(versions=versions, rows=tuple(rows), same=same)


def _describe_version(registry: RecordRegistry, record: VersionRecord) -> ComparedVersion:
    retirement = find_retirement(registry, record.model, record.version)
    reason = None if retirement is None else retirement.reason
    return ComparedVersion(record.model, record.version, reason)


# The values of one field, by the place of the version that has it.
_PlacedValues = Mapping[int, Value]


def _agree_directions(registry: RecordRegistry, models: Iterable[str]) -> dict[str, Direction]:
    """Which way each metric is better, but for those about which the models disagree."""
    directions: dict[str, Direction] = {}
    disputed: set[str] = set()
    for model in dict.fromkeys(models):
        for metric, direction in read_directions(registry, model).items():
            if directions.setdefault(metric, direction) != direction:
                disputed.add(metric)
    for metric in disputed:
        del directions[metric]
    return directions


def _list_fields(
    records: Sequence[VersionRecord], directions: Mapping[str, Direction]
) -> list[tuple[RowGroup, Mapping[str, _PlacedValues]]]:
    metrics = _gather_fields("metrics.", [record.metrics for record in records])
    first = [f"metrics.{metric}" for metric in directions if f"metrics.{metric}" in metrics]
    ordered = {field: metrics[field] for field in dict.fromkeys([*first, *metrics])}
    environments: list[Mapping[str, Value]] = []
    for record in records:
        environment = record.environment
        environments.append({} if environment is None else environment.to_document())
    return [
        ("metrics", ordered),
        ("params", _gather_fields("params.", [record.params for record in records])),
        ("artifacts", _gather_fields("", list(map(_describe_artifacts, records)))),
        ("environment", _gather_fields("environment.", environments)),
        ("labels", _gather_fields("labels.", [record.labels for record in records])),
        ("code", _gather_fields("", list(map(_describe_origin, records)))),
    ]


def _gather_fields(
    prefix: str, sides: Sequence[Mapping[str, Value]]
) -> dict[str, dict[int, Value]]:
    """Each leaf of any side by its dotted name."""
    fields: dict[str, dict[int, Value]] = {}
    for place, side in enumerate(sides):
        for name, value in flatten_values(side).items():
            # An empty group beside one with members is no value of its own.
            if value != {}:
                fields.setdefault(f"{prefix}{name}", {})[place] = thaw_value(value)
    return fields


def _describe_artifacts(record: VersionRecord) -> Mapping[str, Value]:
    data = {name: _describe_artifact(artifact) for name, artifact in record.data.items()}
    return {"weights": _describe_artifact(record.weights), "data": data}


def _describe_artifact(artifact: Artifact) -> Mapping[str, Value]:
    described: dict[str, Value] = {
        "digest": str(artifact.digest),
        "size": artifact.size,
        "files": artifact.files,
        "path": artifact.path,
    }
    optional = {
        "format": artifact.format,
        "batch": artifact.batch,
        "license": artifact.license,
    }
    described.update({key: value for key, value in optional.items() if value is not None})
    return described


def _describe_origin(record: VersionRecord) -> Mapping[str, Value]:
    """The code, and what the version was trained from."""
    described: dict[str, Value] = {"parent": record.parent, "update": record.update}
    code: dict[str, Value] = {"commit": record.code.commit, "dirty": record.code.dirty}
    return {"code": code, **described}


def _are_same(values: _PlacedValues, count: int) -> bool:
    first, *others = values.values()
    return len(values) == count and all(is_same_value(first, value) for value in others)


def _build_row(
    group: RowGroup, field: str, values: _PlacedValues, count: int, direction: Direction | None
) -> ComparedRow:
    numbers: dict[int, float] = {}
    for place, value in values.items():
        if type(value) in (int, float) and group == "metrics" and direction is not None:
            numbers[place] = value  # type: ignore[assignment]
    best: list[int] = []
    # Where all that have it have the same value, none is the best.
    if len(set(numbers.values())) > 1:
        wanted = max(numbers.values()) if direction == "higher" else min(numbers.values())
        best = [place for place, number in numbers.items() if number == wanted]
    return ComparedRow(
        group=group,
        field=field,
        values=tuple(values.get(place) for place in range(count)),
        direction=direction if group == "metrics" else None,
        best=tuple(best),
    )
