"""Contents that nothing named when gc looked, kept for a while before they are deleted.

    trash/<64 hex>                large contents, one a file
    trash/<64 hex>.pack, .idx     whole packs

The time of a file there is when it was put there. What is needed again comes back by itself:
whoever misses a content looks here, and gc does so before it deletes anything.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.errors import refusal_error
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.locations import ObjectLocation, read_location
from mlver.storage.local.pack_files import PackFile
from mlver.storage.local.restoring import TRASH, restore_loose, restore_pack
from mlver.storage.packs import INDEX, PACK
from mlver.system import durable

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A content of its own, or a pack: its bytes on the disk, and when it was written.

    `moment` is in seconds since the epoch. `members` has the size of each content, by its digest;
    None where that cannot be told.
    """

    name: str
    size: int
    moment: float
    members: dict[str, int] | None

    @property
    def is_pack(self) -> bool:
        return self.name.endswith(PACK)


class LocalTrash:
    """What gc does with the files of a local store. Hold the lock for all but looking."""

    def __init__(self, store: ObjectCatalogue) -> None:
        self._store = store
        self._folder = paths.check_own_directory(store.directory / TRASH)

    def list_stored(self) -> Iterator[StoredFile]:
        """All files that contents are served from."""
        for hexadecimal in self._store.loose_digests():
            with suppress(FileNotFoundError):
                yield _describe_loose(self._store.loose_path(hexadecimal), hexadecimal)
        for pack in self._store.list_packs():
            with suppress(FileNotFoundError):
                yield _describe_pack(pack)

    def list_trash(self) -> Iterator[StoredFile]:
        """All files that wait to be deleted."""
        for name in _list_names(self._folder):
            with suppress(FileNotFoundError):
                if name.endswith(PACK):
                    yield _describe_pack(PackFile(self._folder, name.removesuffix(PACK)))
                elif _HEX.fullmatch(name):
                    yield _describe_loose(self._folder / name, name)

    def discard(self, stored: StoredFile) -> None:
        """Take a file out of service. Called again after a crash, it completes that."""
        with _naming_work("moving unneeded objects to the trash"):
            durable.make_directory(self._folder)
            if not stored.is_pack:
                self._move(self._store.loose_path(stored.name), self._folder / stored.name)
            else:
                pack = PackFile(self._store.packs_directory, stored.name.removesuffix(PACK))
                # The index goes first: a pack that stays behind gets a new one by itself.
                with suppress(FileNotFoundError):
                    self._move(pack.index_path, self._folder / pack.index_path.name)
                self._move(pack.path, self._folder / pack.path.name)
            self._store.forget_listing()

    def restore(self, stored: StoredFile) -> None:
        """Put a file back into service."""
        with _naming_work("taking objects out of the trash"):
            if stored.is_pack:
                restore_pack(self._store.directory, stored.name.removesuffix(PACK))
            else:
                restore_loose(self._store.directory, stored.name)
            self._store.forget_listing()

    def delete(self, stored: StoredFile) -> None:
        """Delete a file that waits."""
        with _naming_work("deleting from the trash"):
            with suppress(FileNotFoundError):
                (self._folder / stored.name).unlink()
            if stored.is_pack:
                with suppress(FileNotFoundError):
                    (self._folder / (stored.name.removesuffix(PACK) + INDEX)).unlink()
            durable.sync_directory(self._folder)

    def read_members(self, stored: StoredFile, wanted: AbstractSet[str]) -> Iterator[bytes]:
        """The bytes of some members of a pack that waits, not proven."""
        pack = PackFile(self._folder, stored.name.removesuffix(PACK))
        for member in pack.find_members(wanted):
            location = ObjectLocation(os.fspath(pack.path), member.offset, member.size, pack.name)
            yield read_location(location)

    def _move(self, source: Path, target: Path) -> None:
        now = time.time()
        os.utime(source, (now, now), follow_symlinks=False)
        source.replace(target)
        durable.sync_directories([target.parent, source.parent])


def _describe_loose(path: Path, name: str) -> StoredFile:
    status = path.lstat()
    return StoredFile(name, status.st_size, status.st_mtime, {name: status.st_size})


def _describe_pack(pack: PackFile) -> StoredFile:
    status = pack.path.lstat()
    members = None
    # An index that is not what the pack is named by may leave members out.
    if pack.is_indexed():
        members = {member.hex: member.size for member in pack.read_members()}
    return StoredFile(pack.path.name, status.st_size, status.st_mtime, members)


def _list_names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


@contextmanager
def _naming_work(what: str) -> Iterator[None]:
    """Turn what the operating system refuses into an error that names the work."""
    try:
        yield
    except OSError as error:
        raise refusal_error(what, error) from error
