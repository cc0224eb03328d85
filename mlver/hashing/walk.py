"""The files of an artifact, in the order of its manifest, one directory in memory at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlver.errors import printable_name
from mlver.names import is_git_name
from mlver.system.durable import is_temporary

FoundFile = tuple[bytes, os.stat_result]
FaultReport = Callable[[str], None]
# Says of a path below the top whether it is no part of the artifact. That of a folder ends in a
# slash, and nothing below one that is left out is asked for.
IgnoreTest = Callable[[bytes], bool]
# Of each directory on the way down its (device, inode), by which a cycle of symlinks is recognised.
AncestorIdentities = tuple[tuple[int, int], ...]
# A name in a directory; the name of a directory ends in a slash.
NamedEntry = tuple[bytes, os.DirEntry[bytes]]
# A directory being walked: the path before the names of its entries, the identities of it and its
# ancestors, and its remaining entries in manifest order.
WalkLevel = tuple[bytes, AncestorIdentities, Iterator[NamedEntry]]
_DOT, _SLASH = b"./"
# With so many directories beside each other, one more or less on either side of the middle makes
# little difference.
_ENOUGH = 16
# What is said of a symlink that leads out of the work tree.
OUTSIDE = "which lies outside of the work tree"


@dataclass(frozen=True, slots=True)
class LinkBounds:
    """How far symlinks inside an artifact may lead: anywhere in `folder`, but not to records.

    `folder` is a real path, and `reserved` are names at its top that nothing may lead into.
    """

    folder: bytes
    reserved: tuple[bytes, ...]

    @classmethod
    def of_folder(cls, folder: str | os.PathLike[str], *reserved: str) -> LinkBounds:
        names = tuple(os.fsencode(name) for name in reserved)
        return cls(os.path.realpath(os.fsencode(folder)), names)

    def contains_path(self, target: bytes) -> bool:
        """Say whether a real path lies in the folder; the folder itself does not."""
        return target.startswith(self.folder + b"/")

    def find_fault(self, link: bytes) -> str | None:
        """Say what is wrong with where a symlink leads; None where nothing is."""
        target = os.path.realpath(link)
        if not os.path.exists(target):  # noqa: PTH110 - paths are bytes here
            # its stat says so
            return None
        shown_target = printable_path(target)
        if not self.contains_path(target):
            return f"is a symlink to {shown_target}, {OUTSIDE}"
        parts = target.removeprefix(self.folder + b"/").split(b"/")
        if parts[0] in self.reserved or any(is_git_name(os.fsdecode(part)) for part in parts):
            return f"is a symlink to {shown_target}, which belongs to git or mlver itself"
        return None


def walk_files(
    top: bytes,
    on_fault: FaultReport,
    *,
    start: bytes = b"",
    bounds: LinkBounds | None = None,
    skip_dangling: bool = False,
    is_ignored: IgnoreTest | None = None,
) -> Iterator[FoundFile]:
    """Yield (path relative to `top`, stat of its target) for every file, in the order of the paths.

    Symlinks are followed as far as `bounds` lets them, anywhere without. `on_fault` is called with
    a line of text for each entry that can't be kept, and the walk goes on, so that all are known at
    its end: links that lead out of `bounds` or nowhere, cycles, sockets, FIFOs, devices, `.git`,
    and what can't be read. Directories without files don't appear, nor do mlver's own temporaries.
    The walk leaves out what comes before the path `start`, what `is_ignored` says, and, with
    `skip_dangling`, links that lead nowhere, which have no bytes to lose.
    """
    levels = [_list_directory(top, b"", (), on_fault, start)]
    while levels:
        prefix, ancestors, entries = levels[-1]
        for name, entry in entries:
            if is_ignored is not None and is_ignored(prefix + name):
                continue
            # The two cheap tests spare nearly every name the dear one.
            is_suspect = name[0] == _DOT or not name.isascii()
            if is_suspect and _is_excluded(name.rstrip(b"/"), prefix, on_fault):
                continue
            path = prefix + name
            if bounds is not None and entry.is_symlink():
                fault = bounds.find_fault(entry.path)
                if fault is not None:
                    on_fault(f"{printable_path(path.rstrip(b'/'))} {fault}")
                    continue
            if name[-1] == _SLASH:
                levels.append(_list_directory(top, path, ancestors, on_fault, start))
                break
            status = _read_status(path, entry, on_fault, skip_dangling=skip_dangling)
            if status is not None:
                yield path, status
        else:
            levels.pop()


def _read_status(
    path: bytes, entry: os.DirEntry[bytes], on_fault: FaultReport, *, skip_dangling: bool
) -> os.stat_result | None:
    """Read the stat of a regular file; None, once the fault is told, where there is none."""
    try:
        status = entry.stat()
    except OSError as error:
        if not (skip_dangling and _is_dangling(entry, error)):
            on_fault(_describe_unreadable(path, entry, error))
        return None
    if not stat.S_ISREG(status.st_mode):
        on_fault(_describe_special(path, status.st_mode))
        return None
    return status


def find_middle(top: bytes, files: int) -> bytes:
    """Find a path that about half of so many files come before.

    It assumes that directories beside each other hold as many files each.
    """
    prefix = b""
    ancestors: AncestorIdentities = ()
    files_before = files / 2
    files_here = float(files)
    while True:
        _, ancestors, entries = _list_directory(top, prefix, ancestors, _ignore_fault, b"")
        names = [name for name, _ in entries]
        directory_count = sum(name[-1] == _SLASH for name in names)
        share = max(1.0, (files_here - len(names)) / max(1, directory_count))
        for name in names:
            size = 1.0
            if name[-1] == _SLASH:
                size = share
            if files_before < size:
                break
            files_before -= size
        else:
            return prefix
        prefix += name
        if name[-1] != _SLASH or directory_count >= _ENOUGH:
            return prefix
        files_here = share


def _list_directory(
    top: bytes,
    prefix: bytes,
    ancestors: AncestorIdentities,
    on_fault: FaultReport,
    start: bytes,
) -> WalkLevel:
    """List the entries of one directory, `prefix` below `top`, from the path `start` on."""
    directory = top + b"/" + prefix
    try:
        status = os.stat(directory)  # noqa: PTH116 - paths are bytes here
        identity = (status.st_dev, status.st_ino)
        if identity in ancestors:
            on_fault(f"{printable_path(prefix[:-1])} is a symlink to a directory that contains it")
            return prefix, ancestors, iter(())
        with os.scandir(directory) as scanned:
            listed = list(scanned)
    except OSError as error:
        on_fault(f"{printable_path(prefix[:-1] or top)} cannot be listed: {error.strerror}")
        return prefix, ancestors, iter(())
    entries = _name_entries(listed)
    entries.sort()
    if start and start.startswith(prefix):
        entries = [entry for entry in entries if not _is_before(prefix + entry[0], start)]
    return prefix, (*ancestors, identity), iter(entries)


def _name_entries(listed: list[os.DirEntry[bytes]]) -> list[NamedEntry]:
    """Name each entry; the slash sorts a directory where its files do: "a-b" < "a/c"."""
    named: list[NamedEntry] = []
    for entry in listed:
        name = entry.name
        try:
            if entry.is_dir():
                name += b"/"
        except OSError:
            # A link to itself, or into a folder that we may not read: its stat reports it by name.
            pass
        named.append((name, entry))
    return named


def _is_before(path: bytes, start: bytes) -> bool:
    """Say whether a file, or all that a directory holds, comes before `start`."""
    return path < start and not (path[-1] == _SLASH and start.startswith(path))


def _is_excluded(name: bytes, prefix: bytes, on_fault: FaultReport) -> bool:
    """Say whether this is no part of the artifact.

    A repository inside it is a fault, for git would never check it out.
    """
    if is_git_name(os.fsdecode(name)):
        on_fault(f"{printable_path(prefix + name)} belongs to git: move it out of the artifact")
        return True
    return is_temporary(name)


def _is_dangling(entry: os.DirEntry[bytes], error: OSError) -> bool:
    return isinstance(error, FileNotFoundError) and entry.is_symlink()


def _describe_unreadable(path: bytes, entry: os.DirEntry[bytes], error: OSError) -> str:
    shown_path = printable_path(path)
    if _is_dangling(entry, error):
        target = os.readlink(entry.path)  # noqa: PTH115 - paths are bytes here
        return f"{shown_path} is a symlink to {printable_path(target)}, which does not exist"
    return f"{shown_path} cannot be looked at: {error.strerror}"


def _describe_special(path: bytes, mode: int) -> str:
    kind = "a device"
    if stat.S_ISSOCK(mode):
        kind = "a socket"
    elif stat.S_ISFIFO(mode):
        kind = "a FIFO"
    return f"{printable_path(path)} is {kind}, which has no content to keep"


def printable_path(path: bytes) -> str:
    """Write a path for an error message: on one line, readable whatever its bytes."""
    return printable_name(path.decode(errors="backslashreplace"))


def _ignore_fault(_: str) -> None:
    """Ignore a fault: the next walk through the directory reports it."""
