"""Copies of folders that many tests begin with, at little cost."""

from __future__ import annotations

import os
from pathlib import Path

_PIECE_BYTES = 1 << 20


def copy_folder(source: Path, target: Path) -> Path:
    """Copy a folder into a new one: contents, modes and links, but no dates."""
    target.mkdir(source.stat().st_mode, parents=True)
    with os.scandir(source) as entries:
        for entry in entries:
            path = target / entry.name
            if entry.is_symlink():
                path.symlink_to(Path(entry.path).readlink())
            elif entry.is_dir():
                copy_folder(Path(entry.path), path)
            else:
                _copy_file(entry, path)
    return target


def _copy_file(source: os.DirEntry[str], target: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with open(source.path, "rb", buffering=0) as reading:  # noqa: PTH123 - a Path for each costs
        writing = os.open(target, flags, source.stat().st_mode)
        try:
            while piece := reading.read(_PIECE_BYTES):
                os.write(writing, piece)
        finally:
            os.close(writing)
