"""`mlver list`: models, or one model's versions with their stages and metrics."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from mlver.errors import MlverError, summarise_error
from mlver.policy.chain import RecordSeal, SealState, judge_seal
from mlver.project.project import Project
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.tags import promotion_seals
from mlver.project.tags.promotion_seals import StageHolders
from mlver.records.values import flatten_values
from mlver.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVersion:
    """`fault` is why its record cannot be read: then only its number and stages are known.

    `unsealed_stages` are those of its stages that it was given by a promotion which no tag seals.
    `sealed` says whether its own tag seals it.
    """

    version: str
    created: str | None
    author: str | None
    message: str | None
    stages: tuple[str, ...]
    unsealed_stages: tuple[str, ...]
    metrics: Mapping[str, float]
    size: int | None
    sealed: bool
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """`versions` are the newest by precedence, highest first; `total` counts all of them.

    `faults` are about the model's other files that cannot be read: its settings, and the
    promotions that decide a stage.
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
    """The newest `limit` versions (None: all) of one model or of each.

    No record is opened that is not shown.
    """
    model_names = (
        project.registry.list_models() if model is None else [project.resolve_model(model)]
    )
    return ListResult(tuple(_list_model(project, model_name, limit) for model_name in model_names))


def _list_model(project: Project, model: str, limit: int | None) -> ListedModel:
    registry = project.registry
    numbers, version_count = registry.list_newest(model, sys.maxsize if limit is None else limit)
    reader = TolerantReader()
    holdings = reader.read_holdings(registry, model)
    settings = reader.try_reading(registry.read_settings, model)
    # All at once: git is asked once, however many versions there are.
    known_seals = promotion_seals.read_shown_seals(project, model, numbers, holdings)
    versions = []
    for number in numbers:
        stages = _list_held_stages(holdings, known_seals.stages, str(number))
        known_seal = known_seals.versions[str(number)]
        versions.append(_list_version(registry, model, number, stages, known_seal))
    return ListedModel(
        model=model,
        description=settings.description if settings else None,
        total=version_count,
        stages={stage: record.version for stage, (record, _) in holdings.items()},
        versions=tuple(versions),
        faults=reader.faults,
    )


@dataclass(frozen=True, slots=True)
class _HeldStages:
    """The stages that a version holds, and which of them by a promotion that no tag seals."""

    names: tuple[str, ...]
    unsealed: tuple[str, ...]


def _list_held_stages(
    holdings: StageHolders, states: Mapping[str, SealState], version: str
) -> _HeldStages:
    names: list[str] = []
    unsealed: list[str] = []
    for stage, (record, _) in holdings.items():
        if record.version != version:
            continue
        names.append(stage)
        if states[stage] == "unsealed":
            unsealed.append(stage)
    return _HeldStages(tuple(names), tuple(unsealed))


def _list_version(
    registry: RecordRegistry,
    model: str,
    number: Version,
    stages: _HeldStages,
    seal: RecordSeal | None,
) -> ListedVersion:
    # One record that cannot be read must not hide all the others.
    try:
        record, digest = registry.read_version(model, number)
    except MlverError as error:
        return ListedVersion(
            version=str(number),
            created=None,
            author=None,
            message=None,
            stages=stages.names,
            unsealed_stages=stages.unsealed,
            metrics={},
            size=None,
            sealed=False,
            fault=summarise_error(error),
        )
    return ListedVersion(
        version=record.version,
        created=record.created,
        author=record.author,
        message=record.message,
        stages=stages.names,
        unsealed_stages=stages.unsealed,
        metrics=flatten_values(record.metrics),
        size=record.weights.size,
        sealed=not judge_seal(model, number, digest, seal),
    )
