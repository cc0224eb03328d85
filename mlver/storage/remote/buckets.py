"""Reading what somebody else keeps below a prefix: what a reader of a bucket promises.

A reader changes nothing. It is made anew by whoever reads, also in another process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from mlver.records.listing import ListedObject
from mlver.storage.remote.blobs import BlobError

# No call brings more bytes than this, so that memory is bounded and Ctrl-C is soon seen.
PIECE_BYTES = 8 << 20


class ObjectPiece(NamedTuple):
    """Bytes of an object, and what the server said of it in the same answer."""

    data: bytes
    found: ListedObject


class ObjectMoved(BlobError):
    """The object is gone, or is another one than was listed."""


class BucketReader(Protocol):
    """The objects below one prefix. Keys are relative to it.

    Calls may come from several threads at once. Whatever a network or an operating system refuses
    is raised as BlobError or one of its subclasses, TransientBlobError where a later call may
    succeed.
    """

    @property
    def has_index(self) -> bool:
        """Whether a file beside the objects states the SHA-256 of each, so that no claim costs a
        request.
        """
        ...

    def list_objects(self) -> Iterator[ListedObject]:
        """All objects below the prefix, in no particular order, each of them once.

        What a server shows for an empty folder, a key that ends with a slash, is left out.
        """
        ...

    def stat_object(self, key: str) -> ListedObject:
        """The object as the server has it now. Raise BlobMissing."""
        ...

    def read_piece(self, key: str, offset: int, size: int, version: str = "") -> ObjectPiece:
        """At most `size` bytes from `offset` on, fewer only where the object ends.

        They are of what is there now, unless a version is named.
        Raise BlobMissing where there is no such object. A range of no bytes asks what is there.
        """
        ...

    def find_claim(self, listed: ListedObject) -> str | None:
        """The SHA-256, as 64 digits, that the server claims of this object as a whole.

        None where it claims none, and where it has another object there by now.
        """
        ...
