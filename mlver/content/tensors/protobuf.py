"""Protocol buffers as they lie in a file: fields with their numbers, and nothing of a schema.

Format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.content.tensors.sources import BytesSource, read_bytes
from mlver.content.tensors.tensor import ByteSource, ByteSpan, TensorFault

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_TEXT = 4096
_LONGEST_VARINT = 10
# So much is read ahead of the fields of a message.
_WINDOW_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class Field:
    """A field: a number by itself, or so many bytes of a source."""

    number: int
    kind: Literal["number", "bytes"]
    source: ByteSource
    offset: int
    size: int
    value: int = 0

    def as_number(self) -> int:
        """The number; raise TensorFault where the field holds bytes."""
        if self.kind != "number":
            raise TensorFault("a field is bytes, and should be a number")
        return self.value

    def as_span(self) -> ByteSpan:
        """The bytes, which fields of numbers have as well where these are of a fixed width."""
        return ByteSpan(self.source, self.offset, self.size)

    def as_message(self) -> Message:
        """The field as a message; raise TensorFault where it is a number."""
        if self.kind != "bytes":
            raise TensorFault("a field is a number, and should be a message")
        return Message(self.source, self.offset, self.size)

    def read_text(self) -> str:
        """The field as text; raise TensorFault where it is none, or too long."""
        if self.kind != "bytes" or self.size > _MOST_TEXT:
            raise TensorFault("a field is no text, or too long")
        try:
            return read_bytes(self.source, self.offset, self.size).decode()
        except UnicodeDecodeError:
            raise TensorFault("a text is not UTF-8") from None

    def read_varints(self, most: int) -> list[int]:
        """The numbers of a field, which may be packed; raise TensorFault for more than `most`."""
        if self.kind == "number":
            return [self.value]
        if self.size > most * _LONGEST_VARINT:
            raise TensorFault("a field holds too many numbers")
        data = read_bytes(self.source, self.offset, self.size)
        reader = _Reader(BytesSource(data), 0, len(data))
        numbers: list[int] = []
        while not reader.is_done:
            numbers.append(reader.read_varint())
        return numbers


@dataclass(frozen=True, slots=True)
class Message:
    """A message: so many bytes of a source."""

    source: ByteSource
    offset: int
    size: int

    def read_fields(self) -> Iterator[Field]:
        """Yield its fields in order; raise TensorFault where they do not fit into it."""
        reader = _Reader(self.source, self.offset, self.offset + self.size)
        while not reader.is_done:
            key = reader.read_varint()
            yield self._read_field(reader, key >> 3, key & 7)

    def find_fields(self, number: int) -> Iterator[Field]:
        """Yield the fields of one number."""
        for field in self.read_fields():
            if field.number == number:
                yield field

    def _read_field(self, reader: _Reader, number: int, wire: int) -> Field:
        value = 0
        if wire == _VARINT:
            value = reader.read_varint()
            return Field(number, "number", self.source, reader.position, 0, value)
        if wire == _BYTES:
            size = reader.read_varint()
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise TensorFault("a field is of a kind that is not read")
        offset = reader.skip_bytes(size)
        return Field(number, "bytes" if wire == _BYTES else "number", self.source, offset, size)


class _Reader:
    """Reads numbers one after another, from a window over the source."""

    def __init__(self, source: ByteSource, position: int, end: int) -> None:
        self.position = position
        self._source = source
        self._end = end
        self._window = b""
        self._window_start = position

    @property
    def is_done(self) -> bool:
        return self.position >= self._end

    def read_varint(self) -> int:
        value = 0
        for shift in range(0, 7 * _LONGEST_VARINT, 7):
            byte = self._read_byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (2**64 - 1)
        raise TensorFault("a number has no end")

    def skip_bytes(self, size: int) -> int:
        """Go on behind so many bytes; return where they began."""
        begin = self.position
        if size > self._end - begin:
            raise TensorFault("a field is longer than what holds it")
        self.position += size
        return begin

    def _read_byte(self) -> int:
        if self.is_done:
            raise TensorFault("a message ends in the midst of a field")
        index = self.position - self._window_start
        if not 0 <= index < len(self._window):
            size = min(_WINDOW_BYTES, self._end - self.position)
            self._window = read_bytes(self._source, self.position, size)
            self._window_start, index = self.position, 0
        self.position += 1
        return self._window[index]
