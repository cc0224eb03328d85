"""Contents between us and git-lfs: what is asked of it, and in which batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple, Protocol

from mlver.digest import Digest
from mlver.system.parallel import split_batches

# git-lfs is started once for so much: its words have to fit a command, and what it brings lies on
# the disk twice until it is stored.
BATCH_OBJECTS = 500
BATCH_BYTES = 256 << 20
EMPTY = Digest.of_bytes(b"")


class LfsAnswer(Protocol):
    """Contents that were asked for in vain: not there, or there with other bytes."""

    @property
    def missing(self) -> AbstractSet[str]: ...

    @property
    def wrong(self) -> AbstractSet[str]: ...


class LfsExchange(Protocol):
    """Contents on their way, by 64 hexadecimal digits. A folder of files is between us and git-lfs.

    All of it raises MlverError where the server refuses, or does not answer.
    """

    def empty_storage(self) -> None:
        """Forget the files."""
        ...

    def locate_object(self, oid: str) -> Path:
        """The file of a content: to be put there, or brought."""
        ...

    def send_objects(self, oids: Sequence[str]) -> None:
        """Send those of the contents that the server lacks."""
        ...

    def fetch_objects(self, sizes: Mapping[str, int]) -> LfsAnswer:
        """Have contents brought; nothing that came is proven."""
        ...

    def ask_objects(self, sizes: Mapping[str, int]) -> LfsAnswer:
        """Ask which contents the server has, of this size. The folder is empty then."""
        ...

    def read_sizes(self) -> dict[str, int]:
        """The sizes that pushes have listed."""
        ...

    def publish_sizes(self, sizes: Mapping[str, int]) -> None:
        """List more of them."""
        ...


class WantedContent(NamedTuple):
    digest: Digest
    size: int


def split_wanted(
    digests: Collection[Digest], sizes: Mapping[Digest, int]
) -> Iterator[list[WantedContent]]:
    """The contents whose size is known, in batches.

    The empty one is left out: git-lfs never stores it, and nobody needs to.
    """
    contents = (
        WantedContent(digest, sizes[digest])
        for digest in digests
        if digest in sizes and digest != EMPTY
    )
    return split_batches(
        contents, BATCH_OBJECTS, most_bytes=BATCH_BYTES, count_bytes=lambda content: content.size
    )


def map_sizes(batch: Sequence[WantedContent]) -> dict[str, int]:
    return {digest.hex: size for digest, size in batch}
