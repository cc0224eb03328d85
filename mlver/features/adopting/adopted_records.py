"""Records for versions and promotions that other tools' tags tell of, as true as what is at hand lets them be."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlver import names
from mlver.digest import Digest
from mlver.document import codec, values
from mlver.errors import InvalidDocument, MlverError, printable_name
from mlver.features.adopting.foreign_tags import DerivedPromotion
from mlver.git.annotations import TagAnnotation
from mlver.git.repository import GitTag
from mlver.project.artifacts import formats
from mlver.project.artifacts.elsewhere.find import (
    CopyHolder,
    ExternalCopies,
    ExternalCopy,
    MissingPath,
)
from mlver.project.project import LAST_SECOND, Project
from mlver.project.worktree.value_files import check_numbers, read_past_values
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Manifest
from mlver.records.promotion import PromotionRecord
from mlver.records.version import AdoptedTag, CodeState, VersionRecord

# Where GTO and DVC say what an artifact is and where it lies; the first is GTO's before its version 1.
_ANNOTATIONS = ("artifacts.yaml", "dvc.yaml")
PARAMS, METRICS = ("params.yaml",), ("metrics.json",)
_LINE = 4096
_FROM = "Adopted from the tag "


@dataclass(frozen=True, slots=True)
class ModelPaths:
    """Where a model's files lie; no weights: where GTO's annotations of each commit say."""

    weights: str | None
    data: Mapping[str, str] = field(default_factory=dict)
    params: tuple[str, ...] = PARAMS
    metrics: tuple[str, ...] = METRICS


@dataclass(frozen=True, slots=True)
class OriginTag:
    """A tag to adopt a version from, with what it says."""

    tag: GitTag
    commit: str
    told: TagAnnotation


@dataclass(frozen=True, slots=True)
class PreparedRecord:
    """A version record that is ready to land, with its bytes, its manifests, and who holds the weights."""

    record: VersionRecord
    data: bytes
    manifests: Mapping[str, bytes]
    holder: CopyHolder


def read_annotations(project: Project, commit: str) -> dict[str, tuple[str | None, str | None]]:
    """The artifacts that a commit's annotations name: (type, path) by name; what cannot be read names nothing."""
    found: dict[str, tuple[str | None, str | None]] = {}
    blobs = project.repository.blobs(f"{commit}:{name}" for name in _ANNOTATIONS)
    for name, data in zip(_ANNOTATIONS, blobs, strict=True):
        listed = _load_annotation(name, data)
        listed = listed.get("artifacts", listed if name == "artifacts.yaml" else {})
        for artifact, about in listed.items() if isinstance(listed, dict) else ():
            if isinstance(about, dict):
                kind, path = about.get("type"), about.get("path")
                found[artifact] = (
                    kind if isinstance(kind, str) else None,
                    os.path.normpath(path) if isinstance(path, str) else None,
                )
    return found


def _load_annotation(name: str, data: bytes | None) -> dict[str, Any]:
    try:
        return values.load_values(".yaml", data, name) if data is not None else {}
    except InvalidDocument:
        return {}


def prepare_record(
    project: Project,
    holdings: ExternalCopies,
    model: str,
    version: str,
    origin: OriginTag,
    places: ModelPaths,
) -> PreparedRecord:
    """The record of a version as it was at its tag; raise MlverError with what keeps it from being told."""
    wanted = {"weights": _find_weights_path(project, model, origin.commit, places), **places.data}
    held: dict[str, ExternalCopy] = {}
    for name, path in wanted.items():
        try:
            held[name] = holdings.find_copy(origin.commit, names.check_artifact_path(path))
        except MissingPath as error:
            if name == "weights":
                raise
            project.reporter.show_note(
                f"{origin.tag.name} is adopted without its data set {name}: {error.message}"
            )
    pinned = {
        name: _build_artifact(wanted[name], one, weights=name == "weights")
        for name, one in held.items()
    }
    params, metrics = (
        _read_committed_values(project, origin.commit, files)
        for files in (places.params, places.metrics)
    )
    check_numbers(metrics, f"{', '.join(places.metrics)} of {origin.commit[:10]}")
    adopted = AdoptedTag(tag=origin.tag.name, object_id=origin.tag.object_id, commit=origin.commit)
    record = VersionRecord(
        model=model,
        version=version,
        created=_format_time(origin.told.seconds),
        author=_clean_author(origin.told),
        message=origin.told.message or origin.tag.name,
        parent=None,  # nothing tells what it was trained from
        update="full",
        code=CodeState(commit=origin.commit, branch=None, dirty=False),
        weights=pinned.pop("weights"),
        data=pinned,
        params=params,
        metrics=metrics,
        extra={"adopted": adopted.to_document()},
    )
    data = codec.encode_document(
        "version", record.to_document(), project.registry.read_file(layout.VERSION_SCHEMA)
    )
    manifests = {
        layout.manifest_path(h.found.digest): h.found.manifest
        for h in held.values()
        if h.found.manifest
    }
    return PreparedRecord(record, data, manifests, held["weights"].holder)


def _find_weights_path(project: Project, model: str, commit: str, places: ModelPaths) -> str:
    path = places.weights or read_annotations(project, commit).get(model, (None, None))[1]
    if path is None:
        raise MlverError(
            f"nothing says where its weights are: neither {' nor '.join(_ANNOTATIONS)} of {commit[:10]} has {model}",
            hint=f"mlver adopt {model} --weights PATH",
        )
    return path


def _build_artifact(path: str, holding: ExternalCopy, *, weights: bool) -> Artifact:
    found = holding.found
    inner = (
        [os.fsdecode(name) for name, _ in Manifest.parse(found.manifest, path).entries]
        if found.manifest
        else []
    )
    return Artifact(
        path=path,
        digest=found.digest,
        size=found.size,
        files=found.files,
        format=formats.detect_format(inner or [path]) if weights else None,
        stored=False,
    )


def _read_committed_values(project: Project, commit: str, files: Sequence[str]) -> dict[str, Any]:
    return read_past_values(
        zip(files, project.repository.blobs(f"{commit}:{file}" for file in files), strict=True)
    )


def _format_time(seconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(min(max(seconds, 0), LAST_SECOND), datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _clean_author(told: TagAnnotation) -> str:
    return printable_name(told.author)[:_LINE] or "unknown"


# -- stages ----------------------------------------------------------------------------------------------------------


def build_promotions(
    model: str,
    stage: str,
    moves: Sequence[DerivedPromotion],
    told: Mapping[str, TagAnnotation],
    digests: Mapping[str, Digest],
) -> Iterator[tuple[str, bytes]]:
    """Each move as a promotion record: its path and bytes, chained one to the next. No gates are known to have run."""
    prior: Digest | None = None
    for sequence, move in enumerate(moves, start=1):
        record = PromotionRecord(
            model=model,
            stage=stage,
            sequence=sequence,
            action=move.action,
            version=move.version,
            previous=move.previous,
            created=_format_time(told[move.tag].seconds),
            author=_clean_author(told[move.tag]),
            message=f"{told[move.tag].message}\n\n{_FROM}{move.tag}".strip(),
            record=digests[move.version],
            prior=prior,
        )
        data = codec.encode_document("promotion", record.to_document())
        prior = Digest.of_bytes(data)
        yield layout.promotion_path(model, stage, sequence), data


def read_origin_tag(record: PromotionRecord) -> str | None:
    """The tag that an adopted promotion came from; None for any other."""
    _, found, tag = record.message.rpartition(_FROM)
    return tag if found else None
