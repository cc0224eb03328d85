"""The folder of a target, held open: whose it is, and how something is written there.

`.mlver-target.json` marks it. A folder that has other things and no such mark is never written to,
and one outside of the repository gets it only where the person agrees. Nothing is reached through a
symlink.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

from mlver.errors import MlverError, printable_name, shell_command
from mlver.names import find_path_fault
from mlver.project.project import Project
from mlver.project.serving.targets import FoundTarget
from mlver.system import durable
from mlver.system.durable import FileAccess
from mlver.system.folders import FolderTree, naming_path, open_real
from mlver.system.regular import open_regular

MARK = ".mlver-target.json"
_IGNORE_ALL = b"# Written by mlver deploy: all of this comes from records.\n*\n"
IGNORE = ".gitignore"
_FORMAT = "mlver/target/1"
_MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetMark:
    """What `.mlver-target.json` says: whose folder it is, and the files beside the versions.

    `repository` is the git directory that deploys here, empty for a folder inside its work tree.
    `routes` are the files of routes that deployments wrote, by their paths in the repository.
    """

    target: str
    model: str
    repository: str
    files: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        document = {
            "format": _FORMAT,
            "target": self.target,
            "model": self.model,
            "repository": self.repository,
            "files": list(self.files),
            "routes": list(self.routes),
        }
        return (json.dumps(document, indent=1) + "\n").encode()


def open_folder(folder: Path) -> FolderTree | None:
    """Open the folder of a target for reading; None where there is none.

    Raise OSError where a symlink or a file is on the way.
    """
    try:
        return FolderTree(os.fspath(folder), open_real(os.fspath(folder)))
    except FileNotFoundError:
        return None


@contextmanager
def hold_folder(project: Project, target: FoundTarget, *, agreed: bool) -> Iterator[FolderTree]:
    """Open the folder of a target for writing, make it if need be, and keep others away.

    `agreed`: the person wants it even outside of the repository. Raise MlverError where it is not
    ours to write to.
    """
    _require_agreement(project, target, agreed=agreed)
    _make_folder(target.folder)
    tree = open_folder(target.folder)
    if tree is None:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(target.folder))
    with tree:
        _lock_folder(tree, target)
        # Somebody may have written there since.
        _require_agreement(project, target, agreed=agreed)
        _sweep(tree)
        mark = TargetMark(
            target=target.name,
            model=target.model,
            repository=_name_owner(project, target),
        )
        former = read_mark(tree, target)
        if former is None:
            write_inside(tree, MARK, mark.to_bytes())
        elif former.repository != mark.repository:
            write_inside(tree, MARK, replace(mark, files=former.files).to_bytes())
        if not target.is_outside and target.layout.place_version is not None:
            _keep_out_of_git(tree)
        yield tree


def _name_owner(project: Project, target: FoundTarget) -> str:
    """Name the clone that may write to a folder outside of it; a copy of it was not agreed to."""
    return os.fspath(project.repository.common_dir) if target.is_outside else ""


def _keep_out_of_git(tree: FolderTree) -> None:
    """Let git pass over bytes of versions inside the repository, unless a person says otherwise."""
    if not tree.read_mode(f"{tree.top}/{IGNORE}"):
        write_inside(
            tree, IGNORE, b"# Written by mlver deploy: versions come from the records.\n*\n"
        )


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, through no link."""
    existing = folder
    while not os.path.lexists(existing):
        existing = existing.parent
    top = os.fspath(existing)
    with FolderTree(top.rstrip("/"), open_real(top)) as tree:
        if existing != folder:
            changed = tree.make_folder(folder)
            durable.sync_directories(changed, access=tree)


