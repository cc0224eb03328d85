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

    def expect_bytes(self, size: int) -> None:
        """Prepare for about so many bytes, before any is written."""
        ...

    def write(self, data: memoryview) -> None:
        """Append the data."""
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
