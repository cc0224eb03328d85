"""The files of an artifact that are called as if they held tensors, and how each is opened.

What is kept of the tensors in a file is named by the digest of the file. Where a format keeps bytes
in other files as well, it is the digest of a list of them, in the format of `sha256sum`: the file
first, and then all that the artifact has at its side or below.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from mlver.content.tensors.files import has_tensors, keeps_others, may_have_tensors
from mlver.content.tensors.tensor import ByteSource, OpenBeside
from mlver.digest import Digest
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.tensor_sources import SourceOpener
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing, ManifestEntry, format_line
from mlver.system.parallel import hash_descriptor, ignore_progress

# No published checkpoint lies in more files. A folder with more of them is something else.
_MOST_FILES = 1_000


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file by its path below the artifact, which is empty for the artifact itself.

    `kept_name` is the digest by which it is named what is kept of its tensors.
    """

    name: bytes
    digest: Digest
    kept_name: Digest


def list_tensor_files(files: Listing, path: str) -> list[PinnedFile]:
    """List the files of an artifact at a path that are called as if they held tensors.

    None where there are more than any model has.
    """
    if len(files) > 1 and not files.search(may_have_tensors):
        return []
    found: list[ManifestEntry] = []
    for name, hexadecimal in files:
        if has_tensors(join_name(path, name)):
            found.append((name, hexadecimal))
            if len(found) > _MOST_FILES:
                return []
    return [_name_kept(files, path, entry) for entry in found]


def _name_kept(files: Listing, path: str, entry: ManifestEntry) -> PinnedFile:
    name, hexadecimal = entry
    kept_name = Digest(hexadecimal)
    if name and keeps_others(join_name(path, name)):
        lines = [format_line(name, hexadecimal), *_list_beside(files, name)]
        kept_name = Digest.of_bytes(b"".join(lines))
    return PinnedFile(name, Digest(hexadecimal), kept_name)


def _list_beside(files: Listing, name: bytes) -> Iterator[bytes]:
    folder = name[: name.rfind(b"/") + 1]
    for other, hexadecimal in files:
        if other != name and other.startswith(folder):
            yield format_line(other, hexadecimal)


def open_pinned(opener: SourceOpener, artifact: Artifact, file: PinnedFile) -> ByteSource | None:
    """Open a file of an artifact in the store, else in the work tree if it is still the same."""
    return _open_entry(opener, artifact, file.name, file.digest)


def _open_entry(
    opener: SourceOpener, artifact: Artifact, name: bytes, digest: Digest
) -> ByteSource | None:
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
                return _open_entry(opener, artifact, other, Digest(hexadecimal))
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
