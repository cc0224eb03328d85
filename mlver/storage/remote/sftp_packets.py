"""The packets of SFTP, version 3 (draft-ietf-secsh-filexfer-02), as far as blobs need them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from mlver.storage.remote.blobs import BlobError
from mlver.storage.remote.frames import Frame

READ_FLAGS = 0x01
# Write, make, and only if there is none.
WRITE_FLAGS = 0x02 | 0x08 | 0x20
_ATTRIBUTES = (1, 8), (2, 8), (4, 4), (8, 8)
_EXTENDED = 0x80000000


class PacketKind(IntEnum):
    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RENAME = 18
    STATUS = 101
    EXTENDED = 200


class StatusCode(IntEnum):
    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    UNSUPPORTED = 8


class FileStatus(NamedTuple):
    """Size in bytes, mode as of stat, and modification in seconds since 1970."""

    size: int
    mode: int
    modified: int


def pack_text(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">I", len(data)) + data


class PacketReader:
    """Reads the fields of a packet one after another; raises `fault()` where one is cut off."""

    def __init__(self, frame: Frame, fault: Callable[[], BlobError]) -> None:
        self._frame = frame
        self._fault = fault
        self._offset = 0

    def read_number(self, size: int = 4) -> int:
        """The next number, of so many bytes."""
        return int.from_bytes(self._take(size))

    def read_text(self) -> bytes:
        return self._take(self.read_number())

    def read_refusal(self) -> tuple[int, str]:
        """Code and message of a STATUS."""
        code = self.read_number()
        if self._offset == len(self._frame.payload):
            # Version 3 has a message; some servers have none.
            return code, "no reason given"
        return code, self.read_text().decode(errors="replace")

    def read_status(self) -> FileStatus:
        """The attributes of a file; raise the fault where they are not all there."""
        flags = self.read_number()
        values = dict.fromkeys((1, 2, 4, 8), -1)
        for flag, size in _ATTRIBUTES:
            if flags & flag:
                values[flag] = self.read_number(size)
        if flags & _EXTENDED:
            for _ in range(min(self.read_number(), 1000)):
                self.read_text()
                self.read_text()
        if -1 in (values[1], values[4], values[8]):
            raise self._fault()
        # The time of the last access is in the upper half.
        return FileStatus(values[1], values[4], values[8] & 0xFFFFFFFF)

    def read_names(self) -> Iterator[tuple[str, FileStatus]]:
        """Names of files with their attributes, from NAME."""
        for _ in range(self.read_number()):
            name = self.read_text().decode("utf-8", "surrogateescape")
            self.read_text()
            yield name, self.read_status()

    def read_extensions(self) -> Iterator[str]:
        """What the server can do besides, from VERSION."""
        while self._offset < len(self._frame.payload):
            yield self.read_text().decode(errors="replace")
            self.read_text()

    def _take(self, size: int) -> bytes:
        end = self._offset + size
        if end > len(self._frame.payload):
            raise self._fault()
        data = bytes(self._frame.payload[self._offset : end])
        self._offset = end
        return data
