"""Files and bytes that tensors are read from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlver.content.tensors.tensor import ByteSource, Content, TensorFault


@dataclass(frozen=True, slots=True)
class DescriptorSource:
    """An open file. Whoever opened it closes it."""

    descriptor: int
    size: int

    @classmethod
    def of_descriptor(cls, descriptor: int) -> DescriptorSource:
        return cls(descriptor, os.fstat(descriptor).st_size)

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """See ByteSource."""
        done = 0
        while done < len(buffer):
            count = os.preadv(self.descriptor, [buffer[done:]], offset + done)
            if count == 0:
                raise TensorFault("it ends before the bytes that it names")
            done += count


@dataclass(frozen=True, slots=True)
class BytesSource:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """See ByteSource."""
        piece = memoryview(self.data)[offset : offset + len(buffer)]
        if len(piece) < len(buffer):
            raise TensorFault("it ends before the bytes that it names")
        buffer[:] = piece


@dataclass(frozen=True, slots=True)
class NamedContent:
    """A content that names the file that it is in where its bytes turn out to be damaged."""

    content: Content
    owner: str

    @property
    def size(self) -> int:
        return self.content.size

    def read_blocks(self, buffer: memoryview) -> Iterator[memoryview]:
        """See Content; raise TensorFault, which names the file."""
        try:
            yield from self.content.read_blocks(buffer)
        except TensorFault as fault:
            raise TensorFault(f"{self.owner} is damaged: {fault}") from None


def read_bytes(source: ByteSource, offset: int, size: int) -> bytes:
    """Read so many bytes; raise TensorFault where the file ends before."""
    # Nothing is set aside for a length that somebody made up.
    if not 0 <= offset <= source.size or not 0 <= size <= source.size - offset:
        raise TensorFault("it ends before the bytes that it names")
    data = bytearray(size)
    source.read_into(memoryview(data), offset)
    return bytes(data)


def fill_blocks(pieces: Iterable[bytes | memoryview], buffer: memoryview) -> Iterator[memoryview]:
    """Yield pieces of any length as blocks that fill the buffer, but for the last one."""
    filled = 0
    for piece in pieces:
        begin = 0
        while begin < len(piece):
            count = min(len(piece) - begin, len(buffer) - filled)
            buffer[filled : filled + count] = piece[begin : begin + count]
            filled, begin = filled + count, begin + count
            if filled == len(buffer):
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]
