"""The files of an artifact, in the order of its manifest, one directory in memory at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from mlver.errors import printable_name
from mlver.names import is_git_name
from mlver.system.durable import is_temporary

FoundFile = tuple[bytes, os.stat_result]
# Of each directory on the way down: its (device, inode), by which a cycle of symlinks is recognised.
AncestorIdentities = tuple[tuple[int, int], ...]
# A directory being walked: the path its entries have before them, it and its ancestors, what is left of its entries in
# manifest order. The name of a directory ends in a slash.
WalkLevel = tuple[bytes, AncestorIdentities, Iterator[tuple[bytes, os.DirEntry[bytes]]]]
_DOT, _SLASH = b"./"
# Of so many directories beside each other, one more or less on either side of the middle makes little difference.
_ENOUGH = 16


def walk_files(top: bytes, faults: list[str], *, start: bytes = b"") -> Iterator[FoundFile]:
    """Yield (path relative to `top`, stat of what it leads to) for every file, ordered by the bytes of the path.

    Symlinks are followed. What can't be kept is put in `faults`, one line each, and the walk goes on, so that all are
    known at its end: dangling links, cycles, sockets, FIFOs, devices, `.git`, whatever can't be looked at. Directories
    without files don't appear, nor do temporaries of mlver's own. What comes before the path `start` is passed over.
    """
    levels = [_list_directory(top, b"", (), faults, start)]
    while levels:
        prefix, ancestors, entries = levels[-1]
        for name, entry in entries:
            if (name[0] == _DOT or not name.isascii()) and _is_excluded(
                name.rstrip(b"/"), prefix, faults
            ):
                continue
            path = prefix + name
            if name[-1] == _SLASH:
                levels.append(_list_directory(top, path, ancestors, faults, start))
                break
            try:
                found = entry.stat()
            except OSError as error:
                faults.append(_describe_unreadable(path, entry, error))
                continue
            if stat.S_ISREG(found.st_mode):
                yield path, found
            else:
                faults.append(
                    f"{printable_path(path)} is {_describe_kind(found.st_mode)}, which has no content to keep"
                )
        else:
            levels.pop()


def find_middle(top: bytes, files: int) -> bytes:
    """A path with about half of so many files before it, if directories beside each other hold as many each."""
    prefix = b""
    ancestors: AncestorIdentities = ()
    left, within = files / 2, float(files)
    while True:
        _, ancestors, entries = _list_directory(top, prefix, ancestors, [], b"")
        names = [name for name, _ in entries]
        directories = sum(name[-1] == _SLASH for name in names)
        each = max(1.0, (within - len(names)) / max(1, directories))
        for name in names:
            size = each if name[-1] == _SLASH else 1.0
            if left < size:
                break
            left -= size
        else:
            return prefix
        prefix += name
        if name[-1] != _SLASH or directories >= _ENOUGH:
            return prefix
        within = each


def _list_directory(
    top: bytes, prefix: bytes, ancestors: AncestorIdentities, faults: list[str], start: bytes
) -> WalkLevel:
    """The entries of one directory, `prefix` below `top`, from the path `start` on."""
    directory = top + b"/" + prefix
    try:
        here = os.stat(directory)  # noqa: PTH116 - paths are bytes here
        identity = (here.st_dev, here.st_ino)
        if identity in ancestors:
            faults.append(
                f"{printable_path(prefix[:-1])} is a symlink to a directory that contains it"
            )
            return prefix, ancestors, iter(())
        with os.scandir(directory) as entries:
            listed = list(entries)
    except OSError as error:
        faults.append(f"{printable_path(prefix[:-1] or top)} cannot be listed: {error.strerror}")
        return prefix, ancestors, iter(())
    # The slash makes a directory sort where the paths below it do: "a-b" < "a/c" < "a0".
    try:
        found = [(entry.name + b"/" if entry.is_dir() else entry.name, entry) for entry in listed]
    except OSError:  # of one of them
        found = [
            (entry.name + b"/" if _is_directory(entry) else entry.name, entry) for entry in listed
        ]
    found.sort()
    if start and start.startswith(prefix):
        found = [named for named in found if not _is_before(prefix + named[0], start)]
    return prefix, (*ancestors, identity), iter(found)


def _is_before(path: bytes, start: bytes) -> bool:
    """Whether a file, or all that a directory holds, comes before `start`."""
    return path < start and not (path[-1] == _SLASH and start.startswith(path))


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return (
            False  # a link to itself, or to where we may not look: the stat to come says so by name
        )


def _is_excluded(name: bytes, prefix: bytes, faults: list[str]) -> bool:
    """Whether this is no part of the artifact; a repository inside it is a fault, for git would never check it out."""
    if is_git_name(os.fsdecode(name)):
        faults.append(
            f"{printable_path(prefix + name)} belongs to git: move it out of the artifact"
        )
        return True
    return is_temporary(name)


def _describe_unreadable(path: bytes, entry: os.DirEntry[bytes], error: OSError) -> str:
    if entry.is_symlink() and isinstance(error, FileNotFoundError):
        target = os.readlink(entry.path)  # noqa: PTH115 - paths are bytes here
        return (
            f"{printable_path(path)} is a symlink to {printable_path(target)}, which does not exist"
        )
    return f"{printable_path(path)} cannot be looked at: {error.strerror}"


def _describe_kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a FIFO" if stat.S_ISFIFO(mode) else "a device"


def printable_path(path: bytes) -> str:
    """A path for an error message: on one line, readable whatever its bytes."""
    return printable_name(path.decode(errors="backslashreplace"))
