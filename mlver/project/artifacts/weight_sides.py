"""The tensors of one side of a comparison: of a version, or of the work tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mlver.content.tensors.comparing import SideTensor
from mlver.content.tensors.files import has_tensors, read_tensors
from mlver.content.tensors.sources import NamedContent
from mlver.content.tensors.tensor import ByteSource, TensorFile
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command, summarise_error
from mlver.hashing.walk import LinkBounds, walk_files
from mlver.project.artifacts import measuring
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.following import locate_artifact
from mlver.project.artifacts.kept_pins import ForgedFile
from mlver.project.artifacts.kept_tensors import read_kept_tensors
from mlver.project.artifacts.pinned import pinned_files
from mlver.project.artifacts.tensor_files import (
    PinnedFile,
    find_beside,
    join_beside,
    list_tensor_files,
    open_pinned,
)
from mlver.project.artifacts.tensor_sources import SourceOpener
from mlver.project.project import Project, ResolvedRef
from mlver.records import layout
from mlver.records.manifest import Listing
from mlver.records.tensors import KeptTensors
from mlver.records.version import VersionRecord

_FORMATS = "safetensors, .npy and .npz, ONNX, PyTorch, GGUF, Keras and TensorFlow's variables"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file of weights. `is_kept`: its bytes are elsewhere, and its tensors those kept of it."""

    name: str
    format: str
    tensors: tuple[SideTensor, ...]
    is_kept: bool = False
    imports: tuple[str, ...] = ()
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSide:
    """The weights of one side.

    `remarks` say which files could not be read, or not wholly. `find_digest` gives the digest of
    the artifact, which may take a while.
    """

    label: str
    files: tuple[OpenedFile, ...]
    remarks: tuple[str, ...]
    find_digest: Callable[[], Digest | None] = field(compare=False)

    @property
    def is_kept(self) -> bool:
        """Whether the bytes of any of its files are elsewhere."""
        return any(file.is_kept for file in self.files)

    @property
    def has_twins(self) -> bool:
        """Whether two of its files have tensors of one name."""
        count = sum(len(file.tensors) for file in self.files)
        return len(self.name_tensors(with_files=False)) < count

    def name_tensors(self, *, with_files: bool) -> Mapping[str, SideTensor]:
        """Its tensors by name; those of many files are one model's, unless they have one name."""
        named: dict[str, SideTensor] = {}
        for file in self.files:
            prefix = f"{file.name}:" if with_files and file.name else ""
            for tensor in file.tensors:
                name = prefix + tensor.name
                named[name] = replace(tensor, name=name)
        return named


def open_version_side(project: Project, opener: SourceOpener, chosen: ResolvedRef) -> WeightsSide:
    """Open the weights of a version.

    Raise MlverError where nothing is known of their tensors, ForgedFile where what was kept of them
    is not what the record pins.
    """
    record, _ = project.registry.read_version(chosen.model, chosen.version)
    label = f"{record.model} {record.version}"
    weights = record.weights
    pinned = pinned_files(project, weights)
    files: list[OpenedFile] = []
    refused: list[MlverError] = []
    for file in list_tensor_files(pinned, weights.path):
        try:
            files.append(_open_file(opener, record, pinned, file))
        except (ForgedFile, _NothingKept):
            raise
        except MlverError as error:
            refused.append(error)
    remarks = _require_files(files, refused, weights.path, label)
    return WeightsSide(
        label=label, files=tuple(files), remarks=remarks, find_digest=lambda: weights.digest
    )


