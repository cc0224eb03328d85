"""What a checkout changes: the working files beside the files that a version pins."""

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
from mlver.records.manifest import Listing

_NO_FILES = Listing(b"")


@dataclass(frozen=True, slots=True)
class FileList:
    """Files below a folder of the root, with their digests; their paths are made as they are gone through."""

    folder: str
    listing: Listing

    def __len__(self) -> int:
        return len(self.listing)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((joined(self.folder, name), hexadecimal) for name, hexadecimal in self.listing)


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The changes that turn the working files into the artifact's: paths below the root, and their digests.

    `links` are symlinks to folders in which something would change: they go, and what they lead to is left alone.
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
        kept = {parent for path, _ in self.write for parent in (*parents_of(path), path)}
        return len(self.remove) + len(self.links - kept - {path for path, _ in self.remove})


def plan_files(project: Project, root: Path, artifact: Artifact) -> FilePlan:
    folder = artifact.path
    target = measuring.pinned_files(project, artifact)
    there = present_files(project, root, folder)
    write = FileList(folder, target.unlike(there))
    gone = FileList(folder, there.missing_from(target))
    links = _links(root, folder, (path for path, _ in chain(write, gone)))
    if links:
        # the folder that comes in a link's place is empty at first; what is behind the link is not ours to remove
        changing = {path for path, _ in write}
        missing = (
            entry for entry in target if _is_affected(joined(folder, entry[0]), changing, links)
        )
        write = FileList(folder, Listing.of(missing))
        gone = FileList(folder, _before_links(folder, gone.listing, links))
    replaced = FileList(folder, _before_links(folder, there.found_in(write.listing), links))
    checked: set[str] = set()
    for path, _ in chain(write, gone):
        paths.join_inside_as_text(root, path, link_last=True, going=links, checked=checked)
    return FilePlan(write, gone, replaced, links, len(target) - len(write))


def _is_affected(path: str, changing: Container[str], links: Container[str]) -> bool:
    return path in changing or _behind(path, links)


def _before_links(folder: str, listing: Listing, links: frozenset[str]) -> Listing:
    """The files that no symlink stands before."""
    if not links:
        return listing
    return Listing.of(entry for entry in listing if not _behind(joined(folder, entry[0]), links))


def _links(root: Path, base: str, changing: Iterable[str]) -> frozenset[str]:
    """The symlinks, at an artifact's path or below it, that stand between it and the files to change."""
    found: set[str] = set()
    plain: set[str] = set()
    for path in changing:
        for parent in parents_of(path)[base.count("/") :]:
            if parent in found:
                break
            if parent not in plain:
                if (root / parent).is_symlink():
                    found.add(parent)
                    break
                plain.add(parent)
    return frozenset(found)


def _behind(path: str, links: Container[str]) -> bool:
    return any(parent in links for parent in parents_of(path))


def present_files(project: Project, root: Path, path: str) -> Listing:
    """The files at an artifact's path now, each with the digest of its bytes."""
    where = paths.join_inside(root, path, link_last=True)
    if root == project.top_folder:
        found = measuring.measure_at(project, path)
    else:
        found = None if measuring.has_no_files(where) else measuring.measure_path(where)
    if found is None:
        return _NO_FILES
    return measuring.measured_files(found, path)


def joined(path: str, name: bytes) -> str:
    if not path:
        return os.fsdecode(name)
    return f"{path}/{os.fsdecode(name)}" if name else path


def listed_files(files: Iterable[tuple[str, str]]) -> FileList:
    """Files whose paths are relative to the root itself."""
    return FileList("", Listing.of((os.fsencode(path), digest) for path, digest in files))


def parents_of(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:at]) for at in range(1, len(parts))]
