"""Packs: the contents of many small files in one file, so that one fsync stores them all.

A pack is an uncompressed POSIX tar whose members are named by their digests, so in an emergency

    tar -xOf <name>.pack <64 hex>

reads one without mlver. Its index has a line of fixed width for each member, sorted,
`<64 hex> <offset> <size>`, to be bisected or grepped. A pack is named by the SHA-256 of its index,
which lists the digest of every content: all reads are provable. An index that is lost or damaged is
written again from its pack.
"""

from __future__ import annotations

import hashlib
import re
import struct
from binascii import hexlify
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

BLOCK = 512
# Two empty blocks end a tar.
TRAILER = bytes(2 * BLOCK)
LINE = 64 + 1 + 12 + 1 + 12 + 1
_LINE = b"%b %012d %012d\n"
PACK, INDEX = ".pack", ".idx"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ZEROS = bytes(BLOCK)
# The fields of a tar header and their bytes: name 100, mode 8, uid 8, gid 8 | size 12 | mtime 12 |
# checksum 8 | type 1, linkname 100, magic 8, padded to a block.
_NAME = b"\0" * 36 + b"0000444\0" + b"0000000\0" * 2
_TIME = b"%011o\0" % 0
_REST = (b"0" + b"\0" * 100 + b"ustar\x0000").ljust(BLOCK - 156, b"\0")
# A member on its way into an index: raw digest, offset and size, so that entries sort by their
# bytes as the lines of the index do.
_ENTRY = struct.Struct(">32sQQ")
# An index is sorted in so many pieces, one for each first digit of the digests.
_PIECES = 16
# A lookup by bisection costs about as much as reading this many lines of an index.
LINES_PER_SEARCH = 64
# The part of a header's checksum that is the same for every member.
_CHECKSUM = sum(_NAME) + sum(_TIME) + 8 * ord(" ") + sum(_REST)


class PackMember(NamedTuple):
    """Where a content is in its pack; `offset` is of its first byte, not of its header."""

    hex: str
    offset: int
    size: int


def member_header(hexadecimal: str, size: int) -> bytes:
    """The tar header of a member; all but name and size is the same in every one."""
    name = hexadecimal.encode()
    length = b"%011o\0" % size
    checksum = _CHECKSUM + sum(name) + sum(length)
    checksum_field = b"%06o\0 " % checksum
    return b"".join((name, _NAME, length, _TIME, checksum_field, _REST))


def member_padding(size: int) -> bytes:
    """What fills a member's last block."""
    return _ZEROS[: -size % BLOCK]


def frame_member(hexadecimal: str, data: bytes) -> tuple[bytes, bytes, bytes]:
    """A member as it is written to a pack."""
    header = member_header(hexadecimal, len(data))
    padding = member_padding(len(data))
    return header, data, padding


def index_line(member: PackMember) -> bytes:
    """The line of a member in an index."""
    return _LINE % (member.hex.encode(), member.offset, member.size)


class PackBuilder:
    """A pack that is put together in memory. `content_bytes` are those of its members alone."""

    def __init__(self) -> None:
        self.content_bytes = 0
        self._length = 0
        self._frames: list[bytes] = []
        self._lines: list[bytes] = []

    def has_room(self, size: int, limit: int) -> bool:
        """Whether a member of this size fits, so that the pack has at most `limit` bytes.

        The first member always does.
        """
        member = PackMember("", self._length + BLOCK, size)
        return not self._lines or member_end(member) + len(TRAILER) <= limit

    def add_member(self, hexadecimal: str, data: bytes) -> None:
        """Add a content."""
        member = PackMember(hexadecimal, self._length + BLOCK, len(data))
        self._lines.append(index_line(member))
        self._frames.extend(frame_member(hexadecimal, data))
        self._length = member_end(member)
        self.content_bytes += len(data)

    def finish_pack(self) -> tuple[bytes, bytes]:
        """The bytes of the pack and its index. Nothing can be added any more."""
        data = b"".join((*self._frames, TRAILER))
        self._frames.clear()
        return data, build_index(self._lines)


def build_index(lines: Iterable[bytes]) -> bytes:
    """The index of these members; of a content that is listed twice, the first place is kept."""
    kept_lines: list[bytes] = []
    last_digest = b""
    for line in sorted(lines):
        if line[:64] != last_digest:
            kept_lines.append(line)
            last_digest = line[:64]
    return b"".join(kept_lines)


def encode_run(members: Iterable[PackMember]) -> bytes:
    """Members in the order of an index, each in 48 bytes, where its line would take 91."""
    entries = []
    for member in members:
        raw_digest = bytes.fromhex(member.hex)
        entries.append(_ENTRY.pack(raw_digest, member.offset, member.size))
    entries.sort()
    return b"".join(entries)


