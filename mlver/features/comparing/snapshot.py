"""One side of a comparison: a version, or the work tree as it would be registered now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.hashing.read import PointerFile
from mlver.project.artifacts import measuring, modes
from mlver.project.artifacts.following import LinkNotFollowed
from mlver.project.artifacts.ignoring import IGNORE_FILE
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.registry import RecordRegistry
from mlver.project.worktree import value_files
from mlver.project.worktree.environment import capture_environment, find_remembered
from mlver.records.manifest import Manifest, ManifestEntry
from mlver.records.model import ArtifactSettings, Direction, ModelSettings
from mlver.records.references import VersionUse
from mlver.records.sections.encrypt import mask_secrets
from mlver.records.values import Document
from mlver.records.version import CodeState, TrainingEnvironment


@dataclass(frozen=True, slots=True)
class PinnedArtifact:
    """An artifact on one side. `digest` is None where its path is empty.

    `entries` lists its files, which takes a while. `pointers` are working files that stand in
    place of content. `dangling`: some of its files are links that lead nowhere. `unreadable` says
    why it cannot be read, as where a file is a FIFO, and `remedy` is a command that helps.
    `executable` are its files that may be executed, None where nothing says so; `has_modes` says
    whether the file system that they lie in keeps that bit. `elsewhere`: it lies at an address, and
    is not read to compare.
    """

    path: str
    digest: Digest | None
    size: int
    files: int
    form: str | None
    entries: Callable[[], tuple[ManifestEntry, ...]]
    pointers: tuple[PointerFile, ...] = ()
    dangling: bool = False
    unreadable: str | None = None
    remedy: str | None = None
    executable: frozenset[bytes] | None = None
    has_modes: Callable[[], bool] = lambda: True
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSnapshot:
    """`label` names the side; `lacking` are the files of params and metrics that do not exist."""

    model: str
    label: str
    artifacts: Mapping[str, PinnedArtifact]
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[VersionUse, ...] = ()
    environment: TrainingEnvironment | None
    code: CodeState
    lacking: tuple[str, ...] = ()

    @property
    def environment_document(self) -> Document:
        """The environment as a document, to be compared; empty where there is none."""
        if self.environment is None:
            return {}
        return self.environment.to_document()


def snapshot_version(project: Project, chosen: ResolvedRef) -> ModelSnapshot:
    """A registered version."""
    record, _ = project.registry.read_version(chosen.model, chosen.version)
    artifacts = {}
    for artifact_name, artifact in record.named_artifacts().items():
        artifacts[artifact_name] = PinnedArtifact(
            path=artifact.path,
            digest=artifact.digest,
            size=artifact.size,
            files=artifact.files,
            form=artifact.format,
            entries=partial(measuring.list_entries, project, artifact),
            executable=modes.pinned_executable(artifact),
        )
    return ModelSnapshot(
        model=record.model,
        label=f"{record.model} {record.version}",
        artifacts=artifacts,
        params=mask_secrets(record.params, record.secrets),
        metrics=record.metrics,
        labels=record.labels,
        uses=record.uses,
        environment=record.environment,
        code=record.code,
    )


@dataclass(frozen=True, slots=True)
class ComparedCode:
    """HEAD, and the paths that differ from it. Git looks at the whole work tree for it."""

    commit: str | None
    branch: str | None
    changed_paths: Sequence[str]

    @classmethod
    def read_from(cls, project: Project) -> ComparedCode:
        head_state = project.repository.head()
        changed_paths, _ = project.repository.changes()
        return cls(head_state.commit, head_state.branch, changed_paths)


def snapshot_work_tree(
    project: Project, model: str, *, environment: bool = False, code: ComparedCode | None = None
) -> ModelSnapshot:
    """The work tree, at the paths that `model.yaml` names.

    With `environment` that is captured too, which takes a while. `code` was read by who asks for
    many models.
    """
    settings = project.registry.read_settings(model)
    if settings is None or settings.weights is None:
        raise MlverError(
            f"{model} has no model.yaml, so mlver does not know where its files are",
            hint=shell_command("mlver", "register", model, "--weights", "PATH", "-m", "WHY"),
        )
    listed_artifacts = {"weights": settings.weights, **settings.data}
    artifacts = {}
    for artifact_name, artifact in listed_artifacts.items():
        artifacts[artifact_name] = _measure_artifact(project, model, artifact)
    lacking = []
    for value_path in (*settings.params, *settings.metrics):
        if not (project.top_folder / value_path).exists():
            lacking.append(value_path)
    plain = _gather_values(project, settings.params, settings.param_keys, lacking)
    params = project.registry.read_shown_config().encrypt.mask_params(plain)
    captured = None
    if environment:
        top = project.top_folder
        remembered = find_remembered(top, settings.environment)
        captured = capture_environment(top, params, settings.command, remembered)
    return ModelSnapshot(
        model=model,
        label=f"{model} (work tree)",
        artifacts=artifacts,
        params=params,
        metrics=_gather_values(project, settings.metrics, settings.metric_keys, lacking),
        environment=captured,
        code=_judge_code(project, code or ComparedCode.read_from(project), settings),
        lacking=tuple(lacking),
    )


def _gather_values(
    project: Project, files: Sequence[str], keys: Sequence[str], lacking: list[str]
) -> Mapping[str, Any]:
    # A file that does not exist yet is told by its name, and stops no comparison.
    present = [file_path for file_path in files if file_path not in lacking]
    return value_files.gather_values(project.top_folder, present, (), keys)


def _judge_code(project: Project, code: ComparedCode, settings: ModelSettings) -> CodeState:
    """HEAD, and whether anything but the model's own files differs from it."""
    own_paths = measuring.collect_own_paths(project, settings)
    dirty = False
    for changed_path in code.changed_paths:
        if not own_paths.covers_path(changed_path):
            dirty = True
    return CodeState(commit=code.commit, branch=code.branch, dirty=dirty)


