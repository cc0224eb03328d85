"""Where the copies of contents are: one by one, or of very many in 24 bytes each."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import NamedTuple

from mlver.digest import Digest
from mlver.storage.digests import DigestSet
from mlver.storage.local.pack_files import PackFile
from mlver.storage.packs import LINE, LINES_PER_SEARCH
from mlver.system import durable
from mlver.system.regular import open_regular

# Offset, size and rank of a copy. Copies are sorted so many bytes of their file at a time.
_COPY = struct.Struct(">QQQ")
_HEAP_BYTES = 8 << 20
# A page of digests is worth opening unless the index has this many times fewer lines.
_DIGESTS_PER_LINE = 8


class ObjectLocation(NamedTuple):
    """One copy of a content: `size` bytes at `offset` of a file; `pack` is its pack, or empty.

    Where `is_recipe` is set, the file tells instead how the content is put together from parts.
    """

    path: str
    offset: int
    size: int
    pack: str
    is_recipe: bool = False


class CopyKind(Enum):
    """Whether contents are stored, in the trash, or put together as recipes tell."""

    STORED = "stored"
    TRASHED = "trashed"
    RECIPE = "recipe"


class CopyList:
    """Where contents lie in one file, or in the folder of the loose ones (`pack` is empty then)."""

    def __init__(self, path: str, pack: str, kind: CopyKind = CopyKind.STORED) -> None:
        self.path = path
        self.pack = pack
        self.kind = kind
        self.total = 0
        self._heaps: dict[int, bytearray] = {}

    def add_copy(self, offset: int, size: int, rank: int) -> None:
        """Note the copy of a digest, which is known by its rank among the wanted ones."""
        self.total += size
        heap = self._heaps.setdefault(offset // _HEAP_BYTES, bytearray())
        heap += _COPY.pack(offset, size, rank)

    def locate(self, digest: str, offset: int, size: int) -> ObjectLocation:
        """One of the copies."""
        path = self.path
        if not self.pack:
            path += f"/{digest}" if self.kind is CopyKind.TRASHED else f"/{digest[:2]}/{digest[2:]}"
        return ObjectLocation(path, offset, size, self.pack, self.kind is CopyKind.RECIPE)

    def sorted_copies(self) -> Iterator[tuple[int, int, int]]:
        """Offset, size and rank of each copy, from the front of the file to its back."""
        # Heap after heap, so that only one of them is ever unpacked.
        for heap_number in sorted(self._heaps):
            yield from sorted(_COPY.iter_unpack(self._heaps[heap_number]))


class LocatedObjects(NamedTuple):
    """The copies of digests, in packs, loose, and in parts where there is no other.

    `present` has a 1 for the rank of each digest that has any copy. `trashed` are those in the
    trash, where they were looked for.
    """

    wanted: DigestSet
    packs: tuple[CopyList, ...]
    loose: CopyList
    rebuilt: CopyList
    present: bytes
    trashed: tuple[CopyList, ...] = ()

    @property
    def lists(self) -> tuple[CopyList, ...]:
        """All copies, those first that are read first."""
        return (*self.packs, self.loose, self.rebuilt, *self.trashed)

    @property
    def total(self) -> int:
        """The bytes of all copies."""
        return sum(copies.total for copies in self.lists)

    def list_missing(self) -> list[Digest]:
        """The digests that have no copy, in order."""
        return list(self.read_missing())

    def read_missing(self) -> Iterator[Digest]:
        """The same, one by one: there may be as many as there are files."""
        if 0 not in self.present:
            return
        for rank, raw_digest in enumerate(self.wanted.raw_digests()):
            if not self.present[rank]:
                yield Digest(raw_digest.hex())


def find_wanted_members(
    pack: PackFile, wanted: DigestSet, damaged: AbstractSet[bytes]
) -> Iterator[tuple[int, int, int]]:
    """Rank, offset and size of the members of a pack that are wanted and may be served."""
    line_count = len(pack.index) // LINE
    if len(wanted) * LINES_PER_SEARCH < line_count:
        yield from _search_wanted_members(pack, wanted, damaged)
        return
    find_rank = wanted.find_next_rank
    if line_count * _DIGESTS_PER_LINE < len(wanted):
        find_rank = wanted.find_rank
    for raw_digest, offset, size in pack.read_entries():
        rank = find_rank(raw_digest)
        if rank is not None and raw_digest not in damaged:
            yield rank, offset, size


def _search_wanted_members(
    pack: PackFile, wanted: DigestSet, damaged: AbstractSet[bytes]
) -> Iterator[tuple[int, int, int]]:
    """The same, by bisection: for few digests in a large index."""
    for rank, raw_digest in enumerate(wanted.raw_digests()):
        member = pack.find_member(raw_digest.hex())
        if member is not None and raw_digest not in damaged:
            yield rank, member.offset, member.size


def read_location(location: ObjectLocation) -> bytes:
    """The unproved bytes of a copy; shorter than they should be where the file ends early."""
    with open_location(location) as source:
        return read_span(source, location.size, location.offset)


def read_span(source: int, size: int, offset: int) -> bytes:
    """Read bytes of a file as far as it has them.

    An index may promise more than there is memory for, which `pread` would ask for first.
    """
    present = os.fstat(source).st_size - offset
    return os.pread(source, max(0, min(size, present)), max(0, offset))


@contextlib.contextmanager
def open_location(location: ObjectLocation) -> Iterator[int]:
    """A descriptor of the file that holds a copy; errors of reading it name the file."""
    descriptor = open_regular(location.path)
    try:
        with durable.naming_errors(location.path):
            yield descriptor
    finally:
        os.close(descriptor)
