"""What a checkout changes: it compares the working files with the files that a version pins.

Half a million files are planned at once. A list of files is kept as the bytes of a manifest, and a
path is made when somebody asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mlver import paths
from mlver.project.artifacts import measuring
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing, ManifestEntry

_NO_FILES = Listing(b"")


@dataclass(frozen=True, slots=True)
class FileList:
    """Files below a folder of the root, with their digests."""

    folder: str
    listing: Listing

    def __len__(self) -> int:
        return len(self.listing)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, hexadecimal in self.listing:
            yield join_name(self.folder, name), hexadecimal


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The changes that turn the working files into the artifact's; paths are below the root.

    `links` are symlinks to folders in which something would change. They are removed, and the
    folders they lead to are left alone.
    """

    write: FileList
    remove: FileList
    replaced: FileList
    links: frozenset[str]
    unchanged: int

    @property
    def removed_count(self) -> int:
        """How many entries go without another in their place."""
        if not self.links:
            return len(self.remove)
        occupied: set[str] = set()
        for path, _ in self.write:
            occupied.add(path)
            occupied.update(list_parents(path))
        removed = {path for path, _ in self.remove}
        return len(self.remove) + len(self.links - occupied - removed)


def plan_files(project: Project, root: Path, artifact: Artifact) -> FilePlan:
    folder = artifact.path
    pinned = measuring.pinned_files(project, artifact)
    present = measure_files(project, root, folder)
    write = FileList(folder, pinned.unlike(present))
    remove = FileList(folder, present.missing_from(pinned))
    links = _find_links(root, folder, (path for path, _ in chain(write, remove)))
    if links:
        # The folder that replaces a link is empty at first, so all its files are to be written.
        # What is behind the link is not ours to remove.
        changing = {path for path, _ in write}
        write = FileList(folder, Listing.of(_select_affected(folder, pinned, changing, links)))
        remove = FileList(folder, _drop_linked(folder, remove.listing, links))
    replaced = FileList(folder, _drop_linked(folder, present.found_in(write.listing), links))
    checked: set[str] = set()
    for path, _ in chain(write, remove):
        paths.join_inside_as_text(root, path, link_last=True, going=links, checked=checked)
    return FilePlan(write, remove, replaced, links, len(pinned) - len(write))


def _select_affected(
    folder: str, listing: Listing, changing: Container[str], links: Container[str]
) -> Iterator[ManifestEntry]:
    """The files that change, and those that a symlink stands before."""
    for name, hexadecimal in listing:
        path = join_name(folder, name)
        if path in changing or _is_behind(path, links):
            yield name, hexadecimal


def _drop_linked(folder: str, listing: Listing, links: frozenset[str]) -> Listing:
    """The files that no symlink stands before."""
    if not links:
        return listing
    return Listing.of(
        entry for entry in listing if not _is_behind(join_name(folder, entry[0]), links)
    )


def _find_links(root: Path, folder: str, changing: Iterable[str]) -> frozenset[str]:
    """The symlinks between the folder that holds an artifact and the files to change."""
    links: set[str] = set()
    plain: set[str] = set()
    # The folders above the artifact are not ours to replace.
    depth = folder.count("/")
    for path in changing:
        for parent in list_parents(path)[depth:]:
            if parent in plain:
                continue
            if parent in links:
                break
            if (root / parent).is_symlink():
                links.add(parent)
                break
            plain.add(parent)
    return frozenset(links)


def _is_behind(path: str, links: Container[str]) -> bool:
    return any(parent in links for parent in list_parents(path))


def measure_files(project: Project, root: Path, path: str) -> Listing:
    """The files at an artifact's path now, each with the digest of its bytes."""
    location = paths.join_inside(root, path, link_last=True)
    if root == project.top_folder:
        measured = measuring.measure_at(project, path)
    elif measuring.has_no_files(location):
        measured = None
    else:
        measured = measuring.measure_path(location)
    if measured is None:
        return _NO_FILES
    return measuring.measured_files(measured, path)


def join_name(folder: str, name: bytes) -> str:
    """The path of a file in a folder; either may be empty."""
    if not name:
        return folder
    if not folder:
        return os.fsdecode(name)
    return f"{folder}/{os.fsdecode(name)}"


def list_files(files: Iterable[tuple[str, str]]) -> FileList:
    """Files whose paths are relative to the root itself."""
    entries = ((os.fsencode(path), hexadecimal) for path, hexadecimal in files)
    return FileList("", Listing.of(entries))


def list_parents(path: str) -> list[str]:
    """The folders above a path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
