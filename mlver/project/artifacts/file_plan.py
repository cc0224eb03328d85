"""What a checkout changes: it compares the working files with the files that a version pins."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, shell_command
from mlver.hashing.read import ContentRules, LargeReader
from mlver.project.artifacts import measuring, modes
from mlver.project.artifacts.file_list import (
    NO_FILES,
    FileList,
    compare_lists,
    join_name,
    list_parents,
)
from mlver.project.artifacts.following import OutsideLink
from mlver.project.artifacts.ignoring import IgnoredFiles
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The changes that turn the working files into the artifact's; paths are below the root.

    `links` are symlinks to folders in which something would change, each with what it leads to.
    They are removed, and those folders are left alone. Of the files to write, those in `executable`
    may be executed; of those replaced or removed, those in `were_executable`. `behind` is a link in
    the artifact's place that stays: the files behind it are changed. `left_out` are the paths that
    `.mlverignore` leaves out, that of a folder with a slash: they stay as they are.
    """

    write: FileList
    remove: FileList
    replaced: FileList
    links: Mapping[str, str]
    unchanged: int
    executable: frozenset[str] = frozenset()
    were_executable: frozenset[str] = frozenset()
    behind: OutsideLink | None = None
    left_out: tuple[str, ...] = ()

    @property
    def passable(self) -> frozenset[str]:
        """The symlinks that may stand on the way to a file: each goes, or is followed."""
        if self.behind is None:
            return frozenset(self.links)
        return frozenset((*self.links, self.behind.path))

    @property
    def removed_count(self) -> int:
        """How many entries go without another in their place."""
        if not self.links:
            return len(self.remove)
        occupied: set[str] = set()
        for path in self.write.read_paths():
            occupied.update(self.links.keys() & {path, *list_parents(path)})
        removed = set(filter(self.links.__contains__, self.remove.read_paths()))
        return len(self.remove) + len(self.links.keys() - occupied - removed)

    def reverse_changes(self) -> FilePlan:
        """The changes to the files that undo these; the links are to be made again after them."""
        added = compare_lists(self.replaced, self.write).remove
        restored = FileList.join_lists((self.replaced, self.remove))
        return FilePlan(
            restored, added, NO_FILES, {}, 0, executable=self.were_executable, behind=self.behind
        )


def plan_files(
    project: Project,
    root: Path,
    artifact: Artifact,
    behind: OutsideLink | None = None,
    read: LargeReader | None = None,
) -> FilePlan:
    """The changes to make, of the files `behind` a link that is followed where there is one.

    `read` reads each large file of the work tree.

    Raise MlverError where the artifact is a file, and a link to a folder is in its place.
    """
    folder = artifact.path
    if behind is not None:
        _require_folder(project, artifact, behind)
    # One after the other, so that the bytes of two manifests are never in memory together.
    ignored = measuring.find_left_out(project, folder, artifact)
    present, were_executable = _measure_files(project, root, folder, behind, read, ignored)
    pinned = FileList.from_entries(folder, measuring.pinned_files(project, artifact))
    executable = modes.pinned_executable(artifact)
    # Bytes that are right under a wrong mode are written again: whole files only are ever changed.
    other_modes = modes.find_other_modes(project, executable, were_executable)
    write, remove, replaced = compare_lists(pinned, present, other_modes=other_modes)
    if ignored is not None:
        ignored.require_way(folder, (name for name, _ in write.read_files()))
    changing = chain(write.read_paths(), remove.read_paths())
    links = _find_links(root, folder, changing, is_followed=behind is not None)
    if links:
        # The folder that replaces a link is empty at first, so all its files are to be written.
        # What is behind the link is not ours to remove.
        write = _add_linked(pinned, write, links)
        remove, replaced = (_drop_linked(files, links) for files in (remove, replaced))
    plan = FilePlan(
        write,
        remove,
        replaced,
        links,
        unchanged=len(pinned) - len(write),
        executable=_name_files(folder, executable),
        were_executable=_name_files(folder, were_executable),
        behind=behind,
        left_out=() if ignored is None else ignored.list_found(folder),
    )
    _require_inside(root, plan)
    return plan


def _require_inside(root: Path, plan: FilePlan) -> None:
    """Raise MlverError where a changed file would lie outside the work tree."""
    checked: set[str] = set()
    going = plan.passable
    for path in chain(plan.write.read_paths(), plan.remove.read_paths()):
        paths.join_inside_as_text(root, path, link_last=True, going=going, checked=checked)


def _require_folder(project: Project, artifact: Artifact, behind: OutsideLink) -> None:
    if project.registry.manifest_bytes(artifact.digest) is None:
        raise MlverError(
            f"{behind.describe_link()}, but that version has a file there; move the link away",
            hint=shell_command("ls", "-ld", "--", artifact.path),
        )


def _name_files(folder: str, names: Iterable[bytes] | None) -> frozenset[str]:
    return frozenset(join_name(folder, name) for name in names or ())


def _add_linked(pinned: FileList, changing: FileList, links: Container[str]) -> FileList:
    """The files that change, and those that a symlink stands before."""
    flags = bytearray()
    remaining = changing.read_paths()
    next_changing = next(remaining, None)
    for path in pinned.read_paths():
        is_changing = path == next_changing
        if is_changing:
            next_changing = next(remaining, None)
        flags.append(is_changing or _is_behind(path, links))
    return pinned.select_files(flags)


def _drop_linked(files: FileList, links: Container[str]) -> FileList:
    """The files that no symlink stands before."""
    return files.select_files(not _is_behind(path, links) for path in files.read_paths())


def _find_links(
    root: Path, folder: str, changing: Iterable[str], *, is_followed: bool
) -> dict[str, str]:
    """The symlinks between the folder that holds an artifact and the files to change, each with
    what it leads to; the artifact's place is none of them where a link there is followed.
    """
    links: dict[str, str] = {}
    plain: set[str] = set()
    # The folders above the artifact are not ours to replace.
    depth = folder.count("/") + is_followed
    for path in changing:
        for parent in list_parents(path)[depth:]:
            if parent in plain:
                continue
            if parent in links:
                break
            if (root / parent).is_symlink():
                # As it was written: pathlib would normalise it.
                links[parent] = os.readlink(root / parent)  # noqa: PTH115
                break
            plain.add(parent)
    return links


def _is_behind(path: str, links: Container[str]) -> bool:
    return any(parent in links for parent in list_parents(path))


def _measure_files(
    project: Project,
    root: Path,
    path: str,
    behind: OutsideLink | None,
    read: LargeReader | None,
    ignored: IgnoredFiles | None,
) -> tuple[FileList, tuple[bytes, ...] | None]:
    """The files at an artifact's path now, each with the digest of its bytes.

    Also the names of those that may be executed, None where that says nothing.
    """
    location = paths.join_inside(root, path, link_last=True)
    if root == project.top_folder:
        # what links lead to is replaced or left alone, never kept as a version's own
        measured = measuring.measure_replaced(project, path, behind, read, ignored)
    else:
        measured = _measure_elsewhere(location, ignored)
    if measured is None:
        return NO_FILES, ()
    files = FileList.from_entries(path, measuring.measured_files(measured, path))
    return files, measured.executable


def _measure_elsewhere(location: Path, ignored: IgnoredFiles | None) -> MeasuredArtifact | None:
    is_ignored = None if ignored is None else ignored.leaves_out
    rules = ContentRules(skip_dangling=True, is_ignored=is_ignored)
    if measuring.has_no_files(location, rules):
        return None
    return measuring.measure_path(location, rules)
