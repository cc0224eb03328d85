"""Folders that several users share, reached by descriptors: below them no symlink is followed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlver.system.durable import is_temporary

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_below(parent: int, name: str) -> Iterator[int]:
    folder = os.open(name, FOLDER_FLAGS, dir_fd=parent)
    try:
        yield folder
    finally:
        os.close(folder)


def make_folder(parent: int, name: str, like: int | None = None) -> None:
    """Make a folder with the permissions of the cache's own, `like`; its group is inherited."""
    mode = stat.S_IMODE(os.fstat(parent if like is None else like).st_mode)
    before = os.umask(0)
    try:
        with suppress(FileExistsError):
            os.mkdir(name, mode & 0o777, dir_fd=parent)
    finally:
        os.umask(before)


def remove_name(folder: int, name: str) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def sweep_old(temporaries: int, age: float) -> None:
    """Remove temporaries that nobody has touched for so many seconds."""
    for name in os.listdir(temporaries):
        with suppress(OSError):
            modified = os.stat(name, dir_fd=temporaries, follow_symlinks=False).st_mtime
            if is_temporary(name) and time.time() - modified > age:
                remove_name(temporaries, name)
