"""Reading all that is stored and saying what is wrong with it. Packs are read from front to back, framing included."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from mlver.digest import Digest
from mlver.storage import packs
from mlver.storage.catalogue import Catalogue, Place, open_place
from mlver.storage.store import Problem
from mlver.system.parallel import hashed, spread

BATCH_FILES, BATCH_BYTES = 2048, 32 << 20
DAMAGED = "is damaged"
MISSING = "is missing"
FRAMED = "is sound, but what frames it in its pack is damaged"
Progress = Callable[[int], None]


class _Copy(NamedTuple):
    digest: str
    place: Place


def verify(
    store: Catalogue, digests: Iterable[Digest] | None, progress: Progress, expect: Progress
) -> Iterator[Problem]:
    """See LocalStore.verify."""
    store.forget()
    for path in store.mend_indexes():
        yield Problem(None, path, "the index was damaged and is made again from its pack")
    if digests is None:
        yield from _strangers(store)
        wanted = set(store.loose_digests()).union(*(pack.digests - store.marked(pack.name) for pack in store.packs()))
    else:
        wanted = {digest.hex for digest in digests}
    places = store.places(wanted)
    for digest in sorted(wanted - places.keys()):
        yield Problem(Digest(digest), None, MISSING, lost=True)
    for pack in store.packs():
        yield from _ends(pack)
    copies = sorted((place, digest) for digest, several in places.items() for place in several)
    expect(sum(place.size for place, _ in copies))
    batches = _batches(_Copy(digest, place) for place, digest in copies)
    found: list[_Found] = []
    with closing(spread(_verify_batch, batches)) as results:
        for problems, done in results:
            progress(done)
            found += problems
    unsound = Counter(digest for digest, _, what in found if what != FRAMED)
    for digest, file, what in found:
        yield Problem(Digest(digest), Path(file), what, lost=unsound[digest] == len(places[digest]))


def _strangers(store: Catalogue) -> Iterator[Problem]:
    """Files whose names have lost their meaning: a damaged name loses an object as surely as damaged bytes."""
    known = {store.loose_path(digest) for digest in store.loose_digests()}
    for path in sorted(store.objects.rglob("*")):
        if not path.is_dir() and path not in known:
            yield Problem(None, path, "this is no object's name")
    expected = {path for pack in store.packs() for path in (pack.path, pack.index_path)}
    for path in sorted(store.packs_directory.glob("*")):
        if path not in expected:
            yield Problem(None, path, "this belongs to no pack")


def _ends(pack: packs.Pack) -> Iterator[Problem]:
    """The end of a pack, which no member covers."""
    end = max((packs.end_of(member) for member in pack.members()), default=0)
    try:
        with pack.path.open("rb") as file:
            whole = os.pread(file.fileno(), len(packs.TRAILER) + 1, end) == packs.TRAILER
    except OSError:
        whole = False
    if not whole:
        yield Problem(None, pack.path, "the end of the pack is damaged")


def _batches(copies: Iterable[_Copy]) -> Iterator[list[_Copy]]:
    batch: list[_Copy] = []
    size = 0
    for copy in copies:
        batch.append(copy)
        size += copy.place.size
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_Found = tuple[str, str, str]


def _verify_batch(copies: list[_Copy]) -> tuple[list[_Found], int]:
    """In a worker process: (digest, path, what is wrong) of the copies that are not sound, and the bytes read."""
    found: list[_Found] = []
    start = 0
    while start < len(copies):
        end = start + 1
        while end < len(copies) and copies[end].place.path == copies[start].place.path:
            end += 1
        together = copies[start:end]
        try:
            with open_place(together[0].place) as source:
                found.extend(_verify_open(source, together))
        except OSError as error:
            found.extend((copy.digest, copy.place.path, f"cannot be read: {error.strerror}") for copy in together)
        start = end
    return found, sum(copy.place.size for copy in copies)


def _verify_open(source: int, copies: list[_Copy]) -> Iterator[_Found]:
    for digest, place in copies:
        if not place.pack:
            if hashed(source, None, _ignore)[0] != digest:
                yield digest, place.path, DAMAGED
            continue
        padding = packs.padding(place.size)
        block = os.pread(source, packs.BLOCK + place.size + len(padding), place.offset - packs.BLOCK)
        data = memoryview(block)[packs.BLOCK : packs.BLOCK + place.size]
        if hashlib.sha256(data).hexdigest() != digest:
            yield digest, place.path, DAMAGED
        elif block[: packs.BLOCK] != packs.header(digest, place.size) or not block.endswith(padding):
            yield digest, place.path, FRAMED


def _ignore(_: int) -> None:
    """Progress is told by the batch."""
