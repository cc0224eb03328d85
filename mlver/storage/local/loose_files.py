"""The objects of a local store that are files of their own, each in `objects/<2>/<62>`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from mlver.storage.digests import DigestSet
from mlver.storage.local.digest_folders import list_digests, list_names

# From here on listing all object directories is cheaper than looking up one object after another.
LIST_FROM = 512


class LooseFiles:
    """Finds the files in `folder` by the digest of their content. Reading one proves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_existing(self, digests: AbstractSet[str]) -> set[str]:
        """Those of the digests that are files of their own."""
        if len(digests) >= LIST_FROM:
            return set(self.list_digests()) & digests
        loose: set[str] = set()
        if not digests:
            return loose
        # Most lookups of a new artifact end here, without a call for each digest.
        folders = set(list_names(self.folder))
        for digest in digests:
            if digest[:2] in folders and self._is_loose(digest):
                loose.add(digest)
        return loose

    def _is_loose(self, digest: str) -> bool:
        """Whether the object is a file of its own; raise OSError where nobody may look."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            # Not by pathlib, which takes longest where there are many.
            # Whatever lies there has taken the object's place, a link that leads nowhere as well.
            os.lstat(f"{self.folder}/{digest[:2]}/{digest[2:]}")
            return True
        return False

    def list_digests(self) -> Iterator[str]:
        """The digests of all objects that are files of their own, in order."""
        return list_digests(self.folder)

    def path_of(self, digest: str) -> Path:
        """Where an object lies that is a file of its own."""
        return self.folder / digest[:2] / digest[2:]

    def locate_wanted(self, wanted: DigestSet) -> Iterator[tuple[int, int]]:
        """Rank and size of the wanted objects that are files of their own."""
        # Listed in the order of the digests, which is the order that `find_next_rank` is fast in.
        loose: Iterable[str] = self.list_digests()
        if len(wanted) < LIST_FROM:
            loose = self.find_existing({digest.hex for digest in wanted})
        for digest in loose:
            rank = wanted.find_next_rank(bytes.fromhex(digest))
            if rank is None:
                continue
            try:
                size = self.path_of(digest).lstat().st_size
            except OSError:
                continue
            yield rank, size