def _lock_folder(tree: FolderTree, target: FoundTarget) -> None:
    descriptor = tree.open_file(tree.top, os.O_RDONLY | os.O_DIRECTORY)
    tree.hold_folder(tree.top, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MlverError(
            f"another command deploys to {printable_name(str(target.folder))} now; let it finish,"
            " then run the same command again",
            hint=shell_command("mlver", "deploy", target.name),
        ) from None


def _require_agreement(project: Project, target: FoundTarget, *, agreed: bool) -> None:
    """Raise MlverError where the folder is not ours to write to, or nobody agreed to it."""
    tree = open_folder(target.folder)
    mark = None
    if tree is not None:
        with tree:
            mark = read_mark(tree, target)
            if mark is None:
                _refuse_occupied(tree, target)
    is_known = mark is not None and mark.repository == _name_owner(project, target)
    if not target.is_outside or is_known or agreed:
        return
    shown = printable_name(str(target.folder))
    if project.reporter.ask_person(f"{target.name} lies outside the repository: {shown}. Write?"):
        return
    raise MlverError(
        f"{target.name} lies outside of the repository, in {shown}; say once that this is what you"
        " want",
        hint=shell_command("mlver", "deploy", target.name, "--yes"),
    )


def _refuse_occupied(tree: FolderTree, target: FoundTarget) -> None:
    for name, _ in tree.list_folder(tree.top):
        if not durable.is_temporary(name):
            raise MlverError(
                f"{printable_name(tree.top)} has other things in it, such as"
                f" {printable_name(name)}, and {target.name} needs a folder of its own",
                hint=shell_command("ls", "-la", "--", tree.top),
            )


def read_mark(tree: FolderTree, target: FoundTarget) -> TargetMark | None:
    """Read whose folder it is; None where nobody said.

    Raise MlverError where it belongs to another target or serves another model.
    """
    path = f"{tree.top}/{MARK}"
    if not tree.read_mode(path):
        return None
    show = shell_command("cat", "--", path)
    try:
        document: Any = json.loads(read_inside(tree, MARK))
        mark = TargetMark(
            target=str(document["target"]),
            model=str(document["model"]),
            repository=str(document["repository"]),
            files=tuple(map(str, document["files"])),
            routes=tuple(map(str, document["routes"])),
        )
        known = document["format"] == _FORMAT
        if any(map(find_path_fault, (*mark.files, *mark.routes))):
            # What it names is removed one day, and git may have brought it from anybody.
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise MlverError(
            f"{printable_name(path)} cannot be read, so nobody can tell whose folder it is",
            hint=show,
        ) from None
    if not known or (mark.target, mark.model) != (target.name, target.model):
        owner = printable_name(f"{mark.target}, which serves {mark.model}")
        raise MlverError(
            f"{printable_name(tree.top)} belongs to another target: {owner}; give {target.name} a"
            " folder of its own",
            hint=show,
        )
    return mark


def _sweep(tree: FolderTree) -> None:
    """Remove what killed commands left."""
    for name, is_folder in tree.list_folder(tree.top):
        if durable.is_temporary(name):
            remove_inside(tree, name, is_folder=is_folder)


# -- reading and writing below the folder


def name_temporary(tree: FolderTree) -> str:
    """A new path in the folder for something that nobody may rely on yet."""
    return f"{tree.top}/{durable.temporary_name()}"


def read_inside(tree: FolderTree, path: str) -> bytes:
    """Read a regular file below the folder; raise OSError for anything else, or a huge one."""
    whole = f"{tree.top}/{path}"
    descriptor = open_regular(whole, opener=lambda given, flags: tree.open_file(whole, flags))
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), whole)
    return data


def read_if_file(tree: FolderTree, path: str) -> bytes | None:
    """Read a file below the folder; None where there is none, or something else."""
    mode = tree.read_mode(f"{tree.top}/{path}")
    return read_inside(tree, path) if stat.S_ISREG(mode) else None


def write_inside(tree: FolderTree, path: str, data: bytes) -> None:
    """Put bytes at a path below the folder: old or new, whole, at every instant."""
    whole = f"{tree.top}/{path}"
    changed = tree.make_folder(whole.rpartition("/")[0])
    prepared = name_temporary(tree)
    try:
        write_new(tree, prepared, data)
        refuse_folder(tree, whole)
        tree.replace_file(prepared, whole)
    except BaseException:
        with suppress(OSError):
            tree.remove_file(prepared)
        raise
    durable.sync_directories([*changed, whole.rpartition("/")[0]], access=tree)


def write_new(access: FileAccess, path: str, data: bytes) -> None:
    """Write a new file, on the disk when this returns; its name may not be."""
    descriptor = access.open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with durable.naming_errors(path):
            durable.write_all(descriptor, data)
            durable.sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def refuse_folder(tree: FolderTree, path: str) -> None:
    """Raise MlverError where a folder is in the place of a file or a link."""
    if tree.is_folder(path):
        raise MlverError(
            f"{printable_name(path)} is a folder, where a file or a link has to be; move it away",
            hint=shell_command("ls", "-la", "--", path),
        )


def remove_inside(tree: FolderTree, path: str, *, is_folder: bool) -> None:
    """Remove a file, a link, or a folder with all that is in it; no link is followed."""
    whole = f"{tree.top}/{path}"
    if not is_folder:
        tree.remove_file(whole)
        return
    above, _, name = whole.rpartition("/")
    descriptor = tree.open_file(above, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with naming_path(whole), suppress(FileNotFoundError):
            rmtree(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def move_aside(tree: FolderTree, paths: Iterable[str]) -> None:
    """Take files and folders away from their places at once, then remove them."""
    moved: list[tuple[str, bool]] = []
    parents: list[str] = []
    for path in paths:
        whole = f"{tree.top}/{path}"
        aside = name_temporary(tree)
        is_folder = tree.is_folder(whole)
        tree.replace_file(whole, aside)
        parents.append(whole.rpartition("/")[0])
        moved.append((aside.rpartition("/")[2], is_folder))
    durable.sync_directories(parents, access=tree)
    for name, is_folder in moved:
        remove_inside(tree, name, is_folder=is_folder)
