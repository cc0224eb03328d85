"""Takes contents out of the trash that are needed again (see `trash.py`)."""

from __future__ import annotations

import os
import re
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from mlver.storage.local.pack_files import PackFile
from mlver.storage.packs import INDEX, PACK
from mlver.system import durable

TRASH = "trash"
RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z")


def restore_trashed(directory: Path, digests: AbstractSet[str]) -> set[str]:
    """Put those of these contents back that are in the trash of a store; return which they were.

    On a disk that is read-only, they stay there.
    """
    restored: set[str] = set()
    if not digests:
        return restored
    with suppress(OSError):
        for folder in list_runs(directory):
            restored |= _restore_from(directory, folder, digests)
    return restored


def list_runs(directory: Path) -> list[Path]:
    """The folders of the trash, oldest first, each named by the moment of the run that made it."""
    trash = directory / TRASH
    try:
        names = sorted(os.listdir(trash))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [trash / name for name in names if RUN.fullmatch(name)]


def _restore_from(directory: Path, folder: Path, digests: AbstractSet[str]) -> set[str]:
    restored: set[str] = set()
    for name in os.listdir(folder):
        stem = name.removesuffix(PACK)
        if stem == name:
            if name in digests:
                restore_loose(directory, folder, name)
                restored.add(name)
            continue
        listed = PackFile(folder, stem).find_listed(digests)
        if listed:
            restore_pack(directory, folder, stem)
            restored |= listed
    return restored


def restore_loose(directory: Path, folder: Path, hexadecimal: str) -> None:
    """Put a content of its own back. One that is there again meanwhile is the same."""
    target = directory / "objects" / hexadecimal[:2] / hexadecimal[2:]
    durable.make_directory(target.parent)
    (folder / hexadecimal).replace(target)
    durable.sync_directories([target.parent, folder])


def restore_pack(directory: Path, folder: Path, name: str) -> None:
    """Put a pack back, and its index after it: a pack without one gets a new one by itself."""
    durable.make_directory(directory / "packs")
    for file_name in (f"{name}{PACK}", f"{name}{INDEX}"):
        with suppress(FileNotFoundError):
            (folder / file_name).replace(directory / "packs" / file_name)
    durable.sync_directories([directory / "packs", folder])
