"""Reads back what a remote has already, for whoever does not take its listing as a proof."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from mlver.digest import Digest
from mlver.storage import packs
from mlver.storage.recipes import Recipe, format_recipe
from mlver.storage.remote.blobs import BlobMissing, BlobStore, BlobTooShort, stream_range
from mlver.storage.remote.catalogue import PACKS, index_key, part_key
from mlver.storage.remote.neighbours import join_neighbours
from mlver.storage.remote.survey import RemoteSurvey, StoredCopy
from mlver.storage.remote.team_store import TransferOptions
from mlver.storage.remote.workers import Task, TransferWorkers


@dataclass(slots=True)
class UnsoundCopies:
    """Contents of which no copy on a remote has the right bytes, and the blobs with wrong ones."""

    contents: set[Digest] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def find_unsound(
    blobs: BlobStore,
    survey: RemoteSurvey,
    wanted: Iterable[Digest],
    options: TransferOptions,
) -> UnsoundCopies:
    """Read and hash a copy of each of these contents, and the next one where it is not sound.

    What leads to a copy, an index or a recipe, is read as well. Progress counts sound contents.
    """
    found = UnsoundCopies()
    copies: dict[Digest, Sequence[StoredCopy]] = {
        digest: survey.copies[digest] for digest in wanted if digest in survey.copies
    }
    while copies:
        proof = _Proof(blobs, options)
        proof.read_copies({digest: several[0] for digest, several in copies.items()})
        found.keys |= proof.unsound_keys
        others: dict[Digest, Sequence[StoredCopy]] = {}
        for digest, several in copies.items():
            if digest in proof.sound:
                continue
            if len(several) > 1:
                others[digest] = several[1:]
            else:
                found.contents.add(digest)
        copies = others
    return found


class _Proof:
    """Reads one copy of each content."""

    def __init__(self, blobs: BlobStore, options: TransferOptions) -> None:
        self.sound: set[Digest] = set()
        self.unsound_keys: set[str] = set()
        self._blobs = blobs
        self._options = options
        self._lock = threading.Lock()
        self._left: dict[Digest, int] = {}
        self._sizes: dict[Digest, int] = {}
        self._workers = self._make_workers()

    def _make_workers(self) -> TransferWorkers:
        options = self._options
        return TransferWorkers(
            self._blobs.address, options.jobs, options.timings.stall, options.progress
        )

    def read_copies(self, copies: Mapping[Digest, StoredCopy]) -> None:
        """Read what leads to the copies, then those that it leads to."""
        self._workers.run_tasks(self._list_guides(copies))
        self._workers = self._make_workers()
        self._workers.run_tasks(self._list_tasks(copies))

    def _list_guides(self, copies: Mapping[Digest, StoredCopy]) -> list[Task]:
        tasks: list[Task] = []
        stems: set[str] = set()
        for stored_copy in copies.values():
            if stored_copy.recipe is not None:
                tasks.append(partial(self._prove_recipe, stored_copy.key, stored_copy.recipe))
            elif stored_copy.key.startswith(PACKS):
                stems.add(stored_copy.key.removeprefix(PACKS).removesuffix(packs.PACK))
        tasks.extend(partial(self._prove_index, stem) for stem in sorted(stems))
        return tasks

    def _prove_recipe(self, key: str, recipe: Recipe) -> None:
        expected = format_recipe(recipe)
        if self._hash_range(key, 0, len(expected)) != hashlib.sha256(expected).hexdigest():
            self._note_unsound(key)

    def _prove_index(self, stem: str) -> None:
        key = index_key(stem)
        with suppress(BlobMissing):
            if self._hash_range(key, 0, self._blobs.stat_blob(key).size) == stem:
                return
        self._note_unsound(key, f"{PACKS}{stem}{packs.PACK}")

    def _list_tasks(self, copies: Mapping[Digest, StoredCopy]) -> Iterator[Task]:
        members: list[tuple[StoredCopy, Digest]] = []
        for digest, stored_copy in copies.items():
            if stored_copy.key in self.unsound_keys:
                continue
            self._sizes[digest] = stored_copy.size
            if stored_copy.recipe is not None:
                self._left[digest] = len(stored_copy.recipe.parts)
                for part in stored_copy.recipe.parts:
                    key = part_key(part.sha256)
                    yield partial(self._prove_piece, digest, key, part.size, part.sha256)
            elif stored_copy.key.startswith(PACKS):
                self._left[digest] = 1
                members.append((stored_copy, digest))
            else:
                self._left[digest] = 1
                yield partial(
                    self._prove_piece, digest, stored_copy.key, stored_copy.size, digest.hex
                )
        members.sort()
        for group in join_neighbours(members):
            yield partial(self._prove_members, group)

    def _prove_piece(self, digest: Digest, key: str, size: int, sha256: str) -> None:
        """Read a blob that is a content, or a part of it."""
        if self._hash_range(key, 0, size) == sha256:
            self._end_piece(digest)
        else:
            self._note_unsound(key)

    def _prove_members(self, group: Sequence[tuple[StoredCopy, Digest]]) -> None:
        first, last = group[0][0], group[-1][0]
        self._workers.raise_if_stopped()
        size = last.offset + last.size - first.offset
        data = b""
        with suppress(BlobMissing, BlobTooShort):
            if size:
                data = self._blobs.get_range(first.key, first.offset, size)
        self._workers.note_movement()
        for stored_copy, digest in group:
            start = stored_copy.offset - first.offset
            if Digest.of_bytes(data[start : start + stored_copy.size]) == digest:
                self._end_piece(digest)

    def _hash_range(self, key: str, offset: int, size: int) -> str:
        """The SHA-256 of a range; empty where there is no such range."""
        hasher = hashlib.sha256()
        with suppress(BlobMissing, BlobTooShort):
            for piece in stream_range(self._blobs, key, offset, size):
                self._workers.note_movement()
                self._workers.raise_if_stopped()
                hasher.update(piece)
            return hasher.hexdigest()
        return ""

    def _end_piece(self, digest: Digest) -> None:
        with self._lock:
            self._left[digest] -= 1
            if self._left[digest]:
                return
            self.sound.add(digest)
        self._workers.count_confirmed(self._sizes[digest])

    def _note_unsound(self, *keys: str) -> None:
        with self._lock:
            self.unsound_keys.update(keys)
