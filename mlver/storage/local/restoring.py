"""Takes contents out of the trash that are needed again (see `trash.py`)."""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from mlver.storage.local.pack_files import PackFile
from mlver.storage.packs import INDEX, PACK
from mlver.system import durable

TRASH = "trash"


def restore_trashed(directory: Path, digests: AbstractSet[str]) -> set[str]:
    """Put those of these contents back that are in the trash of a store; return which they were.

    On a disk that is read-only, they stay there.
    """
    restored: set[str] = set()
    if not digests:
        return restored
    with suppress(OSError):
        for name in os.listdir(directory / TRASH):
            stem = name.removesuffix(PACK)
            if stem == name:
                if name in digests:
                    restore_loose(directory, name)
                    restored.add(name)
                continue
            listed = PackFile(directory / TRASH, stem).find_listed(digests)
            if listed:
                restore_pack(directory, stem)
                restored |= listed
    return restored


def restore_loose(directory: Path, hexadecimal: str) -> None:
    """Put a content of its own back. One that is there again meanwhile is the same."""
    target = directory / "objects" / hexadecimal[:2] / hexadecimal[2:]
    durable.make_directory(target.parent)
    source = directory / TRASH / hexadecimal
    source.replace(target)
    durable.sync_directories([target.parent, source.parent])


def restore_pack(directory: Path, name: str) -> None:
    """Put a pack back, and its index after it: a pack without one gets a new one by itself."""
    durable.make_directory(directory / "packs")
    for file_name in (f"{name}{PACK}", f"{name}{INDEX}"):
        with suppress(FileNotFoundError):
            (directory / TRASH / file_name).replace(directory / "packs" / file_name)
    durable.sync_directories([directory / "packs", directory / TRASH])
