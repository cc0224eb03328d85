"""The digest of a history of records: whoever notes it can tell later that nothing was rewritten.

A head is the SHA-256 of the head before it and of one change: a path, and the digest of the bytes
that the file has since. So it stands for every change before it, in their order, and for nothing
else: no commit and no date has a part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlver.digest import Digest
from mlver.policy.ancestry import CommitAncestry

_FIRST = Digest.of_bytes(b"mlver/audit-head/1\n")
_GONE = "deleted"


def extend_head(head: Digest | None, changes: Mapping[str, Digest | None]) -> Digest:
    """Extend a head (None: that of no history) by what one commit changed.

    `changes` are by path; None is a file that was deleted. Their order is that of the paths.
    """
    extended = head or _FIRST
    for path in sorted(changes):
        digest = changes[path]
        held = _GONE if digest is None else digest.hex
        # The path is last, so that no path can look like a digest and a path.
        extended = Digest.of_bytes(
            f"{extended.hex} {held} {path}\n".encode(errors="surrogateescape")
        )
    return extended


def list_heads(
    ancestry: CommitAncestry, changes: Mapping[str, Mapping[str, Digest | None]]
) -> dict[str, Digest]:
    """List the head at each commit of a history.

    `changes` are, by commit, those against its first parent. A commit without parents begins a
    history.
    """
    heads: dict[str, Digest] = {}
    for commit in sorted(ancestry.order, key=ancestry.order.__getitem__):
        parents = ancestry.parents[commit]
        before = heads.get(parents[0]) if parents else None
        heads[commit] = extend_head(before, changes.get(commit, {}))
    return heads


def count_changes(
    ancestry: CommitAncestry, changes: Mapping[str, Mapping[str, object]], tip: str
) -> int:
    """Count the changes that the head at `tip` stands for."""
    return sum(len(changes.get(commit, {})) for commit in list_line(ancestry, tip))


def list_line(ancestry: CommitAncestry, tip: str) -> Iterable[str]:
    """List a commit and its first parents, newest first."""
    current: str | None = tip
    while current is not None and current in ancestry.parents:
        yield current
        parents = ancestry.parents[current]
        current = parents[0] if parents else None
