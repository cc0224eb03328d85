"""`mlver card`: what somebody has to know who is to use a version of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.evaluated_metrics import choose_evaluations
from mlver.project.project import Project
from mlver.project.registry.attached import NOTES, find_retirement
from mlver.records.artifact import Artifact
from mlver.records.model import ModelSettings
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CardStage:
    """A stage that the version holds, since when, and who moved it there."""

    stage: str
    since: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEvaluation:
    """The last evaluation of the version on a data set; `count` is its number of examples."""

    data: str
    digest: str
    created: str
    count: int | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardArtifact:
    """The weights or a data set, as the record pins them; `size` is in bytes."""

    name: str
    path: str
    files: int
    size: int
    digest: str
    format: str | None
    license: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDefect:
    """A remark on the version: when and by whom."""

    created: str
    author: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardResult:
    """A version for people who use it: what `model.yaml` says of its model, and its record.

    `metrics` are those of its training. `retired` says why nobody should use it, None where it is
    in use. `record` is the digest of the version's record.
    """

    model: str
    version: str
    description: str | None
    owner: str | None
    license: str | None
    intended_use: str | None
    limits: str | None
    created: str
    author: str
    message: str
    retired: str | None
    stages: tuple[CardStage, ...]
    weights: CardArtifact
    data: tuple[CardArtifact, ...]
    metrics: Mapping[str, Any]
    evaluations: tuple[CardEvaluation, ...]
    params: Mapping[str, Any]
    parent: str | None
    commit: str | None
    dirty: bool
    python: str | None
    command: str | None
    defects: tuple[CardDefect, ...]
    record: str


def describe_card(project: Project, ref: str | None) -> CardResult:
    """Describe the version that `ref` names; raise MlverError where its record cannot be read."""
    chosen = project.resolve_ref(ref)
    record, digest = project.registry.read_version(chosen.model, chosen.version)
    return build_card(project, record, digest)


def build_card(project: Project, record: VersionRecord, digest: Digest) -> CardResult:
    """Gather what the records say of a version; nothing is proven by it."""
    settings = project.registry.read_settings(record.model) or ModelSettings(model=record.model)
    retirement = find_retirement(project.registry, record.model, record.version)
    environment = record.environment
    return CardResult(
        model=record.model,
        version=record.version,
        description=settings.description,
        owner=settings.owner,
        license=record.weights.license or settings.license,
        intended_use=settings.intended_use,
        limits=settings.limits,
        created=record.created,
        author=record.author,
        message=record.message,
        retired=None if retirement is None else retirement.reason,
        stages=_list_stages(project, record),
        weights=_describe_artifact("weights", record.weights),
        data=tuple(_describe_artifact(name, data) for name, data in record.data.items()),
        metrics=flatten_values(record.metrics),
        evaluations=_list_evaluations(project, record, digest),
        params=flatten_values(record.params),
        parent=record.parent,
        commit=record.code.commit,
        dirty=record.code.dirty,
        python=None if environment is None else environment.python,
        command=None if environment is None else environment.command,
        defects=_list_defects(project, record),
        record=str(digest),
    )


def _list_stages(project: Project, record: VersionRecord) -> tuple[CardStage, ...]:
    stages: list[CardStage] = []
    for stage in project.registry.list_stages(record.model):
        holder = project.registry.find_holder(record.model, stage)
        if holder is not None and holder.version == record.version:
            stages.append(CardStage(stage=stage, since=holder.created, author=holder.author))
    return tuple(stages)


def _describe_artifact(name: str, artifact: Artifact) -> CardArtifact:
    return CardArtifact(
        name=name,
        path=artifact.path,
        files=artifact.files,
        size=artifact.size,
        digest=str(artifact.digest),
        format=artifact.format,
        license=artifact.license,
    )


def _list_evaluations(
    project: Project, record: VersionRecord, digest: Digest
) -> tuple[CardEvaluation, ...]:
    pins: dict[str, Digest] = {}
    try:
        datasets = project.registry.read_shown_config().datasets
        pins = {name: pin.digest for name, pin in datasets.items()}
    except MlverError as error:
        project.reporter.show_note(f"the settings cannot be read: {error}")
    history = project.registry.read_evaluations(record.model, record.version)
    return tuple(
        CardEvaluation(
            data=name,
            digest=str(evaluation.data[name].digest),
            created=evaluation.created,
            count=evaluation.count,
            metrics=flatten_values(evaluation.metrics),
        )
        for name, evaluation in choose_evaluations(history, digest, pins).items()
    )


def _list_defects(project: Project, record: VersionRecord) -> tuple[CardDefect, ...]:
    """List the remarks of people; what a drill found is no remark on the model."""
    return tuple(
        CardDefect(created=note.created, author=note.author, message=note.message)
        for note in NOTES.read_all(project.registry, record.model, record.version)
        if note.drill is None
    )
