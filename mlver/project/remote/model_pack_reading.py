"""Brings a version back from a ModelPack artifact, as plain files, without a repository.

The record and the manifests in the artifact say which contents belong where, and every content is
hashed. What else an artifact holds is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, refusal_error, shell_command
from mlver.project.artifacts import modes, storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.registry.registry import decode_version
from mlver.records import byte_limits, layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing
from mlver.records.version import VersionRecord
from mlver.storage.remote.blobs import BlobError
from mlver.storage.remote.oci import open_oci
from mlver.storage.remote.oci_model import (
    FILE_PATH,
    LayerStream,
    ModelPack,
    find_model,
    layer_type,
    read_layer,
)
from mlver.storage.remote.oci_registry import OciRegistry
from mlver.storage.remote.oci_tar import read_tar
from mlver.storage.remote.open import parse_address
from mlver.storage.store import ObjectIntake, RepositoryStore, StoreProgress
from mlver.system import durable
from mlver.system.folders import FolderTree
from mlver.system.parallel import ignore_progress

_RECORDS = f"{layout.MODELS}/"
# What an archive may have besides contents: the names of its files, and padding.
_TAR_OVERHEAD, _TAR_OVERHEAD_A_FILE = 1 << 20, 8192


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A version as it was published: its record, the digest of that, and what was written.

    `missing` are the artifacts of the record that the registry does not have, by name.
    """

    record: VersionRecord
    digest: Digest
    files: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Proved:
    """An artifact, and its files with their digests: the manifest hashes to what the record says.

    `layer_path` is that of its layer, and `manifest` the bytes of its manifest.
    """

    artifact: Artifact
    files: tuple[tuple[bytes, str], ...]
    manifest: bytes | None


def fetch_model(
    address: str,
    reference: str,
    folder: Path,
    *,
    options: Mapping[str, str] | None = None,
    only: Collection[str] = (),
    progress: StoreProgress = ignore_progress,
    dry_run: bool = False,
) -> FetchedModel:
    """Write the files of a published version into a folder, which is new or empty.

    `reference` is a tag, or the digest of a manifest. The record and the manifests are written as
    well, where a repository has them. Nothing is written unless every byte of it is proved, and
    nothing at all on a `dry_run`. Raises UsageError, BlobError about the registry, MlverError about
    the folder.
    """
    registry = open_oci(parse_address(address, options or {})).registry
    pack = find_model(registry, reference)
    if pack is None:
        raise BlobError(f"{registry.address} has no {printable_name(reference)}")
    record, data = _read_record(registry, pack)
    _require_artifacts(record, only)
    _require_empty(folder)
    proved, missing = _prove_artifacts(registry, pack, record, only)
    if not dry_run:
        _write_model(registry, pack, folder, (record.record_path, data), proved, progress)
    files = sum(len(artifact.files) for artifact in proved)
    return FetchedModel(record, Digest.of_bytes(data), files, missing)


def _require_artifacts(record: VersionRecord, only: Collection[str]) -> None:
    named = record.named_artifacts()
    for name in only:
        if name not in named:
            raise UsageError(
                f"{record.model} {record.version} has no artifact called {printable_name(name)};"
                f" it has {', '.join(named)}"
            )


def _write_model(
    registry: OciRegistry,
    pack: ModelPack,
    folder: Path,
    record: tuple[str, bytes],
    proved: Sequence[_Proved],
    progress: StoreProgress,
) -> None:
    """Write contents, manifests and the record, by its path and its bytes, once all are proved."""
    proofs = [record]
    for artifact in proved:
        if artifact.manifest is not None:
            proofs.append((layout.manifest_path(artifact.artifact.digest), artifact.manifest))
    try:
        durable.make_directory(folder)
        with TemporaryDirectory(prefix=durable.TEMPORARY, dir=folder.parent) as spool:
            store = storing.open_store_in(Path(spool))
            with store.open_deposit() as intake:
                for artifact in proved:
                    _take_artifact(registry, pack, artifact, intake, progress)
                for _, proof in proofs:
                    intake.put_object(BytesIO(proof))
            _write_files(store, folder, proved, proofs)
    except OSError as error:
        raise refusal_error(f"writing into {folder}", error) from error


def _read_record(registry: OciRegistry, pack: ModelPack) -> tuple[VersionRecord, bytes]:
    """The record in the artifact, and its bytes. A layer's path alone says that it is one."""
    for layer in pack.layers:
        path = layer.annotations.get(FILE_PATH, "")
        if path.startswith(_RECORDS) and layer.media_type == layer_type("doc"):
            data = read_layer(registry, layer, byte_limits.find_byte_limit(path))
            return decode_version(data, path), data
    raise BlobError(
        f"{registry.address} has a model there without a record of mlver's;"
        " fetch it by another tool for ModelPack"
    )


