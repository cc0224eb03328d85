"""The files that a record pins of an artifact, and the contents that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from mlver.errors import MlverError, printable_name, shell_command
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing, ManifestEntry


def list_entries(project: Project, artifact: Artifact) -> tuple[ManifestEntry, ...]:
    """The files of an artifact, all in memory; see `pinned_files`."""
    return tuple(pinned_files(project, artifact))


def pinned_files(project: Project, artifact: Artifact) -> Listing:
    """The files of an artifact, each path relative to it with the 64 digits of its digest.

    A file's own path is empty.

    Raise MlverError where its manifest is missing or damaged.
    """
    path = layout.manifest_path(artifact.digest)
    data = project.registry.manifest_bytes(artifact.digest)
    if data is not None:
        return Listing.of_manifest(data, path)
    if artifact.files != 1:
        raise MlverError(
            f"{path} is missing: it lists the files of {printable_name(artifact.path)}",
            hint=shell_command("git", "checkout", "--", path),
        )
    return Listing.of_file(artifact.digest)


def stored_files(project: Project, artifact: Artifact) -> Listing:
    """The contents that the object store keeps of an artifact, as `pinned_files` lists them.

    Of one that is encrypted, that is its encrypted copy. Raise MlverError as `pinned_files` does.
    """
    listing = pinned_files(project, artifact)
    if artifact.encrypted is None:
        return listing
    return Listing.of_file(artifact.encrypted.object)


def list_names(project: Project, artifact: Artifact) -> Sequence[bytes]:
    """The names of the same files; none where `pinned_files` raises, as `verify` tells."""
    with suppress(MlverError):
        return [name for name, _ in pinned_files(project, artifact)]
    return ()
