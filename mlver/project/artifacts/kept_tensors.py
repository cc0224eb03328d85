"""What is kept of the tensors in weights when a version is registered.

See `mlver.records.tensors`. All that looks into weights is loaded only for those that have tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlver.content.tensors.files import DamagedTensors, read_tensors
from mlver.content.tensors.tensor import TensorFault, TensorFile
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.kept_pins import build_forged_error
from mlver.project.artifacts.measuring import measured_files
from mlver.project.artifacts.tensor_files import (
    PinnedFile,
    find_beside,
    list_tensor_files,
    open_pinned,
)
from mlver.project.artifacts.tensor_sources import SourceOpener, open_sources
from mlver.project.project import Project
from mlver.records import byte_limits, layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.records.tensors import KeptTensors

_LONGEST_REASON = 300


@dataclass(slots=True)
class FoundTensors:
    """What is to be kept: `files` by path, and `pins` as a record has them.

    `damaged` are the files that are not what their names say, by path, each with the reason.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    pins: dict[Digest, Digest] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)


def keep_tensors(
    project: Project,
    weights: Artifact,
    measured: MeasuredArtifact | None,
    pinned_before: Mapping[Digest, Digest],
) -> FoundTensors:
    """Look into weights that were measured.

    A file is not read again where the version before pins what is kept of it (`pinned_before`).
    Nothing is kept of weights that are secret, at an address, or of no format that is read. Raise
    MlverError where something else is kept of a file already than what is in it.
    """
    found = FoundTensors()
    if measured is None or weights.encrypted is not None or weights.is_remote:
        return found
    files = measured_files(measured, weights.path)
    with open_sources(project) as opener:
        for file in list_tensor_files(files, weights.path):
            path = layout.tensors_path(file.kept_name)
            present = project.registry.read_file(path)
            pin = pinned_before.get(file.kept_name)
            if present is None or Digest.of_bytes(present) != pin:
                derived = _derive_noted(opener, weights, files, file, found)
                present = _choose_kept(project, file, derived, present)
            if present is not None:
                found.files[path] = present
                found.pins[file.kept_name] = Digest.of_bytes(present)
    return found


def _derive_noted(
    opener: SourceOpener,
    weights: Artifact,
    files: Listing,
    file: PinnedFile,
    found: FoundTensors,
) -> KeptTensors | None:
    """Look into a file; None where that is not possible: no registration fails for it."""
    try:
        return derive_tensors(opener, weights, files, file)
    except DamagedTensors as error:
        path = printable_name(join_name(weights.path, file.name))
        found.damaged[path] = error.reason[:_LONGEST_REASON]
    except (MlverError, OSError):
        pass
    return None


def _choose_kept(
    project: Project, file: PinnedFile, derived: KeptTensors | None, present: bytes | None
) -> bytes | None:
    """Choose what an earlier registration kept, where that is right; else what was derived.

    Summaries are kept only where something here can compute them, and records never change.
    """
    from mlver.records.tensors import KeptTensors

    if derived is None or present is None:
        return None if derived is None else derived.to_bytes()
    path = layout.tensors_path(file.kept_name)
    with suppress(MlverError):
        if KeptTensors.parse_of(file.kept_name, present, path).agrees_with(derived):
            return present
    raise MlverError(
        f"{path} says other tensors of a file than the file has; somebody else wrote it, and it"
        " has to go before anything is registered",
        hint=shell_command("git", "log", "-p", "--", path),
    )


def read_kept_tensors(
    project: Project, record: VersionRecord, kept_name: Digest
) -> KeptTensors | None:
    """Read what a version pins of the tensors of a file; None where that is nothing, or gone.

    Raise ForgedFile where something else is there.
    """
    from mlver.records.tensors import KeptTensors

    pin = record.kept.tensors.get(kept_name)
    path = layout.tensors_path(kept_name)
    data = None if pin is None else project.registry.read_file(path)
    if data is None:
        return None
    if Digest.of_bytes(data) == pin:
        return KeptTensors.parse_of(kept_name, data, path)
    # Somebody who can compute summaries may have registered the same weights at the same time.
    with suppress(MlverError):
        plain = KeptTensors.parse_of(kept_name, data, path).drop_summaries()
        if Digest.of_bytes(plain.to_bytes()) == pin:
            return plain
    raise build_forged_error(record, path)


def derive_tensors(
    opener: SourceOpener, weights: Artifact, files: Listing, file: PinnedFile
) -> KeptTensors | None:
    """Look into a file; None where its bytes are elsewhere, or have no tensors, or too many.

    Raise DamagedTensors for one that is not what its name says, another MlverError where that
    cannot be told here.
    """
    source = open_pinned(opener, weights, file)
    if source is None:
        return None
    path = join_name(weights.path, file.name)
    found = read_tensors(source, path, find_beside(opener, weights, files, file.name))
    try:
        kept = _describe_tensors(opener.project, found, path, file.kept_name)
    except TensorFault as fault:
        reason = printable_name(str(fault))
        shown = printable_name(path)
        raise DamagedTensors(f"{shown} cannot be read to its end: {reason}", reason) from None
    is_too_long = len(kept.to_bytes()) > byte_limits.TENSORS_LIMIT
    return None if is_too_long or not kept.tensors else kept


def _describe_tensors(
    project: Project, found: TensorFile, path: str, kept_name: Digest
) -> KeptTensors:
    from mlver.content.tensors.digesting import can_summarise, digest_tensors
    from mlver.records.tensors import KeptTensors

    size = sum(tensor.content.size for tensor in found.tensors)
    project.reporter.begin_work(f"looking into {path}", size)
    try:
        tensors = digest_tensors(
            found.tensors, project.reporter.advance_work, summarise=can_summarise()
        )
    finally:
        project.reporter.end_work()
    return KeptTensors(
        file=kept_name,
        format=found.format,
        tensors=tensors,
        imports=found.imports,
        remark=found.remark,
    )
