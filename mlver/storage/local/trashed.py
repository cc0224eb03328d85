"""Contents in the trash of a local store (see `trash.py`): they serve where they are.

What is needed again is found there, and only gc, which holds the lock, puts it back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from mlver.storage.local.digest_folders import list_names
from mlver.storage.local.locations import ObjectLocation
from mlver.storage.local.pack_files import PackFile, has_same_bytes
from mlver.storage.packs import INDEX, PACK
from mlver.system import durable

TRASH = "trash"
RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z")
# The members of a pack that are not served from it.
FindDamaged = Callable[[str], AbstractSet[str]]


def list_runs(directory: Path) -> list[Path]:
    """The folders of the trash, oldest first, each named by the moment of the run that made it."""
    trash = directory / TRASH
    return [trash / name for name in sorted(list_names(trash)) if RUN.fullmatch(name)]


def find_trashed(
    directory: Path, digests: AbstractSet[str], find_damaged: FindDamaged
) -> dict[str, list[ObjectLocation]]:
    """The copies in the trash of a store; those of the run before come before older ones."""
    found: dict[str, list[ObjectLocation]] = {}
    if not digests:
        return found
    for folder in reversed(list_runs(directory)):
        for digest, location in _find_in_run(folder, digests, find_damaged):
            found.setdefault(digest, []).append(location)
    return found


def _find_in_run(
    folder: Path, digests: AbstractSet[str], find_damaged: FindDamaged
) -> Iterator[tuple[str, ObjectLocation]]:
    for name in list_names(folder):
        stem = name.removesuffix(PACK)
        path = folder / name
        if stem != name:
            damaged = find_damaged(stem)
            for digest, offset, size in PackFile(folder, stem).find_members(digests):
                if digest not in damaged:
                    yield digest, ObjectLocation(os.fspath(path), offset, size, stem)
        elif name in digests:
            # gc may have taken it since.
            with suppress(OSError):
                size = path.lstat().st_size
                yield name, ObjectLocation(os.fspath(path), 0, size, pack="")


def restore_loose(directory: Path, folder: Path, hexadecimal: str) -> None:
    """Put a content of its own back. Hold the lock.

    Where another copy is in service and differs, both stay: `verify` tells which one is sound.
    """
    target = directory / "objects" / hexadecimal[:2] / hexadecimal[2:]
    durable.make_directory(target.parent)
    _put_back(folder / hexadecimal, target)
    durable.sync_directories([target.parent, folder])


def restore_pack(directory: Path, folder: Path, name: str) -> None:
    """Put a pack back, and its index after it: a pack without one gets a new one by itself.

    Hold the lock. Where another pack of that name is in service and differs, both stay.
    """
    packs = directory / "packs"
    durable.make_directory(packs)
    if _put_back(folder / f"{name}{PACK}", packs / f"{name}{PACK}"):
        index = folder / f"{name}{INDEX}"
        if not _put_back(index, packs / f"{name}{INDEX}"):
            index.unlink()
    durable.sync_directories([packs, folder])


def _put_back(path: Path, target: Path) -> bool:
    """Move a file into service; False where it has to stay, for another one is there."""
    try:
        with suppress(FileNotFoundError):
            durable.claim_name(path, target)
    except FileExistsError:
        if not has_same_bytes(path, target):
            return False
        path.unlink()
    return True
