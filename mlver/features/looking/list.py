"""`mlver list`: models, or one model's versions with their stages and metrics."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.policy.chain import RecordSeal, judge_seal
from mlver.project.project import Project
from mlver.project.registry import tolerant
from mlver.project.registry.registry import RecordRegistry
from mlver.project.tags import seals
from mlver.records.values import flatten_values
from mlver.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVersion:
    """`fault` is why its record cannot be read: nothing else is known of it then. `sealed`: its tag seals it."""

    version: str
    created: str | None
    author: str | None
    message: str | None
    stages: tuple[str, ...]
    metrics: Mapping[str, float]
    size: int | None
    sealed: bool
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """`versions` are the newest by precedence, highest first; `total` counts all of them.

    `faults` are the model's other files that cannot be read: settings, and promotions that decide a stage.
    """

    model: str
    description: str | None
    total: int
    stages: Mapping[str, str]
    versions: tuple[ListedVersion, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListResult:
    models: tuple[ListedModel, ...]


def list_versions(
    project: Project, model: str | None = None, *, limit: int | None = 20
) -> ListResult:
    """The newest `limit` versions (None: all) of one model or of each; opens no record it does not show."""
    names = [project.resolve_model(model)] if model is not None else project.registry.list_models()
    return ListResult(tuple(_list_model(project, name, limit) for name in names))


def _list_model(project: Project, model: str, limit: int | None) -> ListedModel:
    registry = project.registry
    shown, total = registry.list_newest(model, sys.maxsize if limit is None else limit)
    faults: list[str] = []
    held = tolerant.read_holders(registry, model, faults)
    sealed = seals.read_seals(project, model, shown)
    settings = tolerant.read_or_note(lambda: registry.read_settings(model), faults)
    return ListedModel(
        model=model,
        description=settings.description if settings else None,
        total=total,
        stages=held,
        versions=tuple(
            _list_version(registry, model, number, held, sealed[str(number)]) for number in shown
        ),
        faults=tuple(faults),
    )


def _list_version(
    registry: RecordRegistry,
    model: str,
    number: Version,
    held: Mapping[str, str],
    seal: RecordSeal | None,
) -> ListedVersion:
    stages = tuple(stage for stage, version in held.items() if version == str(number))
    try:
        record, digest = registry.read_version(model, number)
    except MlverError as error:
        return ListedVersion(
            version=str(number),
            created=None,
            author=None,
            message=None,
            stages=stages,
            metrics={},
            size=None,
            sealed=False,
            fault=error.message,
        )
    return ListedVersion(
        version=record.version,
        created=record.created,
        author=record.author,
        message=record.message,
        stages=stages,
        metrics=flatten_values(record.metrics),
        size=record.weights.size,
        sealed=not judge_seal(model, number, digest, seal),
    )
