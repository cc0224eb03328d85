"""A folder that is held open, and what lies below it: never reached through a symlink.

A path that was looked at may lead elsewhere a moment later: somebody who can write to a folder can
put a symlink in its place. So every folder on the way is opened from the one above it, and what is
written, renamed or removed is named by its folder's descriptor.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from mlver.system.durable import AnyPath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A process may have 1,024 files open on many systems.
_MOST_OPEN = 128
# What the system says where a folder should be: a symlink, a file, nothing.
_NO_FOLDER = (errno.ELOOP, errno.ENOTDIR, errno.ENOENT)


def walk_folder(top: AnyPath) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Yield a folder and each one below it, however deep, with its entries in order of names.

    Links are not followed. What cannot be listed, for one because its path is too long, is left
    out.
    """
    waiting = [os.fspath(top)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError:
            continue
        yield folder, entries
        inner_folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        waiting += [entry.path for entry in reversed(inner_folders)]


def open_real(path: str) -> int:
    """Open a folder by its real path: through no link, even one that was just put on the way."""
    # Who may pass through a folder need not be able to read it.
    passing = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    *names, last = path.split("/")
    with naming_path(path):
        descriptor = os.open("/", passing)
        try:
            for name in filter(None, names):
                inner = os.open(name, passing, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            return os.open(last or ".", _FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)


class FolderTree:
    """The folder `top`, as a `durable.FileAccess` to what lies below it.

    Paths are whole, and begin with `top`. How `top` itself is reached is its owner's matter. Errors
    name the whole path. A forked process may go on using it. A folder that lies elsewhere can be
    held in a place below `top`, whatever stands there.
    """

    def __init__(self, top: str, descriptor: int) -> None:
        self.top = top
        self._held = {top: descriptor}
        self._open: dict[str, int] = {}

    @classmethod
    def open_top(cls, top: AnyPath) -> FolderTree:
        """Open the folder; close it at the end of a `with` block."""
        path = os.fspath(top)
        # Behind the top of a file system, too, a path goes on with one slash.
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return cls(path.rstrip("/"), descriptor)

    def __enter__(self) -> FolderTree:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.forget_folders()
        for descriptor in self._held.values():
            os.close(descriptor)

    def forget_folders(self) -> None:
        """Open each folder again when it is used next: then it is seen that it was replaced."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def hold_folder(self, path: str, descriptor: int) -> None:
        """Take `descriptor` for the folder at `path`, and close it in the end."""
        former = self._held.get(path)
        self._held[path] = descriptor
        if former is not None:
            os.close(former)

    # -- files

    def open_file(self, path: AnyPath, flags: int, mode: int = 0o666) -> int:
        """Open a file, or a folder; a symlink at `path` is refused like one on the way."""
        text = os.fspath(path)
        with naming_path(text):
            folder, name = self._find_place(text)
            flags |= os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(name, flags, mode, dir_fd=folder)

    def replace_file(self, source: AnyPath, target: AnyPath) -> None:
        """Give a file another name, which may be taken."""
        source_text, target_text = os.fspath(source), os.fspath(target)
        source_folder, _, source_name = source_text.rpartition("/")
        target_folder, _, target_name = target_text.rpartition("/")
        with naming_path(source_text, target_text):
            folder = self._enter(target_folder)
            if source_folder == target_folder:
                _replace_name(folder, source_name, folder, target_name)
                return
            # Its own descriptor may be closed while the other folder is opened.
            kept = os.dup(folder)
            try:
                _replace_name(self._enter(source_folder), source_name, kept, target_name)
            finally:
                os.close(kept)

    def remove_file(self, path: AnyPath) -> None:
        """Remove a file or a symlink; where there is none, nothing is wrong."""
        text = os.fspath(path)
        with naming_path(text), suppress(FileNotFoundError):
            folder, name = self._find_place(text)
            os.unlink(name, dir_fd=folder)

    def make_link(self, target: str, path: AnyPath) -> None:
        """Make a symlink to `target`, wherever that leads."""
        text = os.fspath(path)
        with naming_path(text):
            folder, name = self._find_place(text)
            os.symlink(target, name, dir_fd=folder)

    def read_link(self, path: AnyPath) -> str:
        """Read what a symlink leads to; raise OSError where there is none."""
        text = os.fspath(path)
        with naming_path(text):
            folder, name = self._find_place(text)
            return os.readlink(name, dir_fd=folder)

    def read_mode(self, path: AnyPath) -> int:
        """Read what kind of file is at `path`; 0 where there is none."""
        text = os.fspath(path)
        with naming_path(text):
            try:
                folder, name = self._find_place(text)
                return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            except OSError as error:
                if error.errno in _NO_FOLDER:
                    return 0
                raise

    # -- folders

    def is_folder(self, path: AnyPath) -> bool:
        return stat.S_ISDIR(self.read_mode(path))

    def make_folder(self, path: AnyPath) -> list[str]:
        """Make a folder and those above it that are missing.

        Return the folders that got a new entry.
        """
        folder = os.fspath(path)
        start, descriptor = self._find_open(folder)
        changed: list[str] = []
        for name in _split_below(start, folder):
            inner = f"{start}/{name}"
            with naming_path(inner):
                try:
                    descriptor = os.open(name, _FOLDER, dir_fd=descriptor)
                except FileNotFoundError:
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=descriptor)
                    changed.append(start)
                    descriptor = os.open(name, _FOLDER, dir_fd=descriptor)
            self._keep_open(inner, descriptor)
            start = inner
        return changed

    def remove_folder(self, path: AnyPath) -> None:
        """Remove an empty folder; raise OSError where it is none."""
        text = os.fspath(path)
        with naming_path(text):
            above, name = self._find_place(text)
            self._forget_folder(text)
            os.rmdir(name, dir_fd=above)

    def list_folder(self, path: AnyPath) -> list[tuple[str, bool]]:
        """List the names in a folder, each with whether it is a folder itself."""
        text = os.fspath(path)
        with naming_path(text), os.scandir(self._enter(text)) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]

    # -- descriptors

    def _find_place(self, path: str) -> tuple[int, str]:
        """Open the folder that holds `path`; return its descriptor and the name in it."""
        held = self._held.get(path)
        if held is not None:
            return held, "."
        folder, _, name = path.rpartition("/")
        return self._enter(folder), name

    def _enter(self, folder: str) -> int:
        """Open a folder; its descriptor is good until the next folder is asked for."""
        start, descriptor = self._find_open(folder)
        for name in _split_below(start, folder):
            descriptor = os.open(name, _FOLDER, dir_fd=descriptor)
            start = f"{start}/{name}"
            self._keep_open(start, descriptor)
        return descriptor

    def _find_open(self, folder: str) -> tuple[str, int]:
        """Find the nearest folder above, or this one itself, that is open."""
        if folder != self.top and not folder.startswith(f"{self.top}/"):
            raise OSError(errno.EXDEV, f"it does not lie in {self.top}", folder)
        while folder not in self._held:
            descriptor = self._open.get(folder)
            if descriptor is not None:
                return folder, descriptor
            folder = folder.rpartition("/")[0]
        return folder, self._held[folder]

    def _keep_open(self, folder: str, descriptor: int) -> None:
        if len(self._open) >= _MOST_OPEN:
            oldest = next(iter(self._open))
            os.close(self._open.pop(oldest))
        self._open[folder] = descriptor

    def _forget_folder(self, folder: str) -> None:
        """Close a folder that goes: another of its name would be another folder."""
        descriptor = self._open.pop(folder, None)
        if descriptor is not None:
            os.close(descriptor)


def _split_below(start: str, folder: str) -> list[str]:
    """Split the way from one folder down to another into names; raise OSError for one up again."""
    if start == folder:
        return []
    names = folder[len(start) + 1 :].split("/")
    if ".." in names:
        raise OSError(errno.EXDEV, f"it does not lie in {start}", folder)
    return names


def _replace_name(source_folder: int, source: str, target_folder: int, target: str) -> None:
    os.replace(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)


@contextmanager
def naming_path(path: str, second: str | None = None) -> Iterator[None]:
    """Name whole paths in errors, in which the system names what a descriptor was given with."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(error.errno, error.strerror, path, None, second) from error
