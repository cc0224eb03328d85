"""Contents that lie close to each other in a blob, and are read together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlver.digest import Digest
from mlver.storage.remote.blobs import RECEIVED_AT_ONCE
from mlver.storage.remote.survey import StoredCopy

# Members of a pack are read together if no more than so many bytes that nobody wants lie between.
_GAP_BYTES = 256 << 10


def join_neighbours(
    members: Sequence[tuple[StoredCopy, Digest]],
) -> Iterator[list[tuple[StoredCopy, Digest]]]:
    """Groups of members, sorted by blob and offset, that are read together."""
    group: list[tuple[StoredCopy, Digest]] = []
    for stored_copy, digest in members:
        if group and not _are_close(group[0][0], group[-1][0], stored_copy):
            yield group
            group = []
        group.append((stored_copy, digest))
    if group:
        yield group


def _are_close(first: StoredCopy, last: StoredCopy, following: StoredCopy) -> bool:
    """Whether a copy is read together with a group that begins and ends with these two."""
    gap = following.offset - (last.offset + last.size)
    length = following.offset + following.size - first.offset
    return following.key == first.key and gap <= _GAP_BYTES and length <= RECEIVED_AT_ONCE
