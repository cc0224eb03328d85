"""Which files of a local store gc takes out of service, puts back or deletes.

Pure rules. Times are seconds since the epoch, by this machine's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum


class LocalFate(Enum):
    """What becomes of a file."""

    KEPT = "kept"
    YOUNG = "too young"
    TRASHED = "trashed"
    REPACKED = "repacked"
    WAITING = "waiting"
    RESTORED = "restored"
    DELETED = "deleted"


def judge_stored(
    members: Mapping[str, int] | None,
    moment: float,
    needed: AbstractSet[str],
    *,
    now: float,
    grace: float,
) -> LocalFate:
    """What becomes of a file in service.

    `members` are its contents with their sizes; None where they cannot be told. A pack of which
    less than half is needed is written anew, with that alone.
    """
    if members is None:
        return LocalFate.KEPT
    needed_bytes = sum(size for digest, size in members.items() if digest in needed)
    is_needed = not needed.isdisjoint(members)
    if is_needed and 2 * needed_bytes >= sum(members.values()):
        return LocalFate.KEPT
    if moment > now - grace:
        return LocalFate.YOUNG
    return LocalFate.REPACKED if is_needed else LocalFate.TRASHED


def judge_trashed(
    members: Mapping[str, int] | None,
    moment: float,
    needed: AbstractSet[str],
    *,
    now: float,
    grace: float,
) -> LocalFate:
    """What becomes of a file in the trash, which came there at `moment`.

    One whose contents cannot be told goes back into service, where `verify` looks at it.
    """
    if members is None or not needed.isdisjoint(members):
        return LocalFate.RESTORED
    if moment > now - grace:
        return LocalFate.WAITING
    return LocalFate.DELETED
