"""A disk that keeps nothing it was not told to keep.

It keeps file data after its fsync, and names after their directory's.

Real file systems keep more, each in its own way; what survives here survives everywhere.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

_REBUILDABLE = "state.db"
FORGE = ".git/forge.git"
# What git syncs nothing of: its logs, our store, and the remote that lies there in a campaign.
_NOT_GITS = ("logs", "mlver", "bucket")


class DurableDisk:
    """What of the tree at `top` is durable. It is told of each call once that is done."""

    def __init__(self, top: Path) -> None:
        self._top = os.fspath(top)
        self._read, self._open, self._close = os.read, os.open, os.close
        self._data: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._modes: dict[int, int] = {}
        self._links: dict[int, str] = {}
        self._stamps: dict[int, tuple[int, int]] = {}
        self._root = os.lstat(top).st_ino
        self._take_all()

    def note_call(self, name: str, args: tuple[Any, ...]) -> None:
        if name in ("fsync", "fdatasync"):
            found = os.fstat(args[0])
            if stat.S_ISDIR(found.st_mode):
                self._take_names(f"/proc/self/fd/{args[0]}", found.st_ino)
            else:
                self._take_data(f"/proc/self/fd/{args[0]}", found)
        elif name == "syncfs":
            self._take_all()
        elif name == "git-config":
            pass  # git syncs no settings, whatever it is told
        elif name.startswith("git-") and {"core.fsync=all", "core.fsyncMethod=fsync"} <= set(
            args[0]
        ):
            # git syncs the data of what it writes, but for logs and the index of `commit --only`,
            # and no directory
            for path, found in self._list_files(f"{self._top}/.git"):
                index = name == "git-commit" and path.endswith("/index")
                spared = index or path.startswith(
                    tuple(f"{self._top}/.git/{name}/" for name in _NOT_GITS)
                )
                if (
                    self._stamps.get(found.st_ino) != (found.st_mtime_ns, found.st_size)
                    and not spared
                ):
                    self._take_data(path, found)
        if name == "git-push":
            # the forge is another machine, and keeps what it got
            self._take_tree(f"{self._top}/{FORGE}")

    def dump_to(self, target: Path, *, names: bool) -> None:
        """Put what a power cut leaves now into a new directory.

        `names`: the disk kept all names, only data is lost.
        """
        durable = dict(self._names)
        if names:
            self._take_all_names(self._top)
        self._dump_inode(self._root, os.fspath(target))
        self._names = durable

    def _dump_inode(self, inode: int, target: str) -> None:
        os.mkdir(target)  # noqa: PTH102
        for name, child in self._names.get(inode, {}).items():
            path = f"{target}/{name}"
            if child in self._links:
                os.symlink(self._links[child], path)  # noqa: PTH211
            elif child in self._names:
                self._dump_inode(child, path)
            else:
                # a name that is durable before its data is a name of nothing
                Path(path).write_bytes(self._data.get(child, b""))
                os.chmod(path, self._modes.get(child, 0o644))  # noqa: PTH101
                # gc goes by how old a file is
                if child in self._stamps:
                    os.utime(path, ns=(self._stamps[child][0],) * 2)

    def _take_all(self) -> None:
        self._take_tree(self._top)

    def _take_tree(self, top: str) -> None:
        self._take_all_names(top)
        for path, found in self._list_files(top):
            self._take_data(path, found)

    def _take_all_names(self, top: str) -> None:
        self._take_names(top, os.lstat(top).st_ino)
        for directory, folders, _ in os.walk(top):
            for name in folders:
                path = f"{directory}/{name}"
                self._take_names(path, os.lstat(path).st_ino)

    def _list_files(self, top: str) -> list[tuple[str, os.stat_result]]:
        paths = [f"{directory}/{name}" for directory, _, names in os.walk(top) for name in names]
        return [(path, os.lstat(path)) for path in paths]

    def _take_names(self, path: str, inode: int) -> None:
        names = {}
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith(_REBUILDABLE):
                    continue
                names[entry.name] = entry.inode()
                if entry.is_symlink():
                    self._links[entry.inode()] = os.readlink(entry.path)  # noqa: PTH115
                elif entry.is_dir(follow_symlinks=False):
                    self._names.setdefault(entry.inode(), {})
        self._names[inode] = names

    def _take_data(self, path: str, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            return
        descriptor = self._open(path, os.O_RDONLY)
        self._data[found.st_ino] = b"".join(iter(lambda: self._read(descriptor, 1 << 20), b""))
        self._close(descriptor)
        self._stamps[found.st_ino] = (found.st_mtime_ns, found.st_size)
        self._modes[found.st_ino] = stat.S_IMODE(found.st_mode)