def _prove_artifacts(
    registry: OciRegistry, pack: ModelPack, record: VersionRecord, only: Collection[str]
) -> tuple[list[_Proved], tuple[str, ...]]:
    """The artifacts that are there with their files, and the names of those that are not."""
    proved = []
    missing = []
    for name, artifact in record.select_artifacts(only).items():
        path = layout.manifest_path(artifact.digest)
        layer = pack.find_layer(path)
        if layer is None:
            files: tuple[tuple[bytes, str], ...] = ((b"", artifact.digest.hex),)
            manifest = None
        else:
            manifest = read_layer(registry, layer, byte_limits.find_byte_limit(path))
            if Digest.of_bytes(manifest) != artifact.digest:
                raise BlobError(f"{registry.address} has another manifest than {artifact.digest}")
            files = tuple(Listing.of_manifest(manifest, path))
        if layer is None and pack.find_content(str(artifact.digest)) is None:
            missing.append(name)
        else:
            proved.append(_Proved(artifact, files, manifest))
    if missing and (only or not proved):
        raise BlobError(
            f"{record.model} {record.version} was published without {', '.join(missing)}"
            f" in {registry.address}; get the rest from a repository that has it"
        )
    return proved, tuple(missing)


def _take_artifact(
    registry: OciRegistry,
    pack: ModelPack,
    proved: _Proved,
    intake: ObjectIntake,
    progress: StoreProgress,
) -> None:
    """Take the contents of an artifact in, each of them hashed."""
    wanted = {hexadecimal for _, hexadecimal in proved.files}
    for hexadecimal in sorted(wanted):
        layer = pack.find_content(f"sha256:{hexadecimal}")
        if layer is not None:
            stream = cast(BinaryIO, LayerStream(registry, layer, progress))
            if intake.put_object(stream).hex == hexadecimal:
                wanted.discard(hexadecimal)
    if wanted:
        for hexadecimal in _take_archive(registry, pack, proved, intake, progress):
            wanted.discard(hexadecimal)
    if wanted:
        raise BlobError(
            f"{len(wanted)} of the files of {printable_name(proved.artifact.path)} are missing"
            f" or damaged in {registry.address}; publish the version there again"
        )


def _take_archive(
    registry: OciRegistry,
    pack: ModelPack,
    proved: _Proved,
    intake: ObjectIntake,
    progress: StoreProgress,
) -> Iterator[str]:
    """Take the files of an archive in, if it has any of this artifact; the digest of each."""
    layer = pack.find_layer(proved.artifact.path)
    if layer is None or layer.media_type != layer_type("dataset", "tar"):
        return
    files = dict(proved.files)
    if layer.size > proved.artifact.size + _TAR_OVERHEAD + _TAR_OVERHEAD_A_FILE * len(files):
        raise BlobError(
            f"the archive of {printable_name(proved.artifact.path)} in {registry.address} has"
            f" {layer.size:,} bytes for {proved.artifact.size:,} bytes of files"
        )
    place = f"{registry.address}, {printable_name(proved.artifact.path)}"
    stream = cast(BinaryIO, LayerStream(registry, layer, progress))
    for name, content in read_tar(stream, place):
        if name in files:
            yield intake.put_object(content).hex


def _write_files(
    store: RepositoryStore,
    folder: Path,
    proved: Collection[_Proved],
    proofs: Collection[tuple[str, bytes]],
) -> None:
    """Write everything, all at once."""
    wanted: list[tuple[Digest, str]] = []
    executable: set[str] = set()
    checked: set[str] = set()
    for each in proved:
        executable_names = modes.pinned_executable(each.artifact) or frozenset()
        for name, hexadecimal in each.files:
            path = join_name(each.artifact.path, name)
            target = paths.join_inside_as_text(folder, path, checked=checked)
            wanted.append((Digest(hexadecimal), target))
            if name in executable_names:
                executable.add(target)
    for path, data in proofs:
        target = paths.join_inside_as_text(folder, path, checked=checked)
        wanted.append((Digest.of_bytes(data), target))
    with FolderTree.open_top(folder) as tree:
        store.export_objects(wanted, tree=tree, executable=executable)


def _require_empty(folder: Path) -> None:
    try:
        is_empty = not os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise refusal_error(f"looking into {folder}", error) from error
    if not is_empty:
        raise MlverError(
            f"{folder} is not empty; name a new folder",
            hint=shell_command("ls", "-A", folder),
        )
