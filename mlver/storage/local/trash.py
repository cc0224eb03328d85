"""Contents that nothing named when gc looked, kept for a while before they are deleted.

    trash/<moment>/<64 hex>                large contents, one a file
    trash/<moment>/<64 hex>.pack, .idx     whole packs

The moment is when they were put there, in UTC: `20260131T235959Z`. What is needed again is read
where it is, and gc puts it back before it deletes anything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mlver import paths
from mlver.errors import refusal_error
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.digest_folders import list_names
from mlver.storage.local.locations import ObjectLocation, read_location
from mlver.storage.local.pack_files import PackFile
from mlver.storage.local.trashed import TRASH, list_runs, restore_loose, restore_pack
from mlver.storage.packs import INDEX, PACK
from mlver.system import durable

_HEX = re.compile(r"[0-9a-f]{64}")
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A content of its own, or a pack: its bytes on the disk, and when it was written.

    In the trash, `moment` is when it was put there; both are in seconds since the epoch. `members`
    has the size of each content, by its digest; None where that cannot be told.
    """

    name: str
    size: int
    moment: float
    members: dict[str, int] | None
    folder: Path

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
        for hexadecimal in self._store.loose.list_digests():
            with suppress(FileNotFoundError):
                yield _describe_loose(self._store.loose.path_of(hexadecimal), hexadecimal)
        for pack in self._store.list_packs():
            with suppress(FileNotFoundError):
                yield _describe_pack(pack)

    def find_loose(self, hexadecimal: str) -> StoredFile | None:
        """The file of a content that has one of its own; None where it has none."""
        with suppress(FileNotFoundError):
            return _describe_loose(self._store.loose.path_of(hexadecimal), hexadecimal)
        return None

    def list_trash(self) -> Iterator[StoredFile]:
        """All files that wait to be deleted."""
        for folder in list_runs(self._store.directory):
            moment = datetime.strptime(folder.name, _MOMENT).replace(tzinfo=UTC).timestamp()
            for name in sorted(list_names(folder)):
                with suppress(FileNotFoundError):
                    if name.endswith(PACK):
                        pack = PackFile(folder, name.removesuffix(PACK))
                        yield replace(_describe_pack(pack), moment=moment)
                    elif _HEX.fullmatch(name):
                        yield replace(_describe_loose(folder / name, name), moment=moment)

    def discard(self, stored: StoredFile, now: float) -> StoredFile:
        """Take a file out of service; return it as it is in the trash."""
        folder = self._folder / datetime.fromtimestamp(now, UTC).strftime(_MOMENT)
        with _naming_work("moving unneeded objects to the trash"):
            durable.make_directory(folder)
            for source, name in _list_moves(stored):
                with suppress(FileNotFoundError):
                    (stored.folder / source).replace(folder / name)
            durable.sync_directories([folder, stored.folder])
            self._store.forget_listing()
        return replace(stored, folder=folder, moment=now)

    def restore(self, stored: StoredFile) -> None:
        """Put a file back into service."""
        with _naming_work("taking objects out of the trash"):
            if stored.is_pack:
                name = stored.name.removesuffix(PACK)
                restore_pack(self._store.directory, stored.folder, name)
            else:
                restore_loose(self._store.directory, stored.folder, stored.name)
            self._store.forget_listing()

    def delete(self, stored: StoredFile) -> None:
        """Delete a file that waits."""
        with _naming_work("deleting from the trash"):
            names = [stored.name, _name_index(stored.name)] if stored.is_pack else [stored.name]
            for name in names:
                with suppress(FileNotFoundError):
                    (stored.folder / name).unlink()
            durable.sync_directory(stored.folder)

    def remove_empty(self) -> None:
        """Remove the folders of runs of which nothing waits any more."""
        for folder in list_runs(self._store.directory):
            with suppress(OSError):
                folder.rmdir()

    def read_members(self, stored: StoredFile, wanted: AbstractSet[str]) -> Iterator[bytes]:
        """The bytes of some members of a pack, not proven."""
        pack = PackFile(stored.folder, stored.name.removesuffix(PACK))
        for member in pack.find_members(wanted):
            location = ObjectLocation(os.fspath(pack.path), member.offset, member.size, pack.name)
            yield read_location(location)


def _describe_loose(path: Path, name: str) -> StoredFile:
    status = path.lstat()
    members = {name: status.st_size}
    return StoredFile(name, status.st_size, status.st_mtime, members, path.parent)


def _describe_pack(pack: PackFile) -> StoredFile:
    status = pack.path.lstat()
    members = None
    # An index that is not what the pack is named by may leave members out.
    if pack.is_indexed():
        members = {member.hex: member.size for member in pack.read_members()}
    folder = pack.path.parent
    return StoredFile(pack.path.name, status.st_size, status.st_mtime, members, folder)


def _list_moves(stored: StoredFile) -> list[tuple[str, str]]:
    """The names of a file in service, and in the trash."""
    if not stored.is_pack:
        # Its folder has the first two digits.
        return [(stored.name[2:], stored.name)]
    index = _name_index(stored.name)
    # The index goes first: a pack that stays behind gets a new one by itself.
    return [(index, index), (stored.name, stored.name)]


def _name_index(pack: str) -> str:
    return pack.removesuffix(PACK) + INDEX


@contextmanager
def _naming_work(what: str) -> Iterator[None]:
    """Turn what the operating system refuses into an error that names the work.

    By then, other files may have been moved or deleted.
    """
    try:
        yield
    except OSError as error:
        raise refusal_error(what, error, outcome="every object that is needed is there") from error
