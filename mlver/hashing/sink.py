"""Where measured bytes may go.

This is what hashing needs of a store; the store satisfies it without knowing hashing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class BlobWriter(Protocol):
    """One large content on its way into the store. It has no name until `keep_as`."""

    @property
    def file_descriptor(self) -> int:
        """The file that holds what was written or cloned so far, open for reading and writing."""
        ...

    def clone_from(self, source: int) -> bool:
        """Share the blocks of this open file, where the file system can.

        Returns False where it can't; then nothing has changed.
        """
        ...

    def take(self, source: int) -> int:
        """Append some of what is left to read of this descriptor.

        Returns how many bytes were appended, 0 at its end.
        """
        ...

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill the buffer, or a part of it, with what was taken so far; return how many bytes."""
        ...

    def keep_as(self, digest: str) -> None:
        """Keep the content, which is whole and has this digest, once the sink is committed."""
        ...

    def discard_content(self) -> None:
        """Discard the content."""
        ...


class ContentSink(Protocol):
    """Takes contents whose digests were computed from the very bytes handed over.

    Digests are 64 hexadecimal digits.
    """

    def store_contents(self, contents: Sequence[tuple[str, bytes]]) -> object:
        """Take small contents; this may run in a forked process.

        Pass the receipt that is returned to `accept_receipt` in the parent.
        """
        ...

    def accept_receipt(self, receipt: object) -> None:
        """Count what `store_contents` took, in this process or a forked one, as handed over."""
        ...

    def begin_blob(self) -> BlobWriter:
        """Begin a content that is handed over piece by piece."""
        ...
