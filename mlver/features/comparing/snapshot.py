"""One side of a comparison: a registered version, or the work tree as it would be registered now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts import measuring
from mlver.project.project import Project, ResolvedRef
from mlver.project.worktree import environment, value_files
from mlver.records.manifest import Manifest, ManifestEntry
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.values import Document
from mlver.records.version import CodeState, TrainingEnvironment


@dataclass(frozen=True, slots=True)
class PinnedArtifact:
    """An artifact on one side. `digest` is None where nothing is there; `entries` lists its files when asked."""

    path: str
    digest: Digest | None
    size: int
    files: int
    form: str | None
    entries: Callable[[], tuple[ManifestEntry, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSnapshot:
    """`label` names the side to people; `lacking` are parameter and metric files that are not there."""

    model: str
    label: str
    artifacts: Mapping[str, PinnedArtifact]
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: TrainingEnvironment | None
    code: CodeState
    lacking: tuple[str, ...] = ()

    @property
    def environment_document(self) -> Document:
        """The environment, to be compared; empty where there is none."""
        return self.environment.to_document() if self.environment else {}


def snapshot_version(project: Project, chosen: ResolvedRef) -> ModelSnapshot:
    """A registered version."""
    record, _ = project.registry.read_version(chosen.model, chosen.version)

    def pin_artifact(name: str) -> PinnedArtifact:
        found = record.named_artifacts()[name]
        return PinnedArtifact(
            found.path,
            found.digest,
            found.size,
            found.files,
            found.format,
            lambda: measuring.list_entries(project, found),
        )

    return ModelSnapshot(
        model=record.model,
        label=f"{record.model} {record.version}",
        artifacts={name: pin_artifact(name) for name in record.named_artifacts()},
        params=record.params,
        metrics=record.metrics,
        labels=record.labels,
        environment=record.environment,
        code=record.code,
    )


def snapshot_work_tree(project: Project, model: str, *, environment: bool = False) -> ModelSnapshot:
    """The work tree, at the places `model.yaml` tells. `environment` captures it too, which takes a while."""
    settings = project.registry.read_settings(model)
    if settings is None or settings.weights is None:
        raise MlverError(
            f"{model} has no model.yaml, so mlver does not know where its files are",
            hint=f"mlver register {model} --weights PATH -m WHY",
        )
    wanted = {"weights": settings.weights, **settings.data}
    changed, _ = project.repository.changes()
    own = measuring.collect_own_paths(settings)
    head = project.repository.head()
    lacking = tuple(
        path
        for path in (*settings.params, *settings.metrics)
        if not (project.top_folder / path).exists()
    )
    params = value_files.gather_values(
        project.top_folder, _list_present(settings.params, lacking), ()
    )
    return ModelSnapshot(
        model=model,
        label=f"{model} (work tree)",
        artifacts={name: _measure_artifact(project, artifact) for name, artifact in wanted.items()},
        params=params,
        metrics=value_files.gather_values(
            project.top_folder, _list_present(settings.metrics, lacking), ()
        ),
        environment=_capture_environment(project, settings, params) if environment else None,
        code=CodeState(
            commit=head.commit,
            branch=head.branch,
            dirty=any(not own.covers_path(path) for path in changed),
        ),
        lacking=lacking,
    )


def keep_file_values(project: Project, old: ModelSnapshot, new: ModelSnapshot) -> ModelSnapshot:
    """`old` without the values that were given on its command line, to be compared with the work tree's files.

    Those are the ones no file has now, nor had in the commit the version was made from.
    """
    settings = project.registry.read_settings(old.model) or ModelSettings(model=old.model)
    return replace(
        old,
        params=_select_file_values(project, old, old.params, new.params, settings.params),
        metrics=_select_file_values(project, old, old.metrics, new.metrics, settings.metrics),
    )


def _select_file_values(
    project: Project,
    side: ModelSnapshot,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    files: tuple[str, ...],
) -> Mapping[str, Any]:
    kept = value_files.select_common(old, new)
    if kept == old or side.code.commit is None:
        return kept
    then = project.repository.blobs(f"{side.code.commit}:{file}" for file in files)
    return value_files.select_common(
        old, new, value_files.read_past_values(zip(files, then, strict=True))
    )


def _measure_artifact(project: Project, settings: ArtifactSettings) -> PinnedArtifact:
    path = settings.path
    found = measuring.measure_at(project, path, keep_manifest=False)
    if found is None:
        return PinnedArtifact(path, None, 0, 0, settings.format, lambda: ())

    def list_entries() -> tuple[ManifestEntry, ...]:
        # its files are known to the stat cache by now: this lists them again without reading them
        again = measuring.measure_at(project, path)
        if again is None:
            return ()
        return (
            Manifest.parse(again.manifest, path).entries
            if again.manifest
            else ((b"", again.digest.hex),)
        )

    return PinnedArtifact(
        path, found.digest, found.size, found.files, settings.format, list_entries
    )


def _capture_environment(
    project: Project, settings: ModelSettings, params: Mapping[str, Any]
) -> TrainingEnvironment:
    return environment.capture_environment(project.top_folder, params, settings.command)


def _list_present(files: tuple[str, ...], lacking: tuple[str, ...]) -> list[str]:
    return [path for path in files if path not in lacking]
