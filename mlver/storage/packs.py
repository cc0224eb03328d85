"""Packs: the contents of many small files in one file, so that storing them costs one fsync and not one each.

A pack is an uncompressed POSIX tar whose members are named by their digests, so in an emergency

    tar -xOf <name>.pack <64 hex>

reads one without mlver. Its index has a line of fixed width a member, sorted, `<64 hex> <offset> <size>`, to be
bisected or grepped. A pack is named by the SHA-256 of its index, which lists every content's digest: all reads are
provable. An index that is lost or damaged is written again from its pack.
"""

from __future__ import annotations

import hashlib
import os
import struct
from binascii import hexlify, unhexlify
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

BLOCK = 512
# Two empty blocks end a tar.
TRAILER = bytes(2 * BLOCK)
LINE = 64 + 1 + 12 + 1 + 12 + 1
_LINE = b"%b %012d %012d\n"
PACK, INDEX = ".pack", ".idx"
_ZEROS = bytes(BLOCK)
# name 100, mode 8, uid 8, gid 8 | size 12 | mtime 12 | checksum 8 | type 1, linkname 100, magic 8, padded to a block.
_NAME = b"\0" * 36 + b"0000444\0" + b"0000000\0" * 2
_TIME = b"%011o\0" % 0
_REST = (b"0" + b"\0" * 100 + b"ustar\x0000").ljust(BLOCK - 156, b"\0")
# A member on its way into an index: raw digest, offset and size, so that the order of the bytes is that of the index.
_ENTRY = struct.Struct(">32sQQ")
# An index is sorted in so many pieces, one first digit of the digests after the other.
_PIECES = 16
# From here on an index is searched where it lies, and not kept any longer than it is needed.
LARGE_INDEX = 6 << 20
_SUM = sum(_NAME) + sum(_TIME) + 8 * ord(" ") + sum(_REST)


class PackMember(NamedTuple):
    """Where a content is in its pack: `offset` is of its first byte, not of the header before it."""

    hex: str
    offset: int
    size: int


def member_header(hexadecimal: str, size: int) -> bytes:
    """The tar header of a member; all but name and size is the same in every one."""
    name = hexadecimal.encode()
    length = b"%011o\0" % size
    checksum = _SUM + sum(name) + sum(length)
    return b"".join((name, _NAME, length, _TIME, b"%06o\0 " % checksum, _REST))


def member_padding(size: int) -> bytes:
    """What fills a member's last block."""
    return _ZEROS[: -size % BLOCK]


def frame_member(hexadecimal: str, data: bytes) -> tuple[bytes, bytes, bytes]:
    """A member as it is written to a pack."""
    return member_header(hexadecimal, len(data)), data, member_padding(len(data))


def index_line(member: PackMember) -> bytes:
    return _LINE % (member.hex.encode(), member.offset, member.size)


def build_index(lines: Iterable[bytes]) -> bytes:
    """The index of these members; of a content that is there twice, the first place is kept."""
    ordered = sorted(lines)
    return b"".join(
        text
        for number, text in enumerate(ordered)
        if not number or text[:64] != ordered[number - 1][:64]
    )


def encode_run(members: Iterable[PackMember]) -> bytes:
    """Members in the order of an index, each in 48 bytes, where its line would take 91."""
    return b"".join(
        sorted(
            _ENTRY.pack(bytes.fromhex(member.hex), member.offset, member.size) for member in members
        )
    )


def run_digests(run: bytes) -> Iterator[bytes]:
    """The raw digests of a run's members."""
    return (digest for digest, _, _ in _ENTRY.iter_unpack(run))


