"""What is kept of the tensors in weights when a version is registered.

See `mlver.records.tensors`. All that looks into weights is loaded only for those that have tensors.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from mlver.content.tensors.files import has_tensors, read_tensors
from mlver.content.tensors.tensor import ByteSource, OpenBeside, TensorFault, TensorFile
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import measured_files
from mlver.project.artifacts.pinned import pinned_files
from mlver.project.artifacts.tensor_sources import SourceOpener, open_sources
from mlver.project.project import Project
from mlver.records import byte_limits, layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing, ManifestEntry
from mlver.system.parallel import hash_descriptor, ignore_progress

if TYPE_CHECKING:
    from mlver.records.tensors import KeptTensors

# No published checkpoint lies in more files. A folder with more of them is something else.
_MOST_FILES = 1_000


def keep_tensors(
    project: Project, weights: Artifact, measured: MeasuredArtifact | None
) -> dict[str, bytes]:
    """Look into weights that were measured; return the files to keep, by path.

    Nothing is kept of weights that are secret, at an address, or of no format that is read. Raise
    MlverError where something else is kept of a file already than what is in it.
    """
    kept: dict[str, bytes] = {}
    if measured is None or weights.encrypted is not None or weights.is_remote:
        return kept
    files = measured_files(measured, weights.path)
    with open_sources(project) as opener:
        for name, digest in list_tensor_files(files, weights.path):
            record_path = layout.tensors_path(digest)
            data = _derive_tensors(opener, weights, files, name, digest)
            before = _read_again(project, digest)
            if before is not None and data is not None:
                _require_same_tensors(before, data, record_path)
            if before or data:
                kept[record_path] = before or data or b""
    return kept


def list_kept_paths(
    project: Project, weights: Artifact, measured: MeasuredArtifact | None
) -> list[str]:
    """List the paths of what may be kept of the tensors in weights."""
    if measured is None:
        files = pinned_files(project, weights)
    else:
        files = measured_files(measured, weights.path)
    found = list_tensor_files(files, weights.path)
    return [layout.tensors_path(digest) for _, digest in found]


def list_tensor_files(files: Iterable[ManifestEntry], path: str) -> list[tuple[bytes, Digest]]:
    """List the files of an artifact at a path that are called as if they held tensors.

    Each by its path below that, which is empty for the artifact itself; none where there are more
    than any model has.
    """
    found: list[tuple[bytes, Digest]] = []
    for name, hexadecimal in files:
        if has_tensors(join_name(path, name)):
            found.append((name, Digest(hexadecimal)))
            if len(found) > _MOST_FILES:
                return []
    return found


def read_kept_tensors(project: Project, file: Digest) -> KeptTensors | None:
    """Read what is kept of the tensors of a file; None where nothing is.

    Raise InvalidDocument where it is no such thing, or says that it is of another file.
    """
    from mlver.records.tensors import KeptTensors

    path = layout.tensors_path(file)
    data = project.registry.read_file(path)
    return None if data is None else KeptTensors.parse_of(file, data, path)


def _read_again(project: Project, file: Digest) -> bytes | None:
    """Read what an earlier registration kept of the same file."""
    with suppress(MlverError):
        kept = read_kept_tensors(project, file)
        if kept is not None:
            return kept.to_bytes()
    return None


def _require_same_tensors(before: bytes, derived: bytes, path: str) -> None:
    """Refuse what is kept of other tensors, whoever put it there.

    Summaries are kept only where something here can compute them.
    """
    from mlver.records.tensors import KeptTensors

    kept, found = (KeptTensors.parse(data, path) for data in (before, derived))
    if kept.drop_summaries() != found.drop_summaries():
        raise MlverError(
            f"{path} says other tensors of a file than the file has; somebody else wrote it, and"
            " it has to go before anything is registered",
            hint=shell_command("git", "log", "-p", "--", path),
        )


def _derive_tensors(
    opener: SourceOpener, weights: Artifact, files: Listing, name: bytes, digest: Digest
) -> bytes | None:
    """Look into a file; None where that is not possible: no registration fails for it."""
    with suppress(MlverError, TensorFault, OSError):
        source = open_pinned(opener, weights, name, digest)
        if source is not None:
            path = join_name(weights.path, name)
            found = read_tensors(source, path, find_beside(opener, weights, files, name))
            return _describe_tensors(opener.project, found, path, digest)
    return None


def open_pinned(
    opener: SourceOpener, artifact: Artifact, name: bytes, digest: Digest
) -> ByteSource | None:
    """Open a file of an artifact in the store, else in the work tree if it is still the same."""
    source: ByteSource | None = None
    if artifact.is_plain:
        source = opener.open_object(digest)
    if source is None and not artifact.is_remote:
        source = _open_proven(opener, artifact.path, name, digest)
    return source


def find_beside(
    opener: SourceOpener, artifact: Artifact, files: Listing, name: bytes
) -> OpenBeside:
    """How files beside one of an artifact are opened: those that the artifact has as well."""

    def open_beside(location: str) -> ByteSource | None:
        wanted = join_beside(name, location)
        for other, hexadecimal in files:
            if other == wanted and name:
                return open_pinned(opener, artifact, other, Digest(hexadecimal))
        return None

    return open_beside


def join_beside(name: bytes, location: str) -> bytes:
    """The name of a file in the folder of another one."""
    return os.path.normpath(os.path.join(os.path.dirname(name), os.fsencode(location)))  # noqa: PTH118, PTH120


def _open_proven(
    opener: SourceOpener, artifact: str, name: bytes, digest: Digest
) -> ByteSource | None:
    """Open a working file of an artifact, if it hashes to this digest."""
    source = opener.open_working(artifact, name)
    if source is None:
        return None
    hexadecimal, _ = hash_descriptor(source.descriptor, None, ignore_progress)
    return source if hexadecimal == digest.hex else None


def _describe_tensors(
    project: Project, found: TensorFile, path: str, digest: Digest
) -> bytes | None:
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
    kept = KeptTensors(
        file=digest, format=found.format, tensors=tensors, imports=found.imports
    ).to_bytes()
    return kept if len(kept) <= byte_limits.TENSORS_LIMIT else None
