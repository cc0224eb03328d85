"""The files of an artifact, in the order of its manifest, one directory in memory at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from mlver.durable import is_temporary
from mlver.errors import plain
from mlver.paths import is_git

Found = tuple[bytes, os.stat_result]
# Of each directory on the way down: its (device, inode), by which a cycle of symlinks is recognised.
Ancestors = tuple[tuple[int, int], ...]
# An entry by its name, which ends in a slash for a directory.
Named = tuple[bytes, os.DirEntry[bytes]]
# Entries of one directory in manifest order: the path they have before them, that directory and its ancestors.
Level = tuple[bytes, Ancestors, Sequence[Named]]
_DOT, _SLASH = b"./"
# Halves are cut from so many entries at least, that one which is larger than the others does not make them uneven.
_PIECES = 64


def walk(top: bytes, faults: list[str]) -> Iterator[Found]:
    """Yield (path relative to `top`, stat of what it leads to) for every file, ordered by the bytes of the path.

    Symlinks are followed. What can't be kept is put in `faults`, one line each, and the walk goes on, so that all are
    known at its end: dangling links, cycles, sockets, FIFOs, devices, `.git`, whatever can't be looked at. Directories
    without files don't appear, nor do temporaries of mlver's own.
    """
    return _walked(top, [_listed(top, b"", (), faults)], faults)


def halves(top: bytes, faults: list[str]) -> tuple[Iterator[Found], Iterator[Found]]:
    """The same walk in two, about equal where directories are: what the first yields comes before all of the second."""
    levels = [_listed(top, b"", (), faults)]
    while _size(levels) < _PIECES and any(_is_opened(name) for _, _, entries in levels for name, _ in entries):
        levels = [inner for level in levels for inner in _opened(top, level, faults)]
    left = _size(levels) // 2
    first: list[Level] = []
    second: list[Level] = []
    for prefix, ancestors, entries in levels:
        first.append((prefix, ancestors, entries[:left]))
        second.append((prefix, ancestors, entries[left:]))
        left = max(0, left - len(entries))
    return _walked(top, first, faults), _walked(top, second, faults)


def _size(levels: Iterable[Level]) -> int:
    return sum(len(entries) for _, _, entries in levels)


def _is_opened(name: bytes) -> bool:
    """Whether a directory is one that need not be judged by its name first."""
    return name[-1] == _SLASH and name[0] != _DOT and name.isascii()


def _opened(top: bytes, level: Level, faults: list[str]) -> Iterator[Level]:
    """The entries of a level, its directories replaced by what they hold."""
    prefix, ancestors, entries = level
    for opened, some in groupby(entries, key=lambda named: _is_opened(named[0])):
        if opened:
            yield from (_listed(top, prefix + name, ancestors, faults) for name, _ in some)
        else:
            yield prefix, ancestors, list(some)


def _walked(top: bytes, begun: Iterable[Level], faults: list[str]) -> Iterator[Found]:
    """Go down into each of these levels in turn."""
    for level in begun:
        yield from _descended(top, level, faults)


def _descended(top: bytes, begun: Level, faults: list[str]) -> Iterator[Found]:
    levels = [_left(begun)]
    while levels:
        prefix, ancestors, entries = levels[-1]
        for name, entry in entries:
            if (name[0] == _DOT or not name.isascii()) and _is_ours(name.rstrip(b"/"), prefix, faults):
                continue
            path = prefix + name
            if name[-1] == _SLASH:
                levels.append(_left(_listed(top, path, ancestors, faults)))
                break
            try:
                found = entry.stat()
            except OSError as error:
                faults.append(_unreadable(path, entry, error))
                continue
            if stat.S_ISREG(found.st_mode):
                yield path, found
            else:
                faults.append(f"{shown(path)} is {_kind(found.st_mode)}, which has no content to keep")
        else:
            levels.pop()


def _left(level: Level) -> tuple[bytes, Ancestors, Iterator[Named]]:
    """What is left of a level: all of it."""
    prefix, ancestors, entries = level
    return prefix, ancestors, iter(entries)


def _listed(top: bytes, prefix: bytes, ancestors: Ancestors, faults: list[str]) -> Level:
    """The entries of one directory, `prefix` below `top`."""
    directory = top + b"/" + prefix
    try:
        here = os.stat(directory)  # noqa: PTH116 - paths are bytes here
        identity = (here.st_dev, here.st_ino)
        if identity in ancestors:
            faults.append(f"{shown(prefix[:-1])} is a symlink to a directory that contains it")
            return prefix, ancestors, ()
        with os.scandir(directory) as entries:
            listed = list(entries)
    except OSError as error:
        faults.append(f"{shown(prefix[:-1] or top)} cannot be listed: {error.strerror}")
        return prefix, ancestors, ()
    # The slash makes a directory sort where the paths below it do: "a-b" < "a/c" < "a0".
    try:
        found = [(entry.name + b"/" if entry.is_dir() else entry.name, entry) for entry in listed]
    except OSError:  # of one of them
        found = [(entry.name + b"/" if _is_directory(entry) else entry.name, entry) for entry in listed]
    found.sort()
    return prefix, (*ancestors, identity), found


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself, or to where we may not look: the stat to come says so by name


def _is_ours(name: bytes, prefix: bytes, faults: list[str]) -> bool:
    """Whether this is no part of the artifact; a repository inside it is a fault, for git would never check it out."""
    if is_git(os.fsdecode(name)):
        faults.append(f"{shown(prefix + name)} belongs to git: move it out of the artifact")
        return True
    return is_temporary(name)


def _unreadable(path: bytes, entry: os.DirEntry[bytes], error: OSError) -> str:
    if entry.is_symlink() and isinstance(error, FileNotFoundError):
        target = os.readlink(entry.path)  # noqa: PTH115 - paths are bytes here
        return f"{shown(path)} is a symlink to {shown(target)}, which does not exist"
    return f"{shown(path)} cannot be looked at: {error.strerror}"


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a FIFO" if stat.S_ISFIFO(mode) else "a device"


def shown(path: bytes) -> str:
    """A path for an error message: on one line, readable whatever its bytes."""
    return plain(path.decode(errors="backslashreplace"))