def open_working_side(project: Project, opener: SourceOpener, model: str) -> WeightsSide:
    """Open the weights in the work tree, at the path that `model.yaml` names."""
    settings = project.registry.read_settings(model)
    if settings is None or settings.weights is None:
        raise MlverError(
            f"{model} has no model.yaml, so mlver does not know where its files are",
            hint=shell_command("mlver", "register", model, "--weights", "PATH", "-m", "WHY"),
        )
    path = settings.weights.path
    label = f"{model} (work tree)"
    files: list[OpenedFile] = []
    refused: list[MlverError] = []
    for name in _list_working_names(project, path):
        try:
            source = opener.open_working(path, name)
            if source is not None:
                open_beside = partial(_open_working_beside, opener, path, name)
                path_words = printable_name(join_name(path, name))
                found = read_tensors(source, join_name(path, name), open_beside)
                files.append(_open_found(found, name, f"{path_words} of {label}"))
        except MlverError as error:
            refused.append(error)
    remarks = _require_files(files, refused, path, label)

    def find_digest() -> Digest | None:
        measured = measuring.measure_at(project, path, keep_manifest=False)
        return None if measured is None else measured.digest

    return WeightsSide(label=label, files=tuple(files), remarks=remarks, find_digest=find_digest)


def _open_working_beside(
    opener: SourceOpener, artifact: str, name: bytes, location: str
) -> ByteSource | None:
    return opener.open_working(artifact, join_beside(name, location)) if name else None


def _list_working_names(project: Project, path: str) -> Sequence[bytes]:
    """List the files with tensors at a path, each by its path below that."""
    location = locate_artifact(project, path)
    if not location.is_dir():
        return [b""] if has_tensors(path) else []
    bounds = LinkBounds.of_folder(project.top_folder, layout.ROOT)
    faults: list[str] = []
    walked = walk_files(os.fsencode(location), faults.append, bounds=bounds, skip_dangling=True)
    return [name for name, _ in walked if has_tensors(os.fsdecode(name))]


def _require_files(
    files: Sequence[OpenedFile], refused: Sequence[MlverError], path: str, label: str
) -> tuple[str, ...]:
    """Say which files could not be read beside those that could; raise MlverError without any."""
    if not files and refused:
        first = refused[0]
        raise MlverError(f"{label}: {first.message}", hints=first.hints)
    if not files:
        raise MlverError(
            f"no file at {printable_name(path)} of {label} is of a format whose tensors are read"
            f" ({_FORMATS})",
            hint=shell_command("ls", "-l", "--", path),
        )
    return tuple(summarise_error(error) for error in refused)


class _NothingKept(MlverError):
    """The bytes of a file are not here, and nothing is known of its tensors."""


def _open_file(
    opener: SourceOpener, record: VersionRecord, files: Listing, file: PinnedFile
) -> OpenedFile:
    """Open a file that a version pins, or what is kept of it; raise MlverError without either."""
    weights = record.weights
    source = open_pinned(opener, weights, file)
    path = join_name(weights.path, file.name)
    owner = f"{printable_name(path)} of {record.model} {record.version}"
    if source is not None:
        open_beside = find_beside(opener, weights, files, file.name)
        found = read_tensors(source, path, open_beside)
        return _open_found(found, file.name, owner)
    kept = read_kept_tensors(opener.project, record, file.kept_name)
    if kept is not None:
        return _open_kept(kept, file.name)
    raise _NothingKept(
        f"the bytes of {owner} are not here, and its record pins nothing of its tensors that is",
        hint=shell_command("mlver", "pull", f"{record.model}@{record.version}"),
    )


def _open_found(found: TensorFile, name: bytes, owner: str) -> OpenedFile:
    """What was found in a file; `owner` names it where its bytes turn out to be damaged."""
    tensors: list[SideTensor] = []
    for tensor in found.tensors:
        named = replace(tensor, content=NamedContent(tensor.content, owner))
        tensors.append(SideTensor.from_found(named))
    return OpenedFile(
        name=os.fsdecode(name),
        format=found.format,
        tensors=tuple(tensors),
        imports=found.imports,
        remark=found.remark,
    )


def _open_kept(kept: KeptTensors, name: bytes) -> OpenedFile:
    tensors = map(SideTensor.from_kept, kept.tensors)
    return OpenedFile(
        name=os.fsdecode(name),
        format=kept.format,
        tensors=tuple(tensors),
        is_kept=True,
        imports=kept.imports,
        remark=kept.remark,
    )
