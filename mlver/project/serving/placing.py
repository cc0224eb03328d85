"""Puts the files of versions into a target: proven, durable, and there as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts import storing, unstored
from mlver.project.artifacts.bringing import naming_remotes
from mlver.project.project import Project
from mlver.project.remote.fetching import FetchedAhead, fetch_versions
from mlver.project.serving.held_folder import (
    move_aside,
    name_temporary,
    remove_inside,
    write_inside,
    write_new,
)
from mlver.project.serving.plan import PlacedVersion
from mlver.project.serving.version_files import IDENTITY, DeployedFiles
from mlver.system import durable
from mlver.system.folders import FolderTree


def fetch_lacking(project: Project, versions: Sequence[PlacedVersion], ahead: FetchedAhead) -> None:
    """Bring the bytes here that are to be written; raise MlverError where nobody keeps them."""
    for version in versions:
        if not version.is_new and not version.state.lacking:
            continue
        record = version.files.holder.record
        only = version.files.artifacts
        fetch_versions(project, [record], only, ahead=ahead)
        brought = unstored.bring_artifacts(project, record, only=only, in_place=False)
        for error in brought.missing.values():
            raise error


def place_version(project: Project, tree: FolderTree, version: PlacedVersion) -> None:
    """Make the folder of a version hold it, and nothing else.

    A new one appears under its name once all of it is on the disk. In one that is there, each wrong
    file is replaced by the right one. Raise MlverError where bytes are missing or damaged.
    """
    files = version.files
    with naming_remotes(project, f"{files.served.model}@{files.served.version}"):
        if version.is_new:
            _place_new(project, tree, version)
        else:
            _repair(project, tree, version)


def _place_new(project: Project, tree: FolderTree, version: PlacedVersion) -> None:
    whole = f"{tree.top}/{version.place}"
    staging = name_temporary(tree)
    try:
        _fill_folder(project, tree, version, staging)
        parent = whole.rpartition("/")[0]
        changed = tree.make_folder(parent)
        tree.forget_folders()
        tree.replace_file(staging, whole)
    except BaseException:
        # What stays all the same is swept by the next deployment.
        with suppress(OSError):
            remove_inside(tree, staging.rpartition("/")[2], is_folder=True)
        raise
    durable.sync_directories([*changed, parent, tree.top], access=tree)


def _fill_folder(project: Project, tree: FolderTree, version: PlacedVersion, folder: str) -> None:
    tree.make_folder(folder)
    files = version.files
    _write_files(project, tree, _WantedPaths(folder, tuple(files.served.files), files))
    if version.identity is not None:
        write_new(tree, f"{folder}/{IDENTITY}", version.identity)
        durable.sync_directory(folder, tree)


def _repair(project: Project, tree: FolderTree, version: PlacedVersion) -> None:
    place = version.place
    move_aside(tree, [f"{place}/{path}" for path in version.state.foreign])
    tree.forget_folders()
    if version.state.lacking:
        wanted = _WantedPaths(f"{tree.top}/{place}", version.state.lacking, version.files)
        _write_files(project, tree, wanted)
    if version.identity is not None:
        write_inside(tree, f"{place}/{IDENTITY}", version.identity)


@dataclass(frozen=True, slots=True)
class _WantedPaths:
    """Files of a version below a folder; these are the `WantedFiles` of an object store."""

    folder: str
    paths: tuple[str, ...]
    files: DeployedFiles

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[tuple[Digest, str]]:
        for path in self.paths:
            yield self.files.served.files[path], f"{self.folder}/{path}"


def _write_files(project: Project, tree: FolderTree, wanted: _WantedPaths) -> None:
    reporter = project.reporter

    def begin_writing(total: int) -> None:
        reporter.begin_work(f"writing {wanted.files.name}", total)

    try:
        storing.open_store(project).export_objects(
            wanted,
            progress=reporter.advance_work,
            expect=begin_writing,
            tree=tree,
            executable=frozenset(f"{wanted.folder}/{path}" for path in wanted.files.executable),
        )
    except MlverError as error:
        name = wanted.files.name
        error.message = f"{name} is not in place, and what was served still is: {error.message}"
        raise
    finally:
        reporter.end_work()
