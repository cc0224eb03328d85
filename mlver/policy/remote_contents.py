"""Which blobs of a remote hold what somebody needs, and which of the others gc may take.

Pure rules: what is there, what is needed and every time come in as values. Times are the storage's
own, and are only compared with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# Folders of a remote in which gc deletes; whatever else lies there is not touched.
FOLDERS = ("objects/", "packs/", "parts/", "recipes/")


@dataclass(frozen=True, slots=True)
class RecipeUses:
    """The parts that a content is made of, and the contents that parts of it are differences to."""

    parts: frozenset[str]
    bases: frozenset[str]


@dataclass(frozen=True, slots=True)
class RemoteContents:
    """What a remote has, as it was listed: the time of each blob, and its size in bytes, by key.

    `packs` are the members of each pack by its name, `recipes` what each of them uses. Digests are
    64 hexadecimal digits.
    """

    stored: Mapping[str, datetime]
    sizes: Mapping[str, int]
    packs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    recipes: Mapping[str, RecipeUses] = field(default_factory=dict)

    @property
    def blobs(self) -> frozenset[str]:
        """The keys of all blobs that hold contents."""
        return frozenset(key for key in self.stored if key.startswith(FOLDERS))


def find_needed_blobs(contents: RemoteContents, needed: AbstractSet[str]) -> set[str]:
    """The keys of all blobs that may hold some of these contents, whole or in part.

    All copies count. A pack is kept whole if it holds anything that is needed.
    """
    digests = find_needed_digests(contents, needed)
    keys = {key for key in contents.blobs if key.rpartition("/")[2] in digests}
    for name, members in contents.packs.items():
        if not members.isdisjoint(digests):
            keys |= {f"packs/{name}.pack", f"packs/{name}.idx"}
    return keys & contents.stored.keys()


def find_needed_digests(contents: RemoteContents, needed: AbstractSet[str]) -> set[str]:
    """These contents, the parts of their recipes, and the bases of those, to the last one."""
    digests: set[str] = set()
    waiting = list(needed)
    while waiting:
        digest = waiting.pop()
        if digest in digests:
            continue
        digests.add(digest)
        uses = contents.recipes.get(digest)
        if uses is not None:
            waiting.extend(uses.parts)
            waiting.extend(uses.bases)
    return digests


def is_settled(
    contents: RemoteContents, pinned: AbstractSet[str], condemned: AbstractSet[str] = frozenset()
) -> bool:
    """Whether each pinned content is whole on the remote, apart from the condemned blobs.

    Where one is not, a push may be about to put it together from parts or a pack that are there
    already, and that nothing leads to yet.
    """
    present = contents.stored.keys() - condemned
    members: set[str] = set()
    for name, digests in contents.packs.items():
        if {f"packs/{name}.pack", f"packs/{name}.idx"} <= present:
            members |= digests & pinned
    for digest in pinned - members:
        if f"objects/{digest[:2]}/{digest}" in present:
            continue
        uses = contents.recipes.get(digest)
        if uses is None or f"recipes/{digest[:2]}/{digest}" not in present:
            return False
        if not all(f"parts/{part[:2]}/{part}" in present for part in uses.parts):
            return False
    return True


def spare_shared(keys: Iterable[str]) -> set[str]:
    """Those of the keys that one content alone can be in: no parts, and no packs."""
    return {key for key in keys if not key.startswith(("parts/", "packs/"))}


def is_live_pin(stored: datetime, now: datetime, grace: timedelta) -> bool:
    """Whether a pin still counts."""
    return stored > now - grace


def is_due(stored: datetime, now: datetime, grace: timedelta) -> bool:
    """Whether the grace time of something stored then is over."""
    return stored <= now - grace


def select_deletable(
    condemned: Iterable[str],
    since: datetime,
    contents: RemoteContents,
    needed: AbstractSet[str],
) -> list[str]:
    """The condemned blobs that may be deleted: not needed, and not stored again since.

    `needed` are keys. One stored in the very moment of `since` was stored again.
    """
    deletable: list[str] = []
    for key in sorted(condemned):
        stored = contents.stored.get(key)
        if stored is None or key in needed or not key.startswith(FOLDERS):
            continue
        if stored < since:
            deletable.append(key)
    return deletable


def order_deletion(keys: Iterable[str]) -> list[str]:
    """What leads to bytes goes before the bytes: an index and a recipe promise what follows."""

    def rank(key: str) -> tuple[int, str]:
        leads = key.startswith("recipes/") or key.endswith(".idx")
        return (0 if leads else 1, key)

    return sorted(keys, key=rank)
