"""Folders for the time of one piece of work, which nobody is to find afterwards.

A folder is in use while a descriptor of it is open, in this process or in one that it started. What
a killed process left is removed by whoever looks next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from mlver.system.folders import walk_folder

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OWN_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class ScratchFolder:
    """A folder that is removed in the end; it is in use while its `descriptor` is open."""

    path: Path
    descriptor: int


@contextmanager
def scratch_folder(beside: Path) -> Iterator[ScratchFolder]:
    """A new folder in `beside` for the block; hold the lock when you enter it."""
    beside.mkdir(exist_ok=True)
    path = _make_folder(beside)
    descriptor = os.open(path, _FOLDER)
    try:
        # Shared: what is started with the descriptor holds it, too.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield ScratchFolder(path, descriptor)
    finally:
        remove_scratch(path)
        os.close(descriptor)
        with suppress(OSError):
            beside.rmdir()


def _make_folder(beside: Path) -> Path:
    for number in count(1):
        path = beside / str(number)
        with suppress(FileExistsError):
            path.mkdir(_OWN_FOLDER)
            return path
    raise AssertionError


def sweep_scratch(beside: Path) -> None:
    """Remove the folders that nobody uses any more; hold the lock when you call it.

    One that a command still has open stays, also where the mlver that started it was killed.
    """
    try:
        names = sorted(os.listdir(beside))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if name.isascii() and name.isdigit():
            _remove_unused(beside / name)
    with suppress(OSError):
        beside.rmdir()


def _remove_unused(path: Path) -> None:
    try:
        descriptor = os.open(path, _FOLDER)
    except OSError:
        # No folder of ours, or one that nobody may open: then it is unlocked first.
        _unlock(path)
        return
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_scratch(path)
    finally:
        os.close(descriptor)


def remove_scratch(path: Path) -> None:
    """Remove a folder and what is in it, read-only or not."""
    # Nobody but root can list or remove anything in a folder that forbids that.
    _unlock(path)
    for _, entries in walk_folder(path):
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _unlock(Path(entry.path))
    shutil.rmtree(path, ignore_errors=True)


def _unlock(folder: Path) -> None:
    with suppress(OSError):
        folder.chmod(_OWN_FOLDER)
