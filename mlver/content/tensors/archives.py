"""Members of zip archives: where their bytes are, without unpacking anything to a disk."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from mlver.content.tensors.sources import fill_blocks, read_bytes
from mlver.content.tensors.tensor import ByteSource, ByteSpan, Content, TensorFault, check_count

_LOCAL_HEADER = b"PK\x03\x04"
_LOCAL_BYTES = 30
_ENCRYPTED = 1
# The record at the end of an archive, behind which is at most a comment, and its longer form.
_END_RECORD, _END_BYTES, _LONGEST_COMMENT = b"PK\x05\x06", 22, 1 << 16
_END_RECORD_64, _END_BYTES_64 = b"PK\x06\x06", 56
_LOCATOR, _LOCATOR_BYTES = b"PK\x06\x07", 20
# `zipfile` takes some six times as much memory for the list of members.
_MOST_DIRECTORY_BYTES = 8 << 20
_PIECE_BYTES = 1 << 18
# An archive that grows more than this is no weights: those hardly shrink.
_MOST_GROWTH = 100
_GROWTH_FREE = 64 << 20


class SourceFile(io.RawIOBase):
    """A source as a file of Python's, for libraries that read one."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}
        position = base[whence] + offset
        if position < 0:
            raise OSError("a position before the file")
        self._position = position
        return position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._source.size - self._position))
        self._source.read_into(view[:count], self._position)
        self._position += count
        return count


@dataclass(frozen=True, slots=True)
class Inflated:
    """Deflated bytes of an archive, but for the first `skipped`, inflated as they are read."""

    packed: ByteSpan
    whole: int
    skipped: int = 0

    @property
    def size(self) -> int:
        return self.whole - self.skipped

    def read_blocks(self, buffer: memoryview) -> Iterator[memoryview]:
        """See Content; raise TensorFault where the archive said another size."""
        return fill_blocks(self._check_size(), buffer)

    def _check_size(self) -> Iterator[memoryview]:
        left = self.size
        for piece in self._inflate():
            left -= len(piece)
            if left < 0:
                raise TensorFault("a member of it is longer than it says")
            yield piece
        if left:
            raise TensorFault("a member of it is shorter than it says")

    def _inflate(self) -> Iterator[memoryview]:
        """Inflate piece by piece, without the bytes that are skipped."""
        decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
        to_skip = self.skipped
        try:
            for packed in self.packed.read_blocks(memoryview(bytearray(_PIECE_BYTES))):
                for piece in _decompress(decompressor, bytes(packed)):
                    yield memoryview(piece)[to_skip:]
                    to_skip = max(0, to_skip - len(piece))
        except zlib.error:
            raise TensorFault("a member of it cannot be inflated") from None
        if not decompressor.eof:
            raise TensorFault("a member of it ends before its data do")


def _decompress(decompressor: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """Yield all that these bytes inflate to: zlib may have read them and still hold some of it."""
    while not decompressor.eof:
        piece = decompressor.decompress(packed, _PIECE_BYTES)
        packed = decompressor.unconsumed_tail
        if not piece and not packed:
            return
        yield piece


def open_members(source: ByteSource) -> dict[str, ByteSpan | Inflated]:
    """Find the members of an archive by name.

    Raise TensorFault for one that is damaged, encrypted, packed by another method, or a bomb.
    """
    _check_directory(source)
    try:
        with zipfile.ZipFile(io.BufferedReader(SourceFile(source))) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        raise TensorFault("it is no sound zip archive") from None
    check_count(len(infos))
    members: dict[str, ByteSpan | Inflated] = {}
    for info in infos:
        if info.is_dir():
            continue
        if info.filename in members:
            raise TensorFault(f"it has two members called {info.filename!r:.80}")
        members[info.filename] = _open_member(source, info)
    _refuse_bombs(source, members)
    return members


def _check_directory(source: ByteSource) -> None:
    """Look at how long the list of members is, before `zipfile` reads all of it.

    Raise TensorFault where it is longer than that of any archive of tensors. What is no sound
    archive is left to `zipfile`.
    """
    size = min(source.size, _END_BYTES + _LONGEST_COMMENT)
    data = read_bytes(source, source.size - size, size)
    # `zipfile` looks for it in the same two places.
    place = len(data) - _END_BYTES
    if not data.startswith(_END_RECORD, max(place, 0)) or not data.endswith(bytes(2)):
        place = data.rfind(_END_RECORD)
    if place < 0 or len(data) - place < _END_BYTES:
        return
    count, length = struct.unpack("<HI", data[place + 10 : place + 16])
    locator = place - _LOCATOR_BYTES
    place64 = locator - _END_BYTES_64
    is_large = place64 >= 0 and data.startswith(_LOCATOR, locator)
    if is_large and data.startswith(_END_RECORD_64, place64):
        # Archives with many or large members say the same in a longer record before it.
        count, length = struct.unpack("<QQ", data[place64 + 32 : place64 + 48])
    check_count(count)
    if length > _MOST_DIRECTORY_BYTES:
        raise TensorFault(f"its list of members has {length:,} bytes, which is too long")


def _open_member(source: ByteSource, info: zipfile.ZipInfo) -> ByteSpan | Inflated:
    name = info.filename
    if info.flag_bits & _ENCRYPTED:
        raise TensorFault(f"its member {name!r:.80} is encrypted")
    header = read_bytes(source, info.header_offset, _LOCAL_BYTES)
    if not header.startswith(_LOCAL_HEADER):
        raise TensorFault(f"its member {name!r:.80} is not where the archive says")
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    offset = info.header_offset + _LOCAL_BYTES + lengths
    if offset + info.compress_size > source.size:
        raise TensorFault(f"its member {name!r:.80} lies outside the file")
    packed = ByteSpan(source, offset, info.compress_size)
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return Inflated(packed, info.file_size)
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise TensorFault(f"its member {name!r:.80} is packed by a method that is not read")
    return packed


def _refuse_bombs(source: ByteSource, members: dict[str, ByteSpan | Inflated]) -> None:
    total = 0
    spans: list[tuple[int, int]] = []
    for member in members.values():
        total += member.size
        packed = member if isinstance(member, ByteSpan) else member.packed
        spans.append((packed.offset, packed.offset + packed.size))
    refuse_growth(source.size, total)
    for (_, end), (begin, _) in pairwise(sorted(spans)):
        if begin < end:
            raise TensorFault("members of it overlap")


def refuse_growth(size: int, total: int) -> None:
    """Raise TensorFault where so many bytes would grow to far more than weights ever do."""
    if total > _MOST_GROWTH * size + _GROWTH_FREE:
        raise TensorFault(f"it would grow from {size:,} to {total:,} bytes")


def read_start(content: Content, most: int) -> bytes:
    """Read the first bytes of a content, at most so many."""
    for block in content.read_blocks(memoryview(bytearray(most))):
        return bytes(block)
    return b""


def read_whole(content: Content, most: int, what: str) -> bytes:
    """Read a content whole; raise TensorFault, which names it, where it is too long for that."""
    if content.size > most:
        raise TensorFault(f"{what} has {content.size:,} bytes, and at most {most:,} are read")
    return b"".join(map(bytes, content.read_blocks(memoryview(bytearray(_PIECE_BYTES)))))
