"""What a reader finds in a file of weights: tensors, and where their bytes are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mlver.records.element_types import ELEMENT_BITS

# No sound checkpoint has more tensors in one file, or names that are longer.
MOST_TENSORS = 100_000
MOST_NAME_LETTERS = 1_000
MOST_DIMENSIONS = 64
# Offsets and sizes beyond this are no positions in a file.
MOST_BYTES = 2**62
# So many names stand in a remark, and so many letters of each.
_NAMES_SHOWN = 3
_LETTERS_SHOWN = 60


class TensorFault(Exception):
    """A file is not what its format says, or more than is read of one; the text says how."""


class UnknownContent(TensorFault):
    """A file may be sound, and holds what is not read here."""


class ByteSource(Protocol):
    """The bytes of a file. Reading leaves no position behind, so threads can share it."""

    @property
    def size(self) -> int: ...

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill the whole buffer; raise TensorFault where the file ends before."""
        ...


# Opens a file by its path from the folder of the one that is read; None where it is not there.
OpenBeside = Callable[[str], ByteSource | None]


class Content(Protocol):
    """The bytes of a tensor, in the order of its elements."""

    @property
    def size(self) -> int: ...

    def read_blocks(self, buffer: memoryview) -> Iterator[memoryview]:
        """Yield all bytes in order, each block in `buffer` and as long, but for the last one."""
        ...


@dataclass(frozen=True, slots=True)
class ByteSpan:
    """Bytes that lie in a file as they are."""

    source: ByteSource
    offset: int
    size: int

    def read_blocks(self, buffer: memoryview) -> Iterator[memoryview]:
        """See Content."""
        for begin in range(0, self.size, len(buffer)):
            block = buffer[: min(len(buffer), self.size - begin)]
            self.source.read_into(block, self.offset + begin)
            yield block


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A tensor of a file.

    `dtype` is one of ELEMENT_BITS, what GGUF calls its blocks, or TEXT or BYTES for what is no
    number. `strides` (in elements) are those of a tensor whose elements do not lie in the order of
    its axes; empty for all others.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    content: Content
    strides: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFile:
    """What a file of weights holds. `imports` are what unpickling it would load, where it is one.

    `remark` says what its reader could not tell.
    """

    format: str
    tensors: tuple[Tensor, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    remark: str | None = None


def count_elements(shape: tuple[int, ...]) -> int:
    """Count the elements; raise TensorFault for a shape that no tensor has."""
    if len(shape) > MOST_DIMENSIONS:
        raise TensorFault(f"a tensor has {len(shape)} dimensions")
    if any(length < 0 for length in shape):
        raise TensorFault("a tensor has a negative length")
    # An axis of no length makes the others mean nothing, however long they are.
    if 0 in shape:
        return 0
    count = 1
    for length in shape:
        count *= length
        if count > MOST_BYTES:
            raise TensorFault("a tensor has more elements than any file could hold")
    return count


def count_bytes(dtype: str, shape: tuple[int, ...]) -> int:
    """Count the bytes of all elements; raise TensorFault where there is no such type or shape."""
    bits = ELEMENT_BITS.get(dtype)
    if bits is None:
        raise TensorFault(f"there is no type of elements called {dtype!r:.40}")
    return (count_elements(shape) * bits + 7) // 8


def check_name(name: object) -> str:
    """Return the name of a tensor; raise TensorFault for what is none."""
    if not isinstance(name, str) or len(name) > MOST_NAME_LETTERS:
        raise TensorFault("a tensor has no name, or one that is too long")
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise TensorFault("the name of a tensor is not Unicode")
    return name


def check_count(count: int) -> None:
    """Raise TensorFault for more tensors than are read."""
    if count > MOST_TENSORS:
        raise TensorFault(f"it names {count:,} tensors, and at most {MOST_TENSORS:,} are read")


def make_span(source: ByteSource, offset: int, size: int, name: str) -> ByteSpan:
    """Make a span of a file; raise TensorFault where it leads out of it."""
    if not (0 <= offset <= source.size and 0 <= size <= source.size - offset):
        raise TensorFault(f"the bytes of {name!r:.80} lie outside the file")
    return ByteSpan(source, offset, size)


def list_left_out(text: str, names: Sequence[str]) -> str:
    """Say of which things a text is so, by the first few; nothing where there are none."""
    listed = ", ".join(name[:_LETTERS_SHOWN] for name in names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        listed += f" and {len(names) - _NAMES_SHOWN:,} more"
    # Names in pickles may hold halves of letters.
    return f"{text}: {listed}".encode(errors="replace").decode() if names else ""
