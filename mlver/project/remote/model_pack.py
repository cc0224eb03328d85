"""Publishes a version as a ModelPack artifact in an OCI registry, for those who have no mlver.

The record and the manifests go with the files, so that everything can be proved again: tag → digest
of the record → digests of the artifacts → bytes. The command that calls this loads this module by
`import_extra`, since it needs what `mlver[oci]` brings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.artifacts import measuring, modes, storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.project import Project
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.tags import trust
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.oci import open_oci
from mlver.storage.remote.oci_model import (
    PackedLayer,
    layer_type,
    push_model,
)
from mlver.storage.remote.oci_names import is_tag
from mlver.storage.remote.oci_tar import TarFile, TarSource
from mlver.storage.remote.oci_uploads import digest_source
from mlver.storage.remote.open import parse_address
from mlver.storage.store import RepositoryStore, StoreProgress

RECORD_ANNOTATION = "org.mlver.record"
_IMAGE = "org.opencontainers.image"
# What comes without a file of its own in the store is held in memory up to here.
_MOST_IN_MEMORY = 16 << 20
_CONFIG_SUFFIXES = frozenset((".json", ".yaml", ".yml", ".toml", ".txt", ".jinja", ".model"))
_DOC_NAMES = frozenset(("license", "notice", "readme"))


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """`address` is `oci://HOST/REPOSITORY:TAG`, `digest` that of the manifest there.

    `created` is False where the tag had this very version already. `left_out` are the artifacts
    that the object store does not keep, by name.
    """

    model: str
    version: str
    address: str
    digest: str
    files: int
    bytes_sent: int
    created: bool
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredContent:
    """Satisfies BlobSource: a content of the object store. What it holds is not proven here."""

    store: RepositoryStore
    digest: Digest
    size: int = field(init=False)

    def __post_init__(self) -> None:
        with self.open_stream() as stream:
            object.__setattr__(self, "size", stream.seek(0, os.SEEK_END))

    def open_stream(self) -> BinaryIO:
        descriptor = self.store.open_object(self.digest)
        if descriptor is not None:
            return os.fdopen(descriptor, "rb")
        with ExitStack() as stack:
            copy = cast(BinaryIO, stack.enter_context(SpooledTemporaryFile(_MOST_IN_MEMORY)))
            self.store.copy_object(self.digest, copy)
            copy.seek(0)
            # It is whole, so the caller closes it.
            stack.pop_all()
        return copy


def publish_model(
    project: Project,
    ref: str | None,
    address: str,
    *,
    options: Mapping[str, str] | None = None,
    tag: str | None = None,
    only: Collection[str] = (),
    progress: StoreProgress | None = None,
) -> PublishedModel:
    """Store the version that `ref` names as a ModelPack at `oci://HOST/NAMESPACE/NAME`.

    The tag is the version, unless another one is given.
    `only` names the artifacts; all that are stored if it is empty. `progress` counts confirmed
    bytes. Raises UsageError for an artifact or an address that is none, ObjectMissing and
    ObjectDamaged about the object store, BlobError about the registry.
    """
    blobs = open_oci(parse_address(address, options or {}))
    with naming_commits(project.repository):
        record, digest = trust.read_vouched_record(project, ref)
        selected, left_out = _select_artifacts(record, only)
        layers = list(_pack_version(project, record, digest, selected))
    chosen = _check_tag(record.version if tag is None else tag)
    pushed = push_model(
        blobs.registry, chosen, layers, _describe_model(record), _annotate(record, digest), progress
    )
    return PublishedModel(
        model=record.model,
        version=record.version,
        address=f"{blobs.address}:{chosen}",
        digest=pushed.digest,
        files=sum(artifact.files for artifact in selected.values()),
        bytes_sent=pushed.bytes_sent,
        created=pushed.created,
        left_out=left_out,
    )


def _check_tag(tag: str) -> str:
    if not is_tag(tag):
        raise UsageError(
            f"{printable_name(tag)} cannot be a tag in a registry: a tag is up to 128 letters,"
            " digits, `.`, `_` and `-`, and begins with none of the last two"
        )
    return tag


def _select_artifacts(
    record: VersionRecord, only: Collection[str]
) -> tuple[dict[str, Artifact], tuple[str, ...]]:
    """The artifacts to publish, and the names of those that cannot be."""
    named = record.named_artifacts()
    for name in only:
        if name not in named:
            raise UsageError(
                f"{record.model} {record.version} has no artifact called {printable_name(name)};"
                f" it has {', '.join(named)}",
                hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
            )
    selected: dict[str, Artifact] = {}
    left_out = []
    for name, artifact in record.select_artifacts(only).items():
        if artifact.encrypted is not None:
            raise MlverError(f"{name} of {record.model} {record.version} is encrypted: it stays so")
        if artifact.stored and artifact.listing is None:
            selected[name] = artifact
        else:
            left_out.append(name)
    if "weights" in left_out or not selected:
        raise MlverError(
            f"the weights of {record.model} {record.version} are not in the object store,"
            " so there is nothing to publish",
            hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
        )
    return selected, tuple(left_out)


def _pack_version(
    project: Project, record: VersionRecord, digest: Digest, selected: Mapping[str, Artifact]
) -> Iterator[PackedLayer]:
    """The layers: weights first, then data sets, then what proves them."""
    store = storing.open_store(project)
    proofs = [(record.record_path, project.registry.read_file(record.record_path))]
    for name, artifact in selected.items():
        files = list(measuring.pinned_files(project, artifact))
        store.require_objects({Digest(hexadecimal) for _, hexadecimal in files})
        executable = modes.pinned_executable(artifact) or frozenset()
        manifest_path = layout.manifest_path(artifact.digest)
        manifest = project.registry.manifest_bytes(artifact.digest)
        if manifest is not None:
            proofs.append((manifest_path, manifest))
        if name != "weights" and manifest is not None:
            yield _pack_data_set(store, artifact, files, executable)
            continue
        for file_name, hexadecimal in files:
            path = _require_text(join_name(artifact.path, file_name))
            kind = "dataset" if name != "weights" else _judge_kind(path, len(files))
            mode = 0o755 if file_name in executable else 0o644
            content = StoredContent(store, Digest(hexadecimal))
            yield PackedLayer(layer_type(kind), path, content, f"sha256:{hexadecimal}", mode)
    for path, data in proofs:
        if data is None or (path == record.record_path and Digest.of_bytes(data) != digest):
            raise MlverError(f"{path} changed while it was published; run the same command again")
        yield PackedLayer(layer_type("doc"), path, BytesBlob(data), str(Digest.of_bytes(data)))


def _pack_data_set(
    store: RepositoryStore,
    artifact: Artifact,
    files: Collection[tuple[bytes, str]],
    executable: Collection[bytes],
) -> PackedLayer:
    """A folder of data as one archive, in which paths are relative to it."""
    packed = []
    for name, hexadecimal in files:
        size = StoredContent(store, Digest(hexadecimal)).size
        packed.append(TarFile(name, size, hexadecimal, 0o755 if name in executable else 0o644))
    source = TarSource(packed, _content_opener(store))
    digest = digest_source(source, artifact.path)
    return PackedLayer(layer_type("dataset", "tar"), artifact.path, source, digest)


def _content_opener(store: RepositoryStore) -> Callable[[str], BinaryIO]:
    return lambda hexadecimal: StoredContent(store, Digest(hexadecimal)).open_stream()


def _judge_kind(path: str, files: int) -> str:
    """What a file among the weights is to ModelPack: weights, their configuration, or text."""
    file = PurePosixPath(path)
    if files == 1:
        return "weight"
    if file.suffix.lower() == ".md" or file.stem.lower() in _DOC_NAMES:
        return "doc"
    return "weight.config" if file.suffix.lower() in _CONFIG_SUFFIXES else "weight"


def _require_text(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise MlverError(
            f"{printable_name(path)} cannot be published: its name is not UTF-8, and a registry"
            " keeps names as text"
        ) from error
    return path


def _describe_model(record: VersionRecord) -> dict[str, Any]:
    """The configuration of ModelPack (docs/config.md there), but for its layers."""
    descriptor: dict[str, Any] = {
        "createdAt": record.created,
        "authors": [record.author],
        "name": record.model,
        "version": record.version,
    }
    if record.message:
        descriptor["description"] = record.message
    if record.code.commit is not None:
        descriptor["revision"] = record.code.commit
    if record.weights.license is not None:
        descriptor["licenses"] = [record.weights.license]
    details = {} if record.weights.format is None else {"format": record.weights.format}
    return {"descriptor": descriptor, "config": details}


def _annotate(record: VersionRecord, digest: Digest) -> dict[str, str]:
    """What a registry shows of the artifact (OCI image specification, annotations)."""
    annotations = {
        f"{_IMAGE}.title": record.model,
        f"{_IMAGE}.version": record.version,
        f"{_IMAGE}.created": record.created,
        RECORD_ANNOTATION: str(digest),
    }
    if record.code.commit is not None:
        annotations[f"{_IMAGE}.revision"] = record.code.commit
    return annotations
