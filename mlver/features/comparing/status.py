"""`mlver status`: the work tree against each model's highest version, and the bump that would suit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from mlver.features.comparing.artifact_diff import ArtifactDiff, compare_artifacts
from mlver.features.comparing.snapshot import (
    ModelSnapshot,
    PinnedArtifact,
    keep_file_values,
    snapshot_version,
    snapshot_work_tree,
)
from mlver.features.comparing.value_diff import (
    MetricChange,
    ValueChange,
    compare_metrics,
    compare_values,
    suggest_bump,
)
from mlver.project.artifacts import formats
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry import tolerant
from mlver.version import Bump, Version, bump_version

_RECENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """`version` is what the work tree is compared with: the version it holds, after a checkout, else the `latest`.

    `commits` counts HEAD's commits since its code, None where unknown. `bump` is None when nothing that a version pins
    has changed; `next` is the version it would make.
    """

    model: str
    version: str
    latest: str
    artifacts: tuple[ArtifactDiff, ...]
    params: tuple[ValueChange, ...]
    metrics: tuple[MetricChange, ...]
    lacking: tuple[str, ...]
    commits: int | None
    dirty: bool
    bump: Bump | None
    next: str | None

    @property
    def differs(self) -> bool:
        return self.bump is not None or any(
            artifact.state == "missing" for artifact in self.artifacts
        )


@dataclass(frozen=True, slots=True)
class StatusResult:
    """`faults` are why some records cannot be read; the work tree was compared with those that can."""

    models: tuple[ModelStatus, ...]
    faults: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return any(model.differs for model in self.models)


def find_status(project: Project, model: str | None = None) -> StatusResult:
    """The work tree's state for one model, or for every one. Reads only files the stat cache cannot vouch for."""
    names = (
        [project.resolve_model(model)]
        if model is not None or not project.registry.list_models()
        else project.registry.list_models()
    )
    faults: list[str] = []
    readable = {name: _list_readable(project, name, faults) for name in names}
    found = [
        _find_model_status(project, name, versions, faults)
        for name, versions in readable.items()
        if versions
    ]
    return StatusResult(tuple(found), tuple(dict.fromkeys(faults)))


def _list_readable(project: Project, model: str, faults: list[str]) -> list[Version]:
    """The newest versions of a model, lowest first, up to the highest whose record can be read."""
    limit = 2 * _RECENT
    while True:
        newest, total = project.registry.list_newest(model, limit)
        versions = newest[::-1]
        while (
            versions
            and tolerant.read_or_note(
                partial(project.registry.read_version, model, versions[-1]), faults
            )
            is None
        ):
            versions.pop()
        if versions or limit >= total:
            return versions
        limit *= 10


def _find_model_status(
    project: Project, model: str, versions: list[Version], faults: list[str]
) -> ModelStatus:
    new = snapshot_work_tree(project, model)
    version = _find_held_version(project, model, versions, new, faults)
    old = keep_file_values(project, snapshot_version(project, ResolvedRef(model, version)), new)
    settings = project.registry.read_settings(model)
    artifacts = tuple(compare_artifacts(old, new))
    params = compare_values(old.params, new.params)
    part = _suggest_bump(old, new, artifacts, params) if version == versions[-1] else None
    return ModelStatus(
        model=model,
        version=str(version),
        latest=str(versions[-1]),
        artifacts=artifacts,
        params=params,
        metrics=compare_metrics(old.metrics, new.metrics, settings.directions if settings else {}),
        lacking=new.lacking,
        commits=_count_commits(project, old.code.commit, new.code.commit),
        dirty=new.code.dirty,
        bump=part,
        next=str(bump_version(version, part)) if part else None,
    )


def _find_held_version(
    project: Project, model: str, versions: list[Version], new: ModelSnapshot, faults: list[str]
) -> Version:
    """The version whose artifacts the work tree holds, of the newest and those a stage holds; else the latest."""
    staged = set(tolerant.read_holders(project.registry, model, faults).values())
    recent = versions[: -_RECENT - 1 : -1]
    for version in [*recent, *(version for version in versions if str(version) in staged)]:
        read = tolerant.read_or_note(partial(project.registry.read_version, model, version), faults)
        pinned = (
            {name: artifact.digest for name, artifact in read[0].named_artifacts().items()}
            if read
            else None
        )
        if pinned == {name: artifact.digest for name, artifact in new.artifacts.items()}:
            return version
    return versions[-1]


def _suggest_bump(
    old: ModelSnapshot,
    new: ModelSnapshot,
    artifacts: tuple[ArtifactDiff, ...],
    params: tuple[ValueChange, ...],
) -> Bump | None:
    changed = {
        artifact.name for artifact in artifacts if artifact.state not in ("unchanged", "missing")
    }
    gone = old.artifacts.keys() - new.artifacts.keys()
    reshaped = "weights" in changed and old.artifacts["weights"].form != _find_form(
        new.artifacts["weights"]
    )
    return suggest_bump(
        form=bool(gone) or reshaped,
        inputs=bool(params) or bool(changed - {"weights"}),
        weights="weights" in changed,
    )


def _find_form(weights: PinnedArtifact) -> str | None:
    names = [os.fsdecode(name) or weights.path for name, _ in weights.entries()]
    return weights.form or formats.detect_format(names)


def _count_commits(project: Project, old: str | None, new: str | None) -> int | None:
    return None if old is None or new is None else project.repository.count_between(old, new)
