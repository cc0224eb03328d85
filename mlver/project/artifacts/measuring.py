"""A version's artifacts in this repository: which they are, what the work tree has of them, what a record pins."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, printable_name
from mlver.hashing.cache import StatCache
from mlver.hashing.measure import MeasuredArtifact, measure_artifact
from mlver.hashing.read import ReadProgress
from mlver.hashing.sink import ContentSink
from mlver.hashing.walk import walk_files
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing, Manifest, ManifestEntry
from mlver.records.model import ModelSettings

__all__ = [
    "MeasuredArtifact",
    "OwnPaths",
    "collect_own_paths",
    "find_changed_files",
    "has_no_files",
    "list_entries",
    "measure_at",
    "measure_into",
    "measure_path",
    "measured_files",
    "pair_manifests",
    "pinned_files",
]


# -- what belongs to a version ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnPaths:
    """The paths a record pins itself; changes to them are the reason to register, not dirt."""

    files: frozenset[str]

    def covers_path(self, path: str) -> bool:
        """Whether a path is pinned by the record or mlver's own."""
        path = path.rstrip("/")
        return any(path == own or path.startswith(f"{own}/") for own in self.files)

    def reach_into(self, path: str) -> bool:
        """Whether a folder git does not know holds something of ours: it is not unknown to the person, then."""
        return any(own.startswith(path) for own in self.files)


def collect_own_paths(settings: ModelSettings) -> OwnPaths:
    found = [artifact.path for artifact in settings.data.values()]
    if settings.weights is not None:
        found.append(settings.weights.path)
    return OwnPaths(frozenset([*found, *settings.params, *settings.metrics, layout.ROOT]))


# -- measuring -------------------------------------------------------------------------------------------------------


def measure_into(project: Project, path: str, sink: ContentSink | None) -> MeasuredArtifact:
    """The file or directory at `path`, its bytes handed to `sink` on the way.

    Raise MlverError, also for a file that would be taken for a directory registered here.
    """
    where = paths.join_inside(project.top_folder, path, link_last=True)
    with _report_hashing(project, path, where) as progress:
        found = measure_artifact(
            where, key=path, cache=_open_stat_cache(project), sink=sink, progress=progress
        )
    _refuse_ambiguous(project, path, found)
    return found


def measure_at(
    project: Project, path: str, *, fresh: bool = False, keep_manifest: bool = True
) -> MeasuredArtifact | None:
    """The working file or directory at `path`; None where there is none, or one without any file.

    `fresh` reads every byte, cache or not.
    """
    where = paths.join_inside(project.top_folder, path, link_last=True)
    if has_no_files(where):
        return None
    cache = None if fresh else _open_stat_cache(project)
    with _report_hashing(project, path, where) as progress:
        return measure_artifact(
            where, key=path, cache=cache, progress=progress, keep_manifest=keep_manifest
        )


@contextmanager
def _report_hashing(project: Project, path: str, where: Path) -> Iterator[ReadProgress]:
    """Tell the person how far it is."""
    project.reporter.begin_work(f"hashing {path}", _find_file_size(where))
    try:
        yield project.reporter.advance_work
    finally:
        project.reporter.end_work()


def _find_file_size(where: Path) -> int | None:
    """Of a file, in bytes; that of a directory is known only once it has been walked."""
    try:
        found = where.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def has_no_files(where: Path) -> bool:
    """Whether nothing is there, or a directory without any file: neither can be an artifact."""
    if not where.is_dir():
        return not where.exists()
    faults: list[str] = []
    return next(walk_files(os.fsencode(where), faults.append), None) is None and not faults


def measure_path(where: Path) -> MeasuredArtifact:
    """A file or directory anywhere, every byte read."""
    return measure_artifact(where, key=os.fspath(where))


def _open_stat_cache(project: Project) -> StatCache:
    return StatCache(project.state, project.repository.own)


def _refuse_ambiguous(project: Project, path: str, found: MeasuredArtifact) -> None:
    """A file that is a manifest kept here would be taken for the directory that manifest describes."""
    if (
        found.manifest is None
        and project.registry.read_file(layout.manifest_path(found.digest)) is not None
    ):
        raise MlverError(
            f"{path} holds exactly the manifest of a directory registered here, and would be taken for it",
            hint="register the directory itself",
        )


# -- what a record pins ----------------------------------------------------------------------------------------------


def list_entries(project: Project, artifact: Artifact) -> tuple[ManifestEntry, ...]:
    """The files of an artifact, all in memory; see `pinned_files`."""
    return tuple(pinned_files(project, artifact))


def pinned_files(project: Project, artifact: Artifact) -> Listing:
    """The files of an artifact, each path relative to it with the 64 digits of its digest; a file's own path is empty.

    Raise MlverError where its manifest is missing or damaged.
    """
    path = layout.manifest_path(artifact.digest)
    data = project.registry.manifest_bytes(artifact.digest)
    if data is not None:
        return Listing.of_manifest(data, path)
    if artifact.files != 1:
        raise MlverError(
            f"{path} is missing: it lists the files of {printable_name(artifact.path)}",
            hint=f"git checkout -- {path}",
        )
    return Listing.of_file(artifact.digest)


def measured_files(found: MeasuredArtifact, path: str) -> Listing:
    """The files that were measured at a path."""
    if found.manifest is None:
        return Listing.of_file(found.digest)
    return Listing.of_manifest(found.manifest, path)


def pair_manifests(
    project: Project, artifact: Artifact, found: MeasuredArtifact
) -> tuple[Manifest, Manifest]:
    """What an artifact pins and what was measured, as manifests that can be compared."""
    there = (
        Manifest.parse(found.manifest, artifact.path).entries
        if found.manifest
        else ((b"", found.digest.hex),)
    )
    return Manifest(list_entries(project, artifact)), Manifest(there)


def find_changed_files(project: Project, artifact: Artifact) -> list[str]:
    """The working files of an artifact that are not as it pins them, or not there, or not of it."""
    found = measure_at(project, artifact.path)
    if found is None:
        return [artifact.path]
    pinned, there = pair_manifests(project, artifact, found)
    names = {path for path, _ in set(pinned.entries) ^ set(there.entries)}
    return [
        f"{artifact.path}/{os.fsdecode(name)}" if name else artifact.path for name in sorted(names)
    ]
