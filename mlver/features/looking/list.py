"""`mlver list`: models, or one model's versions with their stages and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.policy.chain import judge_seal
from mlver.project.project import Project
from mlver.project.registry.evaluated import EvaluatedReader
from mlver.project.registry.last_answers import read_last_answers
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.tags import promotion_seals
from mlver.project.tags.promotion_seals import ShownModel, ShownSeals, StageHolders
from mlver.records.model import Direction, ModelSettings
from mlver.records.promotion import Result
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord
from mlver.version import Version, highest_release, parse_version, sort_versions

ReadRecord: TypeAlias = tuple[VersionRecord, Digest]
ReadRecords: TypeAlias = Mapping[Version, ReadRecord | MlverError]

# The records of so many models are held in memory at once.
_READ_TOGETHER = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVersion:
    """`fault` is why its record cannot be read: then only its number and stages are known.

    `unsealed_stages` are those of its stages that it was given by a promotion which no tag seals.
    `sealed` says whether its own tag seals it. `retired` is why it is, and what to
    use instead. `evaluated` are metrics that were measured later, each with its data set
    (`accuracy@golden`). `values` are those that were asked for, by field.
    """

    version: str
    created: str | None
    author: str | None
    message: str | None
    stages: tuple[str, ...]
    unsealed_stages: tuple[str, ...]
    metrics: Mapping[str, float]
    evaluated: Mapping[str, float]
    values: Mapping[str, Any]
    size: int | None
    sealed: bool
    retired: str | None
    fault: str | None = None

    @property
    def all_metrics(self) -> Mapping[str, float]:
        """The metrics of its training, and those that were measured later."""
        return {**self.metrics, **self.evaluated} if self.evaluated else self.metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """`total` counts all versions, and `matching` those that were asked for.

    `latest` is the highest release, None where there is none. `stages` are the versions that stages
    hold, `unsealed_stages` those that a promotion without a seal gave, and `verdicts` the last
    answers about the versions that stages hold. `faults` are about files that cannot be read, other
    than the records of the versions shown.
    """

    model: str
    description: str | None
    total: int
    matching: int
    latest: str | None
    stages: Mapping[str, str]
    unsealed_stages: tuple[str, ...]
    verdicts: Mapping[str, Result]
    retired: tuple[str, ...]
    directions: Mapping[str, Direction]
    versions: tuple[ListedVersion, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListResult:
    """`read` is when the list was read, UTC, from which ages count."""

    read: str
    models: tuple[ListedModel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSource:
    """What a model's versions are chosen from."""

    project: Project
    model: str
    settings: ModelSettings | None
    held: Mapping[str, tuple[str, ...]]
    retired: Mapping[str, str]
    evaluated: EvaluatedReader

    def read_versions(self, numbers: Sequence[Version]) -> ReadRecords:
        """The records of versions, or why one cannot be read, in their order."""
        outcomes = self.project.registry.read_versions(self.model, numbers)
        return dict(zip(numbers, outcomes, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVersions:
    """Versions in the order in which they are shown.

    `total` counts all of the model, and `matching` those that were meant. `latest` is the highest
    release of all. `records` are theirs, and `values` the fields of theirs that were asked for.
    `faults` are about versions that are not shown.
    """

    numbers: Sequence[Version]
    total: int
    matching: int
    latest: Version | None
    records: ReadRecords
    values: Mapping[Version, Mapping[str, Any]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


class VersionFilter(Protocol):
    """Which versions are shown, in what order, and what of them."""

    def choose_versions(self, source: ListedSource) -> ListedVersions: ...


@dataclass(frozen=True, slots=True)
class NewestVersions:
    """The `limit` highest versions (None: all), and those below that hold a stage.

    No record is opened that is not shown.
    """

    limit: int | None = 20

    def choose_versions(self, source: ListedSource) -> ListedVersions:
        registry = source.project.registry
        if self.limit is None:
            numbers = registry.list_versions(source.model)[::-1]
            total = len(numbers)
        else:
            numbers, total = registry.list_newest(source.model, self.limit)
        latest = highest_release(numbers)
        if latest is None and len(numbers) < total:
            latest = highest_release(registry.list_versions(source.model))
        newest = set(map(str, numbers))
        # What is in production is the first question, however old it is.
        older = [parse_version(number) for number in source.held if number not in newest]
        shown = [*numbers, *sort_versions(older)[::-1]]
        return ListedVersions(
            numbers=shown,
            total=total,
            matching=total,
            latest=latest,
            records=source.read_versions(shown),
        )


def list_versions(
    project: Project, model: str | None = None, choice: VersionFilter | None = None
) -> ListResult:
    """The chosen versions of one model or of each; the newest, if nothing else is chosen."""
    if model is None:
        model_names = project.registry.list_models()
    else:
        model_names = [project.resolve_model(model)]
    models: list[ListedModel] = []
    for start in range(0, len(model_names), _READ_TOGETHER):
        read = [
            _read_model(project, name, choice or NewestVersions())
            for name in model_names[start : start + _READ_TOGETHER]
        ]
        # All at once: git is asked once, however many models and versions there are.
        shown = [ShownModel(one.source.model, one.chosen.numbers, one.holdings) for one in read]
        all_seals = promotion_seals.read_seals_of_models(project, shown)
        models += map(_list_model, read, all_seals)
    return ListResult(project.record_time, tuple(models))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadModel:
    """What was read of a model, but for its tags; `faults` are why some of it could not be."""

    source: ListedSource
    chosen: ListedVersions
    holdings: StageHolders
    verdicts: Mapping[str, Result]
    faults: tuple[str, ...]


def _read_model(project: Project, model: str, choice: VersionFilter) -> _ReadModel:
    registry = project.registry
    reader = TolerantReader()
    holdings = reader.read_holdings(registry, model)
    settings = reader.try_reading(registry.read_settings, model)
    source = ListedSource(
        project=project,
        model=model,
        settings=settings,
        held=_group_stages(holdings),
        retired=reader.read_retired(registry, model),
        evaluated=EvaluatedReader.open_model(registry, model, reader),
    )
    holders = {stage: record.version for stage, (record, _) in holdings.items()}
    verdicts = reader.try_reading(read_last_answers, registry, model, holders) or {}
    chosen = choice.choose_versions(source)
    return _ReadModel(
        source=source,
        chosen=chosen,
        holdings=holdings,
        verdicts=verdicts,
        faults=chosen.faults,
    )


def _list_model(read: _ReadModel, known_seals: ShownSeals) -> ListedModel:
    source, chosen = read.source, read.chosen
    reader = source.evaluated.reader
    settings = source.settings
    versions: list[ListedVersion] = []
    for number in chosen.numbers:
        versions.append(_list_version(source, chosen, number, known_seals))
    return ListedModel(
        model=source.model,
        description=settings.description if settings else None,
        total=chosen.total,
        matching=chosen.matching,
        latest=None if chosen.latest is None else str(chosen.latest),
        stages={stage: record.version for stage, (record, _) in read.holdings.items()},
        unsealed_stages=_list_unsealed(read.holdings, known_seals),
        verdicts=read.verdicts,
        retired=tuple(source.retired),
        directions=settings.directions if settings else {},
        versions=tuple(versions),
        # Some of them come with the versions.
        faults=(*reader.faults, *read.faults),
    )


def _group_stages(holdings: StageHolders) -> dict[str, tuple[str, ...]]:
    """The stages that each version holds."""
    held: dict[str, tuple[str, ...]] = {}
    for stage, (record, _) in holdings.items():
        held[record.version] = (*held.get(record.version, ()), stage)
    return held


def _list_unsealed(stages: Iterable[str], known_seals: ShownSeals) -> tuple[str, ...]:
    return tuple(stage for stage in stages if known_seals.stages[stage] == "unsealed")


def _list_version(
    source: ListedSource, chosen: ListedVersions, number: Version, known_seals: ShownSeals
) -> ListedVersion:
    stages = source.held.get(str(number), ())
    unsealed_stages = _list_unsealed(stages, known_seals)
    outcome = chosen.records[number]
    # One record that cannot be read must not hide all the others.
    if isinstance(outcome, MlverError):
        return ListedVersion(
            version=str(number),
            created=None,
            author=None,
            message=None,
            stages=stages,
            unsealed_stages=unsealed_stages,
            metrics={},
            evaluated={},
            values={},
            size=None,
            sealed=False,
            retired=source.retired.get(str(number)),
            fault=summarise_error(outcome),
        )
    record, digest = outcome
    seal = known_seals.versions[str(number)]
    is_sealed = not judge_seal(source.model, number, digest, seal)
    return ListedVersion(
        version=record.version,
        created=record.created,
        author=record.author,
        message=record.message,
        stages=stages,
        unsealed_stages=unsealed_stages,
        metrics=flatten_values(record.metrics),
        evaluated=source.evaluated.read_metrics(record.version, digest),
        values=chosen.values.get(number, {}),
        size=record.weights.size,
        sealed=is_sealed,
        retired=source.retired.get(str(number)),
    )
