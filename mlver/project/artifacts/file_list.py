"""Half a million files in memory: some 40 bytes for each, and no Python object.

Paths are made when somebody asks for them.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from typing import NamedTuple, overload

from mlver.records.manifest import ManifestEntry

# Many enough that names pack well, few enough that a page is small when it is unpacked.
_FILES_A_PAGE = 4096
_RAW_BYTES = 32
# No path holds one.
_NUL = b"\0"


class ListedFile(NamedTuple):
    """A file by its name below the folder of its list, and the raw digest of its bytes."""

    name: bytes
    digest: bytes


def list_file(entry: ManifestEntry) -> ListedFile:
    name, hexadecimal = entry
    return ListedFile(name, bytes.fromhex(hexadecimal))


@dataclass(frozen=True, slots=True)
class _FilePage:
    """Some thousands of files below one folder, in order."""

    folder: str
    count: int
    # Names that follow each other are alike: packed, each takes four to eight bytes. Digests
    # cannot be packed.
    names: bytes
    digests: bytes

    @classmethod
    def from_files(cls, folder: str, files: Sequence[ListedFile]) -> _FilePage:
        names, digests = zip(*files, strict=True)
        return cls(folder, len(files), zlib.compress(_NUL.join(names), 1), b"".join(digests))

    def read_names(self) -> list[bytes]:
        return zlib.decompress(self.names).split(_NUL)

    def read_digests(self) -> Iterator[bytes]:
        for start in range(0, len(self.digests), _RAW_BYTES):
            yield self.digests[start : start + _RAW_BYTES]

    def read_files(self) -> Iterator[ListedFile]:
        return map(ListedFile, self.read_names(), self.read_digests())


class FileList(Sequence[tuple[str, str]]):
    """Paths below the root and the digests of their files, as text; it never changes.

    The files of a folder are in the order of their names' bytes.
    """

    def __init__(self, pages: Sequence[_FilePage]) -> None:
        self._pages = tuple(pages)

    @classmethod
    def from_entries(cls, folder: str, entries: Iterable[ManifestEntry]) -> FileList:
        """The files of a manifest, or of another listing, that belongs to this folder."""
        remaining = iter(entries)
        pages: list[_FilePage] = []
        while page_entries := list(islice(remaining, _FILES_A_PAGE)):
            pages.append(_FilePage.from_files(folder, list(map(list_file, page_entries))))
        return cls(pages)

    @classmethod
    def join_lists(cls, lists: Iterable[FileList]) -> FileList:
        """The files of all these lists, one list after the other."""
        pages: list[_FilePage] = []
        for files in lists:
            pages.extend(files._pages)
        return cls(pages)

    def select_files(self, flags: Iterable[int]) -> FileList:
        """The files whose flag is true; raise ValueError unless there is one for each file.

        Pages that are taken whole are shared, not copied.
        """
        remaining = iter(flags)
        pages: list[_FilePage] = []
        for page in self._pages:
            page_flags = list(islice(remaining, page.count))
            if len(page_flags) != page.count:
                raise ValueError(f"{len(self)} files have fewer flags than that")
            if all(page_flags):
                pages.append(page)
            elif any(page_flags):
                selected = list(compress(page.read_files(), page_flags))
                pages.append(_FilePage.from_files(page.folder, selected))
        if next(remaining, None) is not None:
            raise ValueError(f"{len(self)} files have more flags than that")
        return FileList(pages)

    def read_files(self) -> Iterator[ListedFile]:
        """Each file as it is listed below its folder."""
        for page in self._pages:
            yield from page.read_files()

    def read_digests(self) -> Iterator[bytes]:
        """The raw digest of each file."""
        for page in self._pages:
            yield from page.read_digests()

    def read_paths(self) -> Iterator[str]:
        """The path of each file below the root."""
        for page in self._pages:
            for name in page.read_names():
                yield join_name(page.folder, name)

    def __len__(self) -> int:
        return sum(page.count for page in self._pages)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(self.read_paths(), map(bytes.hex, self.read_digests()), strict=True)

    @overload
    def __getitem__(self, index: int) -> tuple[str, str]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[str, str]]: ...

    def __getitem__(self, index: int | slice) -> tuple[str, str] | Sequence[tuple[str, str]]:
        """Slow, except near the beginning: it is for those who show a few files."""
        if isinstance(index, slice):
            return list(islice(self, *index.indices(len(self))))
        position = range(len(self))[index]
        return next(islice(self, position, None))


NO_FILES = FileList(())


class ListChanges(NamedTuple):
    """What turns the files present into those wanted; `replaced` are present, and overwritten."""

    write: FileList
    remove: FileList
    replaced: FileList


def compare_lists(
    wanted: FileList, present: FileList, *, other_modes: Container[bytes] = ()
) -> ListChanges:
    """Compare two lists of one folder, each in the order of its names.

    The files of `other_modes` count as changed.
    """
    is_written = bytearray()
    is_removed = bytearray(b"\1") * len(present)
    is_replaced = bytearray(len(present))
    following = enumerate(present.read_files())
    position, other = next(following, (0, None))
    for name, digest in wanted.read_files():
        while other is not None and other.name < name:
            position, other = next(following, (0, None))
        if other is None or other.name != name:
            is_written.append(True)
            continue
        is_changed = other.digest != digest or name in other_modes
        is_written.append(is_changed)
        is_replaced[position] = is_changed
        is_removed[position] = False
    return ListChanges(
        wanted.select_files(is_written),
        present.select_files(is_removed),
        present.select_files(is_replaced),
    )


def join_name(folder: str, name: bytes) -> str:
    """The path of a file in a folder; either may be empty."""
    if not name:
        return folder
    if not folder:
        return os.fsdecode(name)
    return f"{folder}/{os.fsdecode(name)}"


def list_parents(path: str) -> list[str]:
    """The folders above a path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def collect_folders(paths: Iterable[str]) -> set[str]:
    """Every folder above some of these paths."""
    folders: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition("/")[0]
    return folders
