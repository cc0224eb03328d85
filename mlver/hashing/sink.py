"""Where measured bytes may go: what hashing asks of a store, which satisfies it without knowing hashing."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol


class BlobWriter(Protocol):
    """One large content on its way into the store. It has no name until `keep`."""

    @property
    def file_descriptor(self) -> int:
        """The file that holds what was written or cloned so far, open for reading and writing."""
        ...

    def clone_from(self, source: int) -> bool:
        """Share the blocks of this open file, where the file system can; False if it can't, and nothing changed."""
        ...

    def take(self, source: int) -> int:
        """Append some of what is left to read of this descriptor; return how many bytes, 0 at its end."""
        ...

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill the buffer, or a part of it, with what was taken so far; return how many bytes."""
        ...

    def keep_as(self, digest: str) -> None:
        """The content is whole and hashes to this: the store has it once the sink is committed."""
        ...

    def discard_content(self) -> None:
        """The content is not wanted."""
        ...


class ContentSink(Protocol):
    """Takes contents whose digests were computed from the very bytes handed over. Digests are 64 hexadecimal digits."""

    def missing(self, digests: AbstractSet[str]) -> AbstractSet[str]:
        """Those that the store doesn't hold and that weren't handed over either."""
        ...

    def store_contents(self, contents: Sequence[tuple[str, bytes]]) -> object:
        """Take small contents; may run in a forked process. The receipt must reach `accept` in the parent."""
        ...

    def accept_receipt(self, receipt: object) -> None:
        """Count what `store` took, here or in a forked process, as handed over."""
        ...

    def begin_blob(self) -> BlobWriter:
        """Begin a content that is handed over piece by piece."""
        ...
