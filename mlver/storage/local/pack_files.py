"""The packs of a local store, each with its index, as files."""

from __future__ import annotations

import hashlib
import os
from binascii import unhexlify
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path

from mlver.storage.packs import (
    BLOCK,
    INDEX,
    LINE,
    LINES_PER_SEARCH,
    PACK,
    PackMember,
    build_index,
    find_member,
    index_line,
    member_end,
    pack_name,
    parse_header,
    read_members,
)
from mlver.system import durable
from mlver.system.regular import open_regular, read_regular, reading_regular

# From here on an index is searched where it lies, and kept no longer than it is needed.
LARGE_INDEX = 6 << 20

_PIECE = 1 << 20


class PackFile:
    """A pack in `directory`, for reading; the files are opened when needed."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.path = directory / f"{name}{PACK}"
        self.index_path = directory / f"{name}{INDEX}"
        self.is_remade = False

    @cached_property
    def index(self) -> bytes:
        """The lines as they are on the disk; empty where there are none."""
        try:
            return read_regular(self.index_path)
        except OSError:
            return b""

    def release_index(self) -> None:
        """Free the memory of a large index that is on the disk: the next read loads it again."""
        if len(self.__dict__.get("index", b"")) >= LARGE_INDEX and not self.is_remade:
            del self.__dict__["index"]
            self.__dict__.pop("digests", None)

    def keep_index(self, index: bytes) -> None:
        """Believe this index, which was made again from the pack, whatever is on the disk."""
        self.__dict__.pop("digests", None)
        self.__dict__["index"] = index
        self.is_remade = True

    def read_entries(self) -> Iterator[tuple[bytes, int, int]]:
        """Raw digest, offset and size of all members, in the order of the digests.

        Damaged lines are left out.
        """
        index = self.index
        for start in range(0, len(index), LINE):
            try:
                raw_digest = unhexlify(index[start : start + 64])
                offset = int(index[start + 65 : start + 77])
                size = int(index[start + 78 : start + 90])
            except ValueError:
                continue
            # `int` takes a sign, and so would a line that somebody made up.
            if offset >= 0 and size >= 0:
                yield raw_digest, offset, size

    @cached_property
    def digests(self) -> frozenset[str]:
        """The digests that the index lists, as hexadecimal digits."""
        return frozenset(self.index.decode("ascii", "replace").split()[::3])

    def find_listed(self, digests: AbstractSet[str]) -> AbstractSet[str]:
        """Those of the digests that the index lists."""
        if "digests" not in self.__dict__ and self._are_few(digests):
            return {digest for digest in digests if self.find_member(digest) is not None}
        return self.digests & digests

    def find_members(self, digests: AbstractSet[str]) -> Iterator[PackMember]:
        """Those of the digests that the index lists, each with its place."""
        listed = self.find_listed(digests)
        if self._are_few(listed):
            yield from filter(None, map(self.find_member, listed))
            return
        for member in self.read_members():
            if member.hex in listed:
                yield member

    def _are_few(self, digests: AbstractSet[str]) -> bool:
        """Whether it is cheaper to look each of them up than to read the whole index."""
        if len(self.index) >= LARGE_INDEX:
            return True
        return len(digests) * LINES_PER_SEARCH < len(self.index) // LINE

    def find_member(self, hexadecimal: str) -> PackMember | None:
        """Bisect the index."""
        return find_member(self.index, hexadecimal)

    def read_members(self) -> Iterator[PackMember]:
        """All members that the index lists; damaged lines are left out."""
        return read_members(self.index)

    def is_indexed(self) -> bool:
        """Whether the index is byte for byte what the pack is named by."""
        return pack_name(self.index) == self.name


def scan_pack(path: Path) -> tuple[bytes, int]:
    """Make the index again from the pack itself; return it and where the last member ends.

    Members are read as far as their headers are sound.
    """
    lines = []
    offset = 0
    with reading_regular(path) as file:
        length = os.fstat(file.fileno()).st_size
        while True:
            header = os.pread(file.fileno(), BLOCK, offset)
            member = parse_header(header, offset)
            if member is None or member_end(member) > length:
                break
            lines.append(index_line(member))
            offset = member_end(member)
    return build_index(lines), offset


def write_index(path: Path, pieces: Iterable[bytes]) -> str:
    """Write an index; return the name of its pack."""
    hasher = hashlib.sha256()
    with durable.naming_errors(path), path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
            hasher.update(piece)
        os.fchmod(file.fileno(), 0o444)
    return hasher.hexdigest()


def has_same_bytes(path: Path, other: Path) -> bool:
    """Whether two files are equal to the last byte."""
    try:
        second_descriptor = open_regular(other)
    except OSError:
        return False
    with path.open("rb") as first_file, os.fdopen(second_descriptor, "rb") as second_file:
        while True:
            first_piece = first_file.read(_PIECE)
            if first_piece != second_file.read(_PIECE):
                return False
            if not first_piece:
                return True
