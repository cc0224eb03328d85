"""Records for versions and promotions that other tools' tags name.

They are as complete as the commit at hand allows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlver import names
from mlver.content import formats
from mlver.digest import Digest
from mlver.document import codec, values
from mlver.errors import InvalidDocument, MlverError, printable_name, shell_command
from mlver.features.adopting.committed_files import CommittedFiles
from mlver.features.adopting.foreign_tags import DerivedPromotion, VersionTag
from mlver.features.adopting.pipeline_files import PIPELINE, find_pipeline_files
from mlver.features.adopting.source import AdoptionSource
from mlver.git.annotations import TagAnnotation
from mlver.git.git_tag import GitTag
from mlver.project.artifacts.elsewhere.find import (
    CopyHolder,
    ExternalCopies,
    ExternalCopy,
    MissingPath,
)
from mlver.project.artifacts.modes import list_executable
from mlver.project.history.encryption import read_encryption
from mlver.project.history.secret_params import encrypt_params
from mlver.project.project import Project
from mlver.project.worktree.value_files import read_committed_values, split_numbers
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Manifest
from mlver.records.promotion import PromotionRecord
from mlver.records.references import AdoptedTag, VersionReference
from mlver.records.version import CodeState, VersionRecord

# Where GTO and DVC say what an artifact is and where it lies; `artifacts.yaml` is that of GTO
# before its version 1.
_OLD_ANNOTATIONS = "artifacts.yaml"
_ANNOTATIONS = (_OLD_ANNOTATIONS, "dvc.yaml")
# Where people who use these tools keep their values, unless a model's settings say otherwise.
PARAMS, METRICS = ("params.yaml",), ("metrics.json",)
# What is read of every commit.
USUAL_FILES = (*_ANNOTATIONS, *PARAMS, *METRICS)
# The schema's limit on an author.
_ORIGIN_LINE = "Adopted from the tag "


@dataclass(frozen=True, slots=True)
class ModelPaths:
    """Where a model's files lie; no weights: where GTO's annotations of each commit say.

    `params` and `metrics` are those that the person names; else they are at the usual places, and
    where the `dvc.yaml` of each commit says.
    """

    weights: str | None
    data: Mapping[str, str] = field(default_factory=dict)
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    usual_params: tuple[str, ...] = PARAMS
    usual_metrics: tuple[str, ...] = METRICS


@dataclass(frozen=True, slots=True)
class OriginTag:
    """A tag to adopt a version from, and what it says."""

    tag: GitTag
    commit: str
    annotation: TagAnnotation


@dataclass(frozen=True, slots=True)
class ArtifactAnnotation:
    """What GTO or DVC says of one artifact; `kind` is their `type`, such as `model`."""

    kind: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class PreparedRecord:
    """A version record that is ready to land.

    `data` are its bytes, `manifests` the files it needs by path, `holder` keeps the weights.
    `omissions` say what the commit has and the record has not. `params` and `metrics` are the files
    that it has.
    """

    record: VersionRecord
    data: bytes
    manifests: Mapping[str, bytes]
    holder: CopyHolder
    omissions: tuple[str, ...]
    params: tuple[str, ...]
    metrics: tuple[str, ...]


# -- annotations of GTO and DVC ----------------------------------------------------------------


def read_artifact_annotations(files: CommittedFiles, commit: str) -> dict[str, ArtifactAnnotation]:
    """The artifacts that a commit annotates, by name; a file that is not valid annotates none."""
    annotations: dict[str, ArtifactAnnotation] = {}
    for annotation_file, file_bytes in files.read_files(commit, _ANNOTATIONS).items():
        for artifact, entry in _load_artifacts(annotation_file, file_bytes).items():
            if isinstance(entry, dict):
                annotations[artifact] = _read_annotation(entry)
    return annotations


def _load_artifacts(file: str, data: bytes | None) -> dict[str, Any]:
    if data is None:
        return {}
    try:
        document = values.load_values(".yaml", data, file)
    except InvalidDocument:
        return {}
    # the old file holds nothing but artifacts, and so needs no key for them
    default = document if file == _OLD_ANNOTATIONS else {}
    artifacts = document.get("artifacts", default)
    return artifacts if isinstance(artifacts, dict) else {}


def _read_annotation(entry: Mapping[str, Any]) -> ArtifactAnnotation:
    kind = entry.get("type")
    if not isinstance(kind, str):
        kind = None
    artifact_path = entry.get("path")
    if not isinstance(artifact_path, str):
        return ArtifactAnnotation(kind, None)
    return ArtifactAnnotation(kind, os.path.normpath(artifact_path))


# -- versions ----------------------------------------------------------------------------------


def _name_origin(origin: OriginTag) -> dict[str, Any]:
    """What the record says of the tag that it was made from."""
    adopted = AdoptedTag(tag=origin.tag.name, object=origin.tag.object_id, commit=origin.commit)
    return adopted.to_document()


def prepare_record(
    source: AdoptionSource, claim: VersionTag, origin: OriginTag, paths: ModelPaths
) -> PreparedRecord:
    """Build the record of a version as it was at its tag.

    Raise MlverError where the weights, or a file that should be valid, cannot be read there.
    """
    project, copies = source.project, source.copies
    weights_path = _find_weights_path(source.files, claim.model, origin.commit, paths)
    weights = copies.find_copy(origin.commit, names.check_artifact_path(weights_path))
    data_sets = _find_data_sets(project, copies, origin, paths.data)
    weights_format = formats.detect_format(_list_files(weights_path, weights))
    committed = _read_committed_values(source.files, origin.commit, weights_path, paths)
    encryption = read_encryption(project)
    public, secret = encryption.split_params(committed.params)
    record = VersionRecord(
        model=claim.model,
        version=claim.version,
        created=origin.annotation.recorded_date,
        author=origin.annotation.recorded_author,
        message=origin.annotation.message or origin.tag.name,
        parent=None,  # no tag says what a version was trained from
        update="full",
        code=CodeState(commit=origin.commit, branch=None, dirty=False),
        weights=_pin_artifact(weights_path, weights, weights_format),
        data=_pin_data_sets(data_sets, paths),
        params=public,
        metrics=committed.metrics,
        secrets=encrypt_params(secret, encryption),
        extra={"adopted": _name_origin(origin)},
    )
    return PreparedRecord(
        record=record,
        data=_encode_record(project, record),
        manifests=_collect_manifests([weights, *data_sets.values()]),
        holder=weights.holder,
        omissions=committed.list_omissions(paths.data),
        params=committed.params_files,
        metrics=committed.metrics_files,
    )


def _pin_data_sets(data_sets: Mapping[str, ExternalCopy], paths: ModelPaths) -> dict[str, Artifact]:
    pinned: dict[str, Artifact] = {}
    for data_set, external_copy in data_sets.items():
        pinned[data_set] = _pin_artifact(paths.data[data_set], external_copy, None)
    return pinned


def _find_weights_path(files: CommittedFiles, model: str, commit: str, paths: ModelPaths) -> str:
    if paths.weights:
        return paths.weights
    annotation = read_artifact_annotations(files, commit).get(model)
    if annotation is None or annotation.path is None:
        raise MlverError(
            "nothing says where its weights are:"
            f" neither {' nor '.join(_ANNOTATIONS)} of {commit[:10]} has {model}",
            hint=shell_command("mlver", "adopt", model, "--weights", "PATH"),
        )
    return annotation.path


def _find_data_sets(
    project: Project, copies: ExternalCopies, origin: OriginTag, paths: Mapping[str, str]
) -> dict[str, ExternalCopy]:
    """The data sets that the commit has; a version may be older than one of them."""
    data_sets: dict[str, ExternalCopy] = {}
    for data_set, data_path in paths.items():
        try:
            data_sets[data_set] = copies.find_copy(
                origin.commit, names.check_artifact_path(data_path)
            )
        except MissingPath as error:
            project.reporter.show_note(
                f"{origin.tag.name} is adopted without its data set {data_set}: {error.message}"
            )
    return data_sets


def _pin_artifact(path: str, copy: ExternalCopy, file_format: str | None) -> Artifact:
    measured = copy.found
    return Artifact(
        path=path,
        digest=measured.digest,
        size=measured.size,
        files=measured.files,
        format=file_format,
        stored=False,  # the bytes stay with the tool that keeps them
        executable=list_executable(measured),
    )


def _list_files(path: str, copy: ExternalCopy) -> list[str]:
    if not copy.found.manifest:
        return [path]
    manifest = Manifest.parse(copy.found.manifest, path)
    inner_paths: list[str] = []
    for file_name, _ in manifest.entries:
        inner_paths.append(os.fsdecode(file_name))
    return inner_paths or [path]


def _collect_manifests(copies: Sequence[ExternalCopy]) -> dict[str, bytes]:
    manifests: dict[str, bytes] = {}
    for external_copy in copies:
        if external_copy.found.manifest:
            manifests[layout.manifest_path(external_copy.found.digest)] = (
                external_copy.found.manifest
            )
    return manifests


def _encode_record(project: Project, record: VersionRecord) -> bytes:
    project_schema = project.registry.read_file(layout.VERSION_SCHEMA)
    return codec.encode_document("version", record.to_document(), project_schema)


@dataclass(frozen=True, slots=True)
class _CommittedValues:
    """The params and metrics of a commit; `faults` are why some of them were left out.

    `read` are the files that a pipeline of DVC reads to make the weights.
    """

    params: dict[str, Any]
    metrics: dict[str, Any]
    params_files: tuple[str, ...]
    metrics_files: tuple[str, ...]
    faults: tuple[str, ...]
    read: tuple[str, ...]

    def list_omissions(self, data_sets: Mapping[str, str]) -> tuple[str, ...]:
        omissions = list(self.faults)
        for path in self.read:
            if not any(f"{path}/".startswith(f"{known}/") for known in data_sets.values()):
                omissions.append(
                    f"dvc.yaml says that {printable_name(path)} is read to make the weights;"
                    f" --data NAME={shell_command(path)} takes it in"
                )
        return tuple(omissions)


def _read_committed_values(
    files: CommittedFiles, commit: str, weights: str, paths: ModelPaths
) -> _CommittedValues:
    """Read params and metrics as a commit holds them; a metric that is no number is left out."""
    pipeline_bytes = files.read_files(commit, [PIPELINE])[PIPELINE]
    pipeline = find_pipeline_files(pipeline_bytes, weights)
    params_files = paths.params or _join_names(paths.usual_params, pipeline.params)
    metrics_files = paths.metrics or _join_names(paths.usual_metrics, pipeline.metrics)
    contents = files.read_files(commit, [*params_files, *metrics_files])
    params, faults = read_committed_values((name, contents[name]) for name in params_files)
    metrics, metrics_faults = read_committed_values(
        (name, contents[name]) for name in metrics_files
    )
    numbers, others = split_numbers(metrics)
    faults += metrics_faults
    if others:
        faults.append(f"{', '.join(metrics_files)}: left out {'; '.join(others)}")
    # what the person named has to be there
    for name in (*paths.params, *paths.metrics):
        if contents[name] is None:
            faults.append(f"there is no {printable_name(name)}")
    return _CommittedValues(
        params=params,
        metrics=numbers,
        params_files=tuple(name for name in params_files if contents[name] is not None),
        metrics_files=tuple(name for name in metrics_files if contents[name] is not None),
        faults=tuple(faults),
        read=pipeline.read,
    )


def _join_names(usual: Sequence[str], named: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*usual, *named)))


# -- stages ------------------------------------------------------------------------------------


def build_promotions(
    model: str,
    stage: str,
    moves: Sequence[DerivedPromotion],
    source: AdoptionSource,
    digests: Mapping[tuple[str, str], Digest],
) -> Iterator[tuple[str, bytes]]:
    """Each move as a promotion record: its path and bytes, chained one to the next.

    `digests` are of version records, by model and version. No gates are known to have run.
    """
    prior_digest: Digest | None = None
    baseline: VersionReference | None = None
    for sequence, derived_promotion in enumerate(moves, start=1):
        tag_name = derived_promotion.tag
        annotation = source.annotations[tag_name]
        record = PromotionRecord(
            model=model,
            stage=stage,
            sequence=sequence,
            action=derived_promotion.action,
            version=derived_promotion.version,
            previous=derived_promotion.previous,
            created=annotation.recorded_date,
            author=annotation.recorded_author,
            message=f"{annotation.message}\n\n{_ORIGIN_LINE}{tag_name}".strip(),
            baseline=baseline,
            adopted=AdoptedTag(tag=tag_name, object=source.tags[tag_name].object_id),
            record=digests[model, derived_promotion.version],
            prior=prior_digest,
        )
        record_bytes = codec.encode_document("promotion", record.to_document())
        prior_digest = Digest.of_bytes(record_bytes)
        baseline = None
        if record.action != "retire":
            baseline = VersionReference(record.version, record.record)
        yield layout.promotion_path(model, stage, sequence), record_bytes


def read_origin_tag(record: PromotionRecord) -> str | None:
    """The tag that an adopted promotion came from; None for any other."""
    _, origin_line, tag_name = record.message.rpartition(_ORIGIN_LINE)
    return tag_name if origin_line else None
