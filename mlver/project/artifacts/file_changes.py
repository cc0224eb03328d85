"""Changes working files as a plan says: keeps unsaved bytes, replaces each file whole, removes.

A crash leaves each file with its old or its new bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, filterfalse
from operator import attrgetter, not_
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.hashing.read import BatchRead, read_batch
from mlver.project.artifacts import storing
from mlver.project.artifacts.file_list import FileList, collect_folders, list_parents
from mlver.project.artifacts.file_plan import FilePlan
from mlver.project.artifacts.following import OutsideLink
from mlver.project.project import Project
from mlver.system import durable
from mlver.system.folders import FolderTree
from mlver.system.parallel import split_batches, spread_batches
from mlver.system.regular import reading_regular

# Files smaller than this are saved many at a time: so many of them are in memory together.
_SMALL = 1 << 16
_BATCH_FILES = 128


# -- keeping what is stored nowhere ----------------------------------------------------------------


def save_files(
    project: Project, root: Path, files: FileList, passable: Container[str] = ()
) -> None:
    """Keep the working bytes as objects before anything replaces them.

    They may be behind the symlinks `passable`.
    """
    if not files:
        return
    checked: set[str] = set()
    sizes_are_small = bytearray()
    for path in files.read_paths():
        location = paths.join_inside_as_text(
            root, path, link_last=True, going=passable, checked=checked
        )
        sizes_are_small.append(os.stat(location).st_size < _SMALL)  # noqa: PTH116
    small_files = files.select_files(sizes_are_small)
    large_files = files.select_files(map(not_, sizes_are_small))
    store = storing.open_store(project)
    _save_small_files(project, root, small_files)
    with store.open_deposit() as deposit:
        for path, hexadecimal in large_files:
            with reading_regular(Path(root, path), follow=True) as source:
                if deposit.put_object(source).hex != hexadecimal:
                    raise _build_unsteady_error(path)


def _save_small_files(project: Project, root: Path, files: FileList) -> None:
    top = os.fsencode(root) + b"/"
    with storing.open_batch_deposit(project) as deposit:
        batches = split_batches(map(os.fsencode, files.read_paths()), _BATCH_FILES)
        expected = iter(files)
        # Closed at once whatever happens: no worker may still write when the deposit cleans up.
        with closing(spread_batches(partial(read_batch, top, deposit), batches)) as results:
            for result in results:
                deposit.accept_receipt(result.receipt)
                _check_saved(result, expected)


def _check_saved(result: BatchRead, expected: Iterator[tuple[str, str]]) -> None:
    """Check that the next of the expected files were read as they are expected to be."""
    if result.faults:
        raise MlverError(f"{result.faults[0]}; let its writer finish, then run the command again")
    for read_file, (path, hexadecimal) in zip(result.files, expected, strict=False):
        if read_file is None or read_file.digest.hex() != hexadecimal:
            raise _build_unsteady_error(path)


def _build_unsteady_error(path: str) -> MlverError:
    return MlverError(
        f"{path} changed while it was saved; let its writer finish, then run the command again"
    )


# -- replacing and removing ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Targets:
    """The objects to write and the paths to write them to; it is the `WantedFiles` of an object
    store.

    The paths have been checked.
    """

    root: str
    files: FileList

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[tuple[Digest, str]]:
        for path, hexadecimal in self.files:
            yield Digest(hexadecimal), f"{self.root}/{path}"


def replace_files(
    project: Project, tree: FolderTree, plans: Sequence[FilePlan], begin: Callable[[], None]
) -> None:
    """Change the files below the top of `tree`, or behind the links that are followed.

    `begin` is called once every new byte is proven and on the disk, before the first one goes.
    """
    followed = _hold_followed(tree, plans)
    links = frozenset(chain.from_iterable(map(attrgetter("links"), plans)))
    write = FileList.join_lists(map(attrgetter("write"), plans))
    remove = FileList.join_lists(map(attrgetter("remove"), plans))
    _check_targets(Path(tree.top), write, plans)
    wanted = _Targets(tree.top, write)
    is_obstacle = _mark_obstacles(write, remove)
    obstacles = remove.select_files(is_obstacle)

    def make_way() -> None:
        begin()
        _clear_obstacles(tree, chain(links, obstacles.read_paths()))
        _clear_folders(tree, (path for _, path in wanted))

    def begin_writing(total: int) -> None:
        project.reporter.begin_work("writing files", total)

    try:
        storing.open_store(project).export_objects(
            wanted,
            progress=project.reporter.advance_work,
            expect=begin_writing,
            make_way=make_way,
            tree=tree,
            executable=_locate_executable(tree, plans),
        )
    finally:
        project.reporter.end_work()
    # An obstacle is gone already, and its place is taken.
    remaining = remove.select_files(map(not_, is_obstacle))
    _remove_files(tree, filterfalse(links.__contains__, remaining.read_paths()))
    for link in followed:
        link.require_in_place()


def _check_targets(root: Path, write: FileList, plans: Sequence[FilePlan]) -> None:
    """Raise MlverError for a path through a link that neither goes nor is followed."""
    going = frozenset(chain.from_iterable(map(attrgetter("passable"), plans)))
    checked: set[str] = set()
    for path in write.read_paths():
        paths.join_inside_as_text(root, path, link_last=True, going=going, checked=checked)


def _hold_followed(tree: FolderTree, plans: Sequence[FilePlan]) -> list[OutsideLink]:
    """Open the folders behind the links that are followed.

    They are held from here on: whatever stands in a link's place later, it leads nowhere else.
    """
    followed: list[OutsideLink] = []
    for plan in plans:
        if plan.behind is not None:
            tree.hold_folder(f"{tree.top}/{plan.behind.path}", plan.behind.open_folder())
            followed.append(plan.behind)
    return followed


def _locate_executable(tree: FolderTree, plans: Sequence[FilePlan]) -> frozenset[str]:
    """The paths that are written with the executable bit."""
    names = chain.from_iterable(map(attrgetter("executable"), plans))
    return frozenset(f"{tree.top}/{name}" for name in names)


def _mark_obstacles(write: FileList, remove: FileList) -> bytearray:
    """A flag for each file to remove: whether it stands where a directory shall be, or in a
    directory where a file shall be.
    """
    if not remove:
        return bytearray()
    folders = collect_folders(write.read_paths())
    # Only where a folder of files to remove stands can a file to write be in its way.
    emptied_folders = collect_folders(remove.read_paths())
    replaced_folders = emptied_folders.intersection(write.read_paths())
    flags = bytearray()
    for path in remove.read_paths():
        is_inside = not replaced_folders.isdisjoint(list_parents(path))
        flags.append(path in folders or is_inside)
    return flags


def _clear_obstacles(tree: FolderTree, obstacles: Iterable[str]) -> None:
    for path in obstacles:
        location = f"{tree.top}/{path}"
        if tree.read_mode(location):
            tree.remove_file(location)
        _remove_empty_folders(tree, location.rpartition("/")[0])


def _clear_folders(tree: FolderTree, targets: Iterable[str]) -> None:
    for target in targets:
        if tree.is_folder(target):
            _remove_fileless(tree, target)


def _remove_fileless(tree: FolderTree, folder: str) -> None:
    """Remove a folder in which only folders, links to empty folders and temporaries are left."""
    # The folders on the way down, each above those in it.
    folders = [folder]
    for directory in folders:
        for name, is_folder in tree.list_folder(directory):
            inner = f"{directory}/{name}"
            if is_folder:
                folders.append(inner)
            elif durable.is_temporary(name) or Path(inner).is_dir():
                tree.remove_file(inner)
    for directory in reversed(folders):
        tree.remove_folder(directory)


def _remove_files(tree: FolderTree, removed: Iterable[str]) -> None:
    folders: dict[str, None] = {}
    for path in removed:
        location = f"{tree.top}/{path}"
        folder = location.rpartition("/")[0]
        if folder in folders or tree.is_folder(folder):
            tree.remove_file(location)
        folders[folder] = None
    durable.sync_directories(filter(tree.is_folder, list(folders)), access=tree)
    for folder in folders:
        _remove_empty_folders(tree, folder)


def _remove_empty_folders(tree: FolderTree, folder: str) -> None:
    with suppress(OSError):
        while folder != tree.top:
            tree.remove_folder(folder)
            folder = folder.rpartition("/")[0]
