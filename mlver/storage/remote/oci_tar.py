"""A data set as one tar layer: the same files make the same bytes, whoever packs them.

Names, sizes and contents count, and whether a file may be executed; the rest is always the same:
no owner, the time 1970, files in the order of their names' bytes. Nobody extracts such an archive:
a reader takes contents from it and knows from the manifest where they belong.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, NamedTuple, cast

from mlver.errors import ObjectDamaged
from mlver.storage.remote.blobs import BlobError

_PIECE_BYTES = 1 << 20
_BLOCK = tarfile.BLOCKSIZE
_UNREADABLE = (tarfile.TarError, EOFError, ValueError, OverflowError)
_END = bytes(2 * _BLOCK)


class TarFile(NamedTuple):
    """A file of a data set: its path there, its size, its digest (64 hex), its permissions."""

    path: bytes
    size: int
    hexadecimal: str
    mode: int = 0o644


@dataclass(frozen=True)
class TarSource:
    """Satisfies BlobSource: a tar archive that is made while it is read.

    `open_content` opens the content of a digest. Raises ObjectDamaged where that is another one.
    """

    files: Sequence[TarFile]
    open_content: Callable[[str], BinaryIO]
    size: int = field(init=False)

    def __post_init__(self) -> None:
        size = len(_END)
        for file in self.files:
            size += len(_format_header(file)) + file.size + _count_padding(file.size)
        object.__setattr__(self, "size", size)

    def open_stream(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_PieceStream(self._read_pieces()), _PIECE_BYTES))

    def _read_pieces(self) -> Iterator[bytes]:
        for file in self.files:
            yield _format_header(file)
            hasher = hashlib.sha256()
            with self.open_content(file.hexadecimal) as content:
                while piece := content.read(_PIECE_BYTES):
                    hasher.update(piece)
                    yield piece
            if hasher.hexdigest() != file.hexadecimal:
                raise ObjectDamaged(f"stored bytes are damaged: sha256:{file.hexadecimal}")
            yield bytes(_count_padding(file.size))
        yield _END


class _PieceStream(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(self._rest), len(buffer))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def read_tar(stream: BinaryIO, place: str) -> Iterator[tuple[bytes, BinaryIO]]:
    """The regular files of an archive: each name, and its content, which is read at once.

    Raises BlobError for what is no tar archive. `place` is its address.
    """
    try:
        with tarfile.open(
            fileobj=stream,
            mode="r|",
            bufsize=_PIECE_BYTES,
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    checked = io.BufferedReader(_CheckedContent(content, place), _PIECE_BYTES)
                    yield os.fsencode(member.name), checked
    except _UNREADABLE as error:
        raise _unreadable_error(place) from error


class _CheckedContent(io.RawIOBase):
    """The content of a file in an archive, which may end too early."""

    def __init__(self, content: IO[bytes], place: str) -> None:
        self._content = content
        self._place = place

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._content.read(len(buffer))
        except _UNREADABLE as error:
            raise _unreadable_error(self._place) from error
        buffer[: len(data)] = data
        return len(data)


def _unreadable_error(place: str) -> BlobError:
    return BlobError(f"{place} is no whole tar archive; store the model there again")


def _format_header(file: TarFile) -> bytes:
    info = tarfile.TarInfo(os.fsdecode(file.path))
    info.size = file.size
    info.mode = file.mode
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _count_padding(size: int) -> int:
    return -size % _BLOCK