def read_directions(registry: RecordRegistry, model: str) -> Mapping[str, Direction]:
    """Which way each metric of a model is better, as its `model.yaml` says."""
    settings = registry.read_settings(model)
    if settings is None:
        return {}
    return settings.directions


def keep_file_values(project: Project, old: ModelSnapshot, new: ModelSnapshot) -> ModelSnapshot:
    """`old` without the values that only its command line gave, for a comparison with files.

    Those are the values that no file has now, nor had in the commit the version was made from.
    """
    settings = project.registry.read_settings(old.model) or ModelSettings(model=old.model)
    commit = old.code.commit
    return replace(
        old,
        params=_select_file_values(project, commit, old.params, new.params, settings.params),
        metrics=_select_file_values(project, commit, old.metrics, new.metrics, settings.metrics),
    )


def _select_file_values(
    project: Project,
    commit: str | None,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    files: tuple[str, ...],
) -> Mapping[str, Any]:
    # Only for a value that no file has now is git asked, in one process, for the files of then.
    kept_values = value_files.select_common(old, new)
    if kept_values == old or commit is None:
        return kept_values
    contents = project.repository.blobs(f"{commit}:{file}" for file in files)
    past_values = value_files.read_past_values(zip(files, contents, strict=True))
    return value_files.select_common(old, new, past_values)


def _measure_artifact(project: Project, model: str, settings: ArtifactSettings) -> PinnedArtifact:
    artifact_path = settings.path
    follow = not settings.stored
    nothing = PinnedArtifact(artifact_path, None, 0, 0, settings.format, lambda: ())
    if settings.is_remote:
        return replace(nothing, elsewhere=True)
    try:
        measured = measuring.measure_at(project, artifact_path, keep_manifest=False, follow=follow)
        if measured is None and measuring.leaves_out_all(project, artifact_path, follow=follow):
            return replace(
                nothing,
                unreadable=f"{IGNORE_FILE} leaves out every file of it",
                remedy=shell_command("cat", "-n", "--", IGNORE_FILE),
            )
    except MlverError as error:
        # The rest of the work tree can be told all the same.
        reason = summarise_error(error, artifact_path)
        remedy = error.hint
        if isinstance(error, LinkNotFollowed):
            # Its own hint only looks at the link, and the reason does so already.
            remedy = shell_command("mlver", "checkout", model, "--follow")
        return replace(nothing, unreadable=reason, remedy=remedy)
    if measured is None:
        return nothing
    return PinnedArtifact(
        path=artifact_path,
        digest=measured.digest,
        size=measured.size,
        files=measured.files,
        form=settings.format,
        entries=partial(_list_working_files, project, settings),
        pointers=measured.pointers,
        dangling=bool(measured.dangling),
        executable=None if measured.executable is None else frozenset(measured.executable),
        has_modes=partial(modes.has_modes, project),
    )


def _list_working_files(project: Project, settings: ArtifactSettings) -> tuple[ManifestEntry, ...]:
    # The stat cache knows the files by now: they are listed again without being read.
    measured = measuring.measure_at(project, settings.path, follow=not settings.stored)
    if measured is None:
        return ()
    if not measured.manifest:
        return ((b"", measured.digest.hex),)
    return Manifest.parse(measured.manifest, settings.path).entries
