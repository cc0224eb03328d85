"""Approvals that counted for what a merge moves are named by the digests that they have now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.records.promotion import ApprovalReference


def follow_approvals(
    counted: Sequence[ApprovalReference], rewritten: Mapping[Digest, Digest]
) -> tuple[ApprovalReference, ...]:
    """Name these approvals as they are now; `rewritten` has new digests by the former ones."""
    followed: list[ApprovalReference] = []
    for approval in counted:
        digest = rewritten.get(approval.record, approval.record)
        followed.append(replace(approval, record=digest))
    return tuple(followed)
