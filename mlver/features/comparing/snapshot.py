"""One side of a comparison: a registered version, or the work tree as it would be registered now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts import measuring
from mlver.project.project import Chosen, Project
from mlver.project.worktree import environment, value_files
from mlver.records.manifest import Entry, Manifest
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.values import Document
from mlver.records.version import Code, Environment


@dataclass(frozen=True, slots=True)
class Pinned:
    """An artifact on one side. `digest` is None where nothing is there; `entries` lists its files when asked."""

    path: str
    digest: Digest | None
    size: int
    files: int
    form: str | None
    entries: Callable[[], tuple[Entry, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`label` names the side to people; `lacking` are parameter and metric files that are not there."""

    model: str
    label: str
    artifacts: Mapping[str, Pinned]
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Environment | None
    code: Code
    lacking: tuple[str, ...] = ()

    @property
    def surroundings(self) -> Document:
        """The environment, to be compared; empty where there is none."""
        return self.environment.to_document() if self.environment else {}


def of_version(project: Project, chosen: Chosen) -> Snapshot:
    """A registered version."""
    record, _ = project.registry.version(chosen.model, chosen.version)

    def pinned(name: str) -> Pinned:
        found = record.artifacts()[name]
        return Pinned(
            found.path,
            found.digest,
            found.size,
            found.files,
            found.format,
            lambda: measuring.contents(project, found),
        )

    return Snapshot(
        model=record.model,
        label=f"{record.model} {record.version}",
        artifacts={name: pinned(name) for name in record.artifacts()},
        params=record.params,
        metrics=record.metrics,
        labels=record.labels,
        environment=record.environment,
        code=record.code,
    )


def of_work_tree(project: Project, model: str, *, environment: bool = False) -> Snapshot:
    """The work tree, at the places `model.yaml` tells. `environment` captures it too, which takes a while."""
    settings = project.registry.settings(model)
    if settings is None or settings.weights is None:
        raise MlverError(
            f"{model} has no model.yaml, so mlver does not know where its files are",
            hint=f"mlver register {model} --weights PATH -m WHY",
        )
    wanted = {"weights": settings.weights, **settings.data}
    changed, _ = project.repository.changes()
    own = measuring.own_paths(settings)
    head = project.repository.head()
    lacking = tuple(path for path in (*settings.params, *settings.metrics) if not (project.top / path).exists())
    params = value_files.gather(project.top, _there(settings.params, lacking), ())
    return Snapshot(
        model=model,
        label=f"{model} (work tree)",
        artifacts={name: _working(project, artifact) for name, artifact in wanted.items()},
        params=params,
        metrics=value_files.gather(project.top, _there(settings.metrics, lacking), ()),
        environment=_captured(project, settings, params) if environment else None,
        code=Code(commit=head.commit, branch=head.branch, dirty=any(not own.covers(path) for path in changed)),
        lacking=lacking,
    )


def told_by_files(project: Project, old: Snapshot, new: Snapshot) -> Snapshot:
    """`old` without the values that were given on its command line, to be compared with the work tree's files.

    Those are the ones no file has now, nor had in the commit the version was made from.
    """
    settings = project.registry.settings(old.model) or ModelSettings(model=old.model)
    return replace(
        old,
        params=_told(project, old, old.params, new.params, settings.params),
        metrics=_told(project, old, old.metrics, new.metrics, settings.metrics),
    )


def _told(
    project: Project, side: Snapshot, old: Mapping[str, Any], new: Mapping[str, Any], files: tuple[str, ...]
) -> Mapping[str, Any]:
    kept = value_files.common(old, new)
    if kept == old or side.code.commit is None:
        return kept
    then = project.repository.blobs(f"{side.code.commit}:{file}" for file in files)
    return value_files.common(old, new, value_files.said(zip(files, then, strict=True)))


def _working(project: Project, settings: ArtifactSettings) -> Pinned:
    path = settings.path
    found = measuring.measure_at(project, path, keep_manifest=False)
    if found is None:
        return Pinned(path, None, 0, 0, settings.format, lambda: ())

    def entries() -> tuple[Entry, ...]:
        # its files are known to the stat cache by now: this lists them again without reading them
        again = measuring.measure_at(project, path)
        if again is None:
            return ()
        return Manifest.parse(again.manifest, path).entries if again.manifest else ((b"", again.digest.hex),)

    return Pinned(path, found.digest, found.size, found.files, settings.format, entries)


def _captured(project: Project, settings: ModelSettings, params: Mapping[str, Any]) -> Environment:
    return environment.capture(project.top, params, settings.command)


def _there(files: tuple[str, ...], lacking: tuple[str, ...]) -> list[str]:
    return [path for path in files if path not in lacking]
