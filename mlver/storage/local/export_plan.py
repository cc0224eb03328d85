"""Which copy each working file is written from, where it is prepared, and what is made for it."""

from __future__ import annotations

import os
import secrets
from array import array
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mlver.storage.digests import RAW_BYTES, DigestSet
from mlver.storage.local.locations import LocatedObjects, ObjectLocation
from mlver.storage.store import WantedFiles
from mlver.system import durable
from mlver.system.folders import FolderTree

# In an array of numbers of files: no file.
_NO_FILE = (1 << 32) - 1
_NUMBER_BYTES = 4
_PLAIN_MODE = 0o666
_EXECUTABLE_MODE = 0o777


class ExportTask(NamedTuple):
    """One file to prepare: from the copy at `location`, at the temporary `prepared`.

    It is made with `mode`, less what the umask takes, so that it never has its name without it.
    """

    digest: str
    location: ObjectLocation
    prepared: str
    mode: int


class PreparedFiles:
    """The temporaries of an export, each in the folder of its target or the nearest existing one.

    They are known by their number among the wanted files: four bytes each, where their names would
    take a hundred.
    """

    def __init__(
        self,
        parents: Sequence[str],
        staging: Sequence[str],
        folders: array[int],
        executable: Container[int],
    ) -> None:
        self.parents = parents
        self._staging = staging
        self._folders = folders
        self._executable = executable
        self._prefix = f"{durable.TEMPORARY}{secrets.token_hex(6)}-"

    @classmethod
    def plan_for(
        cls, wanted: WantedFiles, tree: FolderTree, executable: Container[str]
    ) -> PreparedFiles:
        """Choose the folders; nothing is written."""
        folder_numbers: dict[str, int] = {}
        folders = array("I")
        executable_numbers: set[int] = set()
        for number, (_, target) in enumerate(wanted):
            path = os.fspath(target)
            if path in executable:
                executable_numbers.add(number)
            parent = path.rpartition("/")[0]
            folders.append(folder_numbers.setdefault(parent, len(folder_numbers)))
        parents = list(folder_numbers)
        staging = [_find_staging_directory(parent, tree) for parent in parents]
        return cls(parents, staging, folders, executable_numbers)

    def __len__(self) -> int:
        return len(self._folders)

    def __iter__(self) -> Iterator[str]:
        return map(self.path_of, range(len(self)))

    def path_of(self, number: int) -> str:
        """The temporary of the wanted file with this number."""
        return f"{self._staging[self._folders[number]]}/{self._prefix}{number}"

    def mode_of(self, number: int) -> int:
        """The mode that this file is made with."""
        return _EXECUTABLE_MODE if number in self._executable else _PLAIN_MODE


def list_tasks(
    located: LocatedObjects, wanted: WantedFiles, prepared: PreparedFiles
) -> Iterator[ExportTask]:
    """One task for each file, in the order of the stored bytes: packs are read front to back."""
    first_files, next_files = _number_by_rank(located.wanted, wanted)
    for copy_list in located.lists:
        for offset, size, rank in copy_list.sorted_copies():
            number = first_files[rank]
            if number == _NO_FILE:  # another copy of it serves already
                continue
            first_files[rank] = _NO_FILE
            digest = located.wanted.digest_at(rank).hex()
            location = copy_list.locate(digest, offset, size)
            while number != _NO_FILE:
                path = prepared.path_of(number)
                yield ExportTask(digest, location, path, prepared.mode_of(number))
                number = next_files[number]


def _number_by_rank(digests: DigestSet, wanted: WantedFiles) -> tuple[array[int], array[int]]:
    """For each rank the first file with that digest, for each file the next one with the same."""
    pages = [bytearray() for _ in range(256)]
    for number, (digest, _) in enumerate(wanted):
        raw_digest = bytes.fromhex(digest.hex)
        pages[raw_digest[0]] += raw_digest + number.to_bytes(_NUMBER_BYTES, "big")
    first_files = array("I", [_NO_FILE]) * len(digests)
    next_files = array("I", [_NO_FILE]) * len(wanted)
    for page in pages:
        for start in range(0, len(page), RAW_BYTES + _NUMBER_BYTES):
            number_start = start + RAW_BYTES
            rank = digests.find_next_rank(bytes(page[start:number_start]))
            assert rank is not None
            number = int.from_bytes(page[number_start : number_start + _NUMBER_BYTES], "big")
            next_files[number] = first_files[rank]
            first_files[rank] = number
    return first_files, next_files


def _find_staging_directory(directory: str, tree: FolderTree) -> str:
    """The nearest existing folder above that is no symlink, and is not reached through one.

    Files can wait there until their own folder can be made.
    """
    while not tree.is_folder(directory):
        directory = directory.rpartition("/")[0]
    return directory


def find_common_top(wanted: WantedFiles) -> str:
    """The nearest existing folder above all files."""
    parents = {os.fspath(target).rpartition("/")[0] for _, target in wanted}
    folder = os.path.commonpath(parents) if parents else "/"
    while not Path(folder).is_dir():
        folder = folder.rpartition("/")[0] or "/"
    return folder