def build_index_from_runs(runs: Sequence[bytes]) -> Iterator[bytes]:
    """The index of the members of all these runs, in pieces."""
    begun = [0] * len(runs)
    for piece in range(1, _PIECES + 1):
        entries: list[tuple[bytes, int, int]] = []
        for number, run in enumerate(runs):
            end = _find_run_start(run, piece * 256 // _PIECES, begun[number])
            entries += _ENTRY.iter_unpack(
                memoryview(run)[begun[number] * _ENTRY.size : end * _ENTRY.size]
            )
            begun[number] = end
        entries.sort()
        if len({digest for digest, _, _ in entries}) < len(entries):
            entries = [
                entry
                for at, entry in enumerate(entries)
                if not at or entry[0] != entries[at - 1][0]
            ]
        yield b"".join(
            [_LINE % (hexlify(digest), offset, size) for digest, offset, size in entries]
        )


def _find_run_start(run: bytes, byte: int, start: int) -> int:
    """The first member from `start` on whose digest begins with this byte or a greater one."""
    return bisect_left(
        range(len(run) // _ENTRY.size), byte, start, key=lambda at: run[at * _ENTRY.size]
    )


def pack_name(index: bytes) -> str:
    return hashlib.sha256(index).hexdigest()


def member_end(member: PackMember) -> int:
    """Where the member's last block ends."""
    return member.offset + member.size + -member.size % BLOCK


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
            return self.index_path.read_bytes()
        except OSError:
            return b""

    def release_index(self) -> None:
        """Give the memory of a large index back, if the disk has it: the next one who asks reads it again."""
        if len(self.__dict__.get("index", b"")) >= LARGE_INDEX and not self.is_remade:
            del self.__dict__["index"]
            self.__dict__.pop("digests", None)

    def keep_index(self, index: bytes) -> None:
        """Believe this index, which was made again from the pack, whatever is on the disk."""
        self.__dict__.pop("digests", None)
        self.__dict__["index"] = index
        self.is_remade = True

    def entries(self) -> Iterator[tuple[bytes, int, int]]:
        """Raw digest, offset and size of all members, in the order of the digests; damaged lines are left out."""
        index = self.index
        for start in range(0, len(index), LINE):
            try:
                raw = unhexlify(index[start : start + 64])
                yield raw, int(index[start + 65 : start + 77]), int(index[start + 78 : start + 90])
            except ValueError:
                continue

    @cached_property
    def digests(self) -> frozenset[str]:
        return frozenset(self.index.decode("ascii", "replace").split()[::3])

    def find_listed(self, digests: AbstractSet[str]) -> AbstractSet[str]:
        """Those of the digests that the index lists."""
        if "digests" not in self.__dict__ and self._are_few(digests):
            return {digest for digest in digests if self.find_member(digest) is not None}
        return self.digests & digests

    def find_members(self, digests: AbstractSet[str]) -> Iterator[PackMember]:
        """Those of the digests that the index lists, each with its place."""
        held = self.find_listed(digests)
        if self._are_few(held):
            yield from filter(None, map(self.find_member, held))
        else:
            yield from (member for member in self.read_members() if member.hex in held)

    def _are_few(self, digests: AbstractSet[str]) -> bool:
        """Whether to look each of them up is cheaper than to go through all there are."""
        return len(self.index) >= LARGE_INDEX or len(digests) * 64 < len(self.index) // LINE

    def find_member(self, hexadecimal: str) -> PackMember | None:
        """Bisect the index."""
        wanted = hexadecimal.encode()
        index, low, high = self.index, 0, len(self.index) // LINE
        while low < high:
            middle = (low + high) // 2
            if index[middle * LINE : middle * LINE + 64] < wanted:
                low = middle + 1
            else:
                high = middle
        text = index[low * LINE : (low + 1) * LINE]
        return _parse_member(text) if text[:64] == wanted else None

    def read_members(self) -> Iterator[PackMember]:
        """All members that the index lists, damaged lines left out."""
        index = self.index
        for start in range(0, len(index), LINE):
            member = _parse_member(index[start : start + LINE])
            if member is not None:
                yield member

    def is_indexed(self) -> bool:
        """Whether the index is byte for byte what the pack is named by."""
        return pack_name(self.index) == self.name


def pack_length(index: bytes) -> int:
    """How long a pack is that holds these members and nothing else, but for its trailer."""
    sizes = (int(index[start + 78 : start + 90]) for start in range(0, len(index), LINE))
    return sum(BLOCK + size + -size % BLOCK for size in sizes)


def scan_pack(path: Path) -> tuple[bytes, int]:
    """The index made again from a pack itself, as far as its headers are sound, and where they end."""
    lines = []
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        offset = 0
        while True:
            block = os.pread(file.fileno(), BLOCK, offset)
            try:
                member = PackMember(
                    block[:64].decode("ascii"), offset + BLOCK, int(block[124:135], 8)
                )
            except ValueError:
                break
            if block != member_header(member.hex, member.size) or member_end(member) > length:
                break
            lines.append(index_line(member))
            offset = member_end(member)
    return build_index(lines), offset


def _parse_member(text: bytes) -> PackMember | None:
    try:
        return PackMember(text[:64].decode("ascii"), int(text[65:77]), int(text[78:90]))
    except ValueError:
        return None
