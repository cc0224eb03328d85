"""`mlver register`: hash and store the artifacts, write the record, commit it and seal it with a tag."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mlver import names
from mlver.digest import Digest
from mlver.document import codec
from mlver.document.amend import amend_document
from mlver.errors import MlverError, UsageError, shell_command, summarise_names
from mlver.policy.numbering import next_version
from mlver.project.artifacts import formats, measuring, storing
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.manifests import put_new_files
from mlver.project.project import Project
from mlver.project.tags import planned_tags, seals
from mlver.project.transaction import editing
from mlver.project.worktree import environment, value_files
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import read_paths
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.tags import version_tag_name
from mlver.records.values import flatten_values
from mlver.records.version import CodeState, Update, VersionRecord
from mlver.version import Bump, Version, highest_version, parse_version

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRequest:
    """What the person asked for. Paths are as typed; what is left out comes from `model.yaml`."""

    model: str
    message: str
    weights: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    params_files: Sequence[str] = ()
    params: Sequence[str] = ()
    metrics_files: Sequence[str] = ()
    metrics: Sequence[str] = ()
    version: str | None = None
    bump: Bump | None = None
    allow_lower: bool = False
    parent: str | None = None
    update: Update = "full"
    labels: Mapping[str, str] = field(default_factory=dict)
    unstored: Sequence[str] = ()
    command: str | None = None
    environment: str | None = None
    commit: bool = True
    allow_dirty: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RegisteredArtifact:
    """`digest` names the content; `unchanged`: the parent pins the same."""

    name: str
    path: str
    digest: str
    size: int
    files: int
    stored: bool
    unchanged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterResult:
    """`record` is the digest of the record's bytes. `commit` and `tag` are None where it was only staged or tried.

    `unignored` are artifact paths git neither ignores nor holds, `untracked` other files no commit holds.
    """

    model: str
    version: str
    parent: str | None
    record: str
    path: str
    artifacts: tuple[RegisteredArtifact, ...]
    params: int
    metrics: Mapping[str, Any]
    dirty: bool
    commit: str | None
    tag: str | None
    dry_run: bool
    unignored: tuple[str, ...]
    untracked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _RegisterInputs:
    """What was asked for, joined with what `model.yaml` remembers."""

    settings: ModelSettings
    weights: ArtifactSettings
    version: Version
    parent: Version | None


def register_version(project: Project, asked: RegisterRequest) -> RegisterResult:
    """Register a version. Raise UsageError or MlverError, with nothing changed, when that cannot be done."""
    project.registry.read_config()
    _check_names(project, asked)
    with _open_edit(project, asked) as edit:
        inputs = _resolve_inputs(project, asked)
        dirty, untracked = _check_code(project, inputs.settings, asked)
        measured = _measure_artifacts(project, inputs.settings, store=edit is not None)
        record = _build_record(project, asked, inputs, measured, dirty=dirty)
        data = _encode_record(project, record)
        # told before it lands: once it has, nothing may fail any more
        result = _build_result(
            project, asked, inputs, record, data, dirty=dirty, untracked=untracked
        )
        if edit is None:
            return result
        commit = _land_record(project, edit, asked, inputs.settings, record, data, measured)
    return replace(
        result,
        commit=commit,
        tag=version_tag_name(record.model, record.version) if commit else None,
    )


def _build_result(
    project: Project,
    asked: RegisterRequest,
    inputs: _RegisterInputs,
    record: VersionRecord,
    data: bytes,
    *,
    dirty: bool,
    untracked: tuple[str, ...],
) -> RegisterResult:
    return RegisterResult(
        model=record.model,
        version=record.version,
        parent=record.parent,
        record=str(Digest.of_bytes(data)),
        path=layout.version_path(record.model, record.version),
        artifacts=_summarise_artifacts(project, record),
        params=len(flatten_values(record.params)),
        metrics=flatten_values(record.metrics),
        dirty=dirty,
        commit=None,
        tag=None,
        dry_run=asked.dry_run,
        unignored=_find_unignored(project, record) if inputs.parent is None else (),
        untracked=untracked,
    )


@contextmanager
def _open_edit(project: Project, asked: RegisterRequest) -> Iterator[PlannedEdit | None]:
    if asked.dry_run:
        yield None
        return
    with editing(project, f"register {asked.model}") as edit:
        yield edit


# -- what is asked for -----------------------------------------------------------------------------------------------


def _check_names(project: Project, asked: RegisterRequest) -> None:
    names.check_distinct(names.check_model(asked.model), project.registry.list_models())
    for name in asked.data:
        names.check_data_set(name)
    for label in asked.labels:
        names.check_label(label)
    if not asked.message.strip():
        raise UsageError(
            "a version needs a reason",
            hint=f"{shell_command('mlver', 'register', asked.model)} … -m WHY",
        )


def _resolve_inputs(project: Project, asked: RegisterRequest) -> _RegisterInputs:
    settings = _merge_settings(project, asked)
    if settings.weights is None:
        raise UsageError(
            f"mlver does not know where the weights of {asked.model} are",
            hint=shell_command(
                "mlver", "register", asked.model, "--weights", "PATH", "-m", asked.message
            ),
        )
    registered = _list_readable(project, asked.model)
    taken = {*registered, *seals.list_tagged_versions(project, asked.model)}
    wanted = parse_version(asked.version) if asked.version else None
    version = next_version(
        asked.model, taken, wanted=wanted, part=asked.bump, allow_lower=asked.allow_lower
    )
    parent = highest_version(v for v in registered if v < version)
    if asked.parent is not None:
        parent = (
            None if asked.parent == "none" else project.select_version(asked.model, asked.parent)
        )
    return _RegisterInputs(settings, settings.weights, version, parent)


def _list_readable(project: Project, model: str) -> list[Version]:
    """The model's versions up to the highest that can be read: the next number counts from a record, not from a file
    that only looks like one."""
    versions = project.registry.list_versions(model)
    while versions:
        try:
            project.registry.read_version(model, versions[-1])
        except MlverError:
            project.reporter.show_note(
                f"{layout.version_path(model, versions.pop())} cannot be read: mlver verify --all"
            )
        else:
            break
    return versions


def _merge_settings(project: Project, asked: RegisterRequest) -> ModelSettings:
    """`model.yaml` as it will be: what the command line told replaces what it held."""
    known = project.registry.read_settings(asked.model) or ModelSettings(model=asked.model)
    data = dict(known.data)
    for name, path in asked.data.items():
        data[name] = _place_artifact(data.get(name), project.resolve_path(path))
    settings = replace(
        known,
        weights=_place_artifact(known.weights, project.resolve_path(asked.weights))
        if asked.weights
        else known.weights,
        data=data,
        params=tuple(map(project.resolve_path, asked.params_files)) or known.params,
        metrics=tuple(map(project.resolve_path, asked.metrics_files)) or known.metrics,
        command=asked.command or known.command,
    )
    return _mark_unstored(settings, asked.unstored)


def _place_artifact(known: ArtifactSettings | None, path: str) -> ArtifactSettings:
    return replace(known, path=path) if known else ArtifactSettings(path=path)


def _mark_unstored(settings: ModelSettings, unstored: Sequence[str]) -> ModelSettings:
    for name in unstored:
        if name == "weights" and settings.weights:
            settings = replace(settings, weights=replace(settings.weights, stored=False))
        elif name in settings.data:
            settings = replace(
                settings, data={**settings.data, name: replace(settings.data[name], stored=False)}
            )
        else:
            raise UsageError(
                f"--no-store names `{name}`, which is no artifact of {settings.model}",
                hint=f"one of: {', '.join(['weights', *settings.data])}",
            )
    return settings


# -- what is there ---------------------------------------------------------------------------------------------------


def _check_code(
    project: Project, settings: ModelSettings, asked: RegisterRequest
) -> tuple[bool, tuple[str, ...]]:
    """Whether code differs from HEAD, and files no commit holds; what the record itself pins is no dirt."""
    changed, unknown = project.repository.changes()
    own = measuring.collect_own_paths(settings)
    dirty = [path for path in changed if not own.covers_path(path)]
    if dirty and not asked.allow_dirty:
        raise MlverError(
            "the code is not committed, so the version could not say what it was trained with:\n"
            + summarise_names(dirty, _SHOWN),
            hint="git commit, then run the command again (or add --allow-dirty, which the record will say)",
        )
    return bool(dirty), tuple(
        path for path in unknown if not own.covers_path(path) and not own.reach_into(path)
    )


def _measure_artifacts(
    project: Project, settings: ModelSettings, *, store: bool
) -> dict[str, MeasuredArtifact]:
    assert settings.weights is not None
    wanted = {"weights": settings.weights, **settings.data}
    with storing.open_measurer(project, store=store) as measure:
        return {
            name: measure(artifact.path, store=artifact.stored) for name, artifact in wanted.items()
        }


def _build_record(
    project: Project,
    asked: RegisterRequest,
    inputs: _RegisterInputs,
    measured: Mapping[str, MeasuredArtifact],
    *,
    dirty: bool,
) -> VersionRecord:
    head = project.repository.head()
    settings = inputs.settings
    params = value_files.gather_values(project.top_folder, settings.params, asked.params)
    metrics = value_files.gather_values(project.top_folder, settings.metrics, asked.metrics)
    value_files.check_numbers(metrics, ", ".join(settings.metrics) or "the metrics given")
    prefix = project.start / asked.environment if asked.environment else None
    return VersionRecord(
        model=asked.model,
        version=str(inputs.version),
        created=project.record_time,
        author=project.repository.author(),
        message=asked.message.strip(),
        parent=str(inputs.parent) if inputs.parent else None,
        update=asked.update,
        code=CodeState(commit=head.commit, branch=head.branch, dirty=dirty),
        weights=_build_artifact(inputs.weights, measured["weights"], weights=True),
        data={name: _build_artifact(settings.data[name], measured[name]) for name in settings.data},
        params=params,
        metrics=metrics,
        environment=environment.capture_environment(
            project.top_folder, params, settings.command, prefix
        ),
        labels=dict(asked.labels),
    )


def _build_artifact(
    settings: ArtifactSettings, measured: MeasuredArtifact, *, weights: bool = False
) -> Artifact:
    return Artifact(
        path=settings.path,
        digest=measured.digest,
        size=measured.size,
        files=measured.files,
        format=settings.format
        or (formats.detect_format(_list_file_names(settings.path, measured)) if weights else None),
        stored=settings.stored,
        batch=settings.batch,
        license=settings.license,
    )


def _list_file_names(path: str, measured: MeasuredArtifact) -> Iterator[str]:
    return (
        iter([path])
        if measured.manifest is None
        else map(os.fsdecode, read_paths(measured.manifest))
    )


def _encode_record(project: Project, record: VersionRecord) -> bytes:
    return codec.encode_document(
        "version", record.to_document(), project.registry.read_file(layout.VERSION_SCHEMA)
    )


# -- landing it ------------------------------------------------------------------------------------------------------


def _land_record(
    project: Project,
    edit: PlannedEdit,
    asked: RegisterRequest,
    settings: ModelSettings,
    record: VersionRecord,
    data: bytes,
    measured: Mapping[str, MeasuredArtifact],
) -> str | None:
    description = f"register {record.model} {record.version}"
    edit.create_file(layout.version_path(record.model, record.version), data)
    manifests = {
        layout.manifest_path(one.digest): one.manifest
        for one in measured.values()
        if one.manifest is not None
    }
    put_new_files(project, edit, manifests)
    if settings != project.registry.read_settings(record.model):
        path = layout.settings_path(record.model)
        edit.put_file(
            path, amend_document("model", project.registry.read_file(path), settings.to_document())
        )
    if not asked.commit:
        edit.stage_files(description=description)
        return None
    tags = (planned_tags.plan_version_tag(record, data),)
    message = f"mlver: {description}\n\n{record.message}"
    return edit.commit_files(message, tags, otherwise="add --no-commit", description=description)


# -- telling of it ---------------------------------------------------------------------------------------------------


def _summarise_artifacts(project: Project, record: VersionRecord) -> tuple[RegisteredArtifact, ...]:
    before: Mapping[str, Artifact] = {}
    if record.parent is not None:
        before = project.registry.read_version(record.model, record.parent)[0].named_artifacts()
    return tuple(
        RegisteredArtifact(
            name,
            found.path,
            str(found.digest),
            found.size,
            found.files,
            found.stored,
            name in before and before[name].digest == found.digest,
        )
        for name, found in record.named_artifacts().items()
    )


def _find_unignored(project: Project, record: VersionRecord) -> tuple[str, ...]:
    """Artifact paths that a careless `git add .` would put into git."""
    stored = [found.path for found in record.named_artifacts().values() if found.stored]
    safe = project.repository.ignored_or_tracked(stored)
    return tuple(
        path + "/" * (project.top_folder / path).is_dir() for path in stored if path not in safe
    )
