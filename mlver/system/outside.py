"""Folders outside of a repository, among the temporary files, for one piece of work."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError


def find_outside(*owned: Path) -> Path:
    """Find where temporary files go; raise MlverError where that lies in one of these folders."""
    parent = Path(tempfile.gettempdir()).resolve()
    if paths.is_reserved(parent, *(folder.resolve() for folder in owned)):
        raise MlverError(
            f"{parent}, where temporary files go, lies in the repository: set TMPDIR to a folder"
            " outside of it",
            hint="export TMPDIR=/tmp",
        )
    return parent


@contextmanager
def hold_folder(parent: Path, prefix: str, top: Path) -> Iterator[Path]:
    """Make an empty folder for the repository at `top`, and remove it whatever happens; another one
    where this is in use.
    """
    # The name is the same each time, so that what a killed command left is taken away by the next.
    digest = hashlib.sha256(os.fsencode(top.resolve())).hexdigest()
    folder = parent / f"{prefix}{os.getuid()}-{digest[:12]}"
    descriptor: int | None = None
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError
        _empty_folder(folder)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def _empty_folder(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