def run_digests(run: bytes) -> Iterator[bytes]:
    """The raw digests of a run's members."""
    return (entry[0] for entry in _ENTRY.iter_unpack(run))


def build_index_from_runs(runs: Sequence[bytes]) -> Iterator[bytes]:
    """The index of the members of all these runs, in pieces."""
    starts = [0] * len(runs)
    for piece in range(1, _PIECES + 1):
        entries: list[tuple[bytes, int, int]] = []
        for number, run in enumerate(runs):
            start = starts[number]
            end = _find_run_start(run, piece * 256 // _PIECES, start)
            # A view, because the runs together may be larger than anything else in memory.
            part_of_run = memoryview(run)[start * _ENTRY.size : end * _ENTRY.size]
            entries += _ENTRY.iter_unpack(part_of_run)
            starts[number] = end
        entries.sort()
        lines = []
        for raw_digest, offset, size in entries:
            lines.append(_LINE % (hexlify(raw_digest), offset, size))
        yield build_index(lines)


def _find_run_start(run: bytes, byte: int, start: int) -> int:
    """The first member from `start` on whose digest begins with this byte or a greater one."""

    def first_byte(position: int) -> int:
        return run[position * _ENTRY.size]

    positions = range(len(run) // _ENTRY.size)
    return bisect_left(positions, byte, start, key=first_byte)


def pack_name(index: bytes) -> str:
    """The name of the pack that has this index."""
    return hashlib.sha256(index).hexdigest()


def member_end(member: PackMember) -> int:
    """Where the member's last block ends."""
    padding_size = -member.size % BLOCK
    return member.offset + member.size + padding_size


def pack_length(index: bytes) -> int:
    """How long a pack is that holds these members and nothing else, without its trailer."""
    length = 0
    for start in range(0, len(index), LINE):
        size = int(index[start + 78 : start + 90])
        padding_size = -size % BLOCK
        length += BLOCK + size + padding_size
    return length


def parse_header(header: bytes, offset: int) -> PackMember | None:
    """The member whose header is at `offset`; None where a byte of the header is not as it was."""
    try:
        size = int(header[124:135], 8)
        digest = header[:64].decode("ascii")
    except ValueError:
        return None
    member = PackMember(digest, offset + BLOCK, size)
    # All other bytes follow from these two fields, so any that differs is damaged.
    if header != member_header(member.hex, member.size):
        return None
    return member


def _parse_member(line: bytes) -> PackMember | None:
    """The member of a line; None where the line is damaged."""
    try:
        digest = line[:64].decode("ascii")
        offset = int(line[65:77])
        size = int(line[78:90])
    except ValueError:
        return None
    # `int` takes a sign, and so would a line that somebody made up.
    if offset < 0 or size < 0:
        return None
    return PackMember(digest, offset, size)


def find_member(index: bytes, hexadecimal: str) -> PackMember | None:
    """Bisect an index."""
    wanted = hexadecimal.encode()
    low = 0
    high = len(index) // LINE
    while low < high:
        middle = (low + high) // 2
        start = middle * LINE
        if index[start : start + 64] < wanted:
            low = middle + 1
        else:
            high = middle
    start = low * LINE
    line = index[start : start + LINE]
    if line[:64] != wanted:
        return None
    return _parse_member(line)


def read_members(index: bytes) -> Iterator[PackMember]:
    """All members that an index lists; damaged lines are left out."""
    for start in range(0, len(index), LINE):
        member = _parse_member(index[start : start + LINE])
        if member is not None:
            yield member


def find_members(index: bytes, digests: AbstractSet[str]) -> Iterator[PackMember]:
    """Those of the digests that an index lists, each with its place."""
    if len(digests) * LINES_PER_SEARCH < len(index) // LINE:
        for hexadecimal in digests:
            member = find_member(index, hexadecimal)
            if member is not None:
                yield member
        return
    for member in read_members(index):
        if member.hex in digests:
            yield member


def is_index(index: bytes) -> bool:
    """Whether these bytes could be the index of a pack.

    They are lines as `index_line` writes them, sorted, each digest once, and lead nowhere but into
    a pack of that length.
    """
    lines = []
    for member in read_members(index):
        # `int` takes a sign, and so would a line that somebody made up.
        if member.size < 0 or _DIGEST.fullmatch(member.hex) is None:
            return False
        lines.append(index_line(member))
    if build_index(lines) != index:
        return False
    length = pack_length(index)
    for member in read_members(index):
        if member.offset < BLOCK or member_end(member) > length:
            return False
    return True
