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
from mlver.storage.catalogue import Located, ObjectCatalogue, ObjectLocation, open_location
from mlver.storage.digests import DigestSet
from mlver.storage.store import StoreProblem
from mlver.system.parallel import hash_descriptor, spread_batches

BATCH_FILES, BATCH_BYTES = 2048, 32 << 20
DAMAGED = "is damaged"
MISSING = "is missing"
FRAMED = "is sound, but what frames it in its pack is damaged"
VerifyProgress = Callable[[int], None]


class _StoredCopy(NamedTuple):
    digest: str
    place: ObjectLocation


def verify_objects(
    store: ObjectCatalogue,
    digests: Iterable[Digest] | None,
    progress: VerifyProgress,
    expect: VerifyProgress,
) -> Iterator[StoreProblem]:
    """See LocalStore.verify."""
    store.forget_listing()
    for path in store.repair_indexes():
        yield StoreProblem(None, path, "the index was damaged and is made again from its pack")
    if digests is None:
        yield from _find_stray_files(store)
        wanted = DigestSet.of(_stored_raws(store))
    elif isinstance(digests, DigestSet):
        wanted = digests
    else:
        wanted = DigestSet.of(bytes.fromhex(digest.hex) for digest in digests)
    located = store.locate(wanted)
    for absent in located.missing():
        yield StoreProblem(absent, None, MISSING, lost=True)
    for pack in store.packs():
        yield from _check_pack_end(pack)
        pack.release_index()
    expect(located.total)
    batches = _split_batches(_copies(store, located))
    found: list[_FoundFault] = []
    with closing(spread_batches(_verify_batch, batches)) as results:
        for problems, done in results:
            progress(done)
            found += problems
    unsound = Counter(digest for digest, _, what in found if what != FRAMED)
    places = store.find_locations({digest for digest, _, _ in found}) if found else {}
    for digest, file, what in found:
        lost = unsound[digest] == len(places.get(digest, ()))
        yield StoreProblem(Digest(digest), Path(file), what, lost=lost)


def _stored_raws(store: ObjectCatalogue) -> Iterator[bytes]:
    """The raw digests of all that the store says it holds."""
    yield from map(bytes.fromhex, store.loose_digests())
    for pack in store.packs():
        marked = {bytes.fromhex(digest) for digest in store.damaged_members(pack.name)}
        yield from (raw for raw, _, _ in pack.entries() if raw not in marked)
        pack.release_index()


def _copies(store: ObjectCatalogue, located: Located) -> Iterator[_StoredCopy]:
    """Every copy, in the order of the stored bytes."""
    for _, size, rank in located.loose.in_order():
        digest = located.wanted.at(rank).hex()
        yield _StoredCopy(digest, ObjectLocation(os.fspath(store.loose_path(digest)), 0, size, ""))
    for copies in located.packs:
        for offset, size, rank in copies.in_order():
            yield _StoredCopy(
                located.wanted.at(rank).hex(),
                ObjectLocation(copies.path, offset, size, copies.pack),
            )


def _find_stray_files(store: ObjectCatalogue) -> Iterator[StoreProblem]:
    """Files whose names have lost their meaning: a damaged name loses an object as surely as damaged bytes."""
    known = {store.loose_path(digest) for digest in store.loose_digests()}
    for path in sorted(store.objects.rglob("*")):
        if not path.is_dir() and path not in known:
            yield StoreProblem(None, path, "this is no object's name")
    expected = {path for pack in store.packs() for path in (pack.path, pack.index_path)}
    for path in sorted(store.packs_directory.glob("*")):
        if path not in expected:
            yield StoreProblem(None, path, "this belongs to no pack")


def _check_pack_end(pack: packs.PackFile) -> Iterator[StoreProblem]:
    """The end of a pack, which no member covers."""
    ends = (packs.BLOCK * -(-(offset + size) // packs.BLOCK) for _, offset, size in pack.entries())
    end = max(ends, default=0)
    try:
        with pack.path.open("rb") as file:
            whole = os.pread(file.fileno(), len(packs.TRAILER) + 1, end) == packs.TRAILER
    except OSError:
        whole = False
    if not whole:
        yield StoreProblem(None, pack.path, "the end of the pack is damaged")


def _split_batches(copies: Iterable[_StoredCopy]) -> Iterator[list[_StoredCopy]]:
    batch: list[_StoredCopy] = []
    size = 0
    for copy in copies:
        batch.append(copy)
        size += copy.place.size
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_FoundFault = tuple[str, str, str]


def _verify_batch(copies: list[_StoredCopy]) -> tuple[list[_FoundFault], int]:
    """In a worker process: (digest, path, what is wrong) of the copies that are not sound, and the bytes read."""
    found: list[_FoundFault] = []
    start = 0
    while start < len(copies):
        end = start + 1
        while end < len(copies) and copies[end].place.path == copies[start].place.path:
            end += 1
        together = copies[start:end]
        try:
            with open_location(together[0].place) as source:
                found.extend(_verify_open_file(source, together))
        except OSError as error:
            found.extend(
                (copy.digest, copy.place.path, f"cannot be read: {error.strerror}")
                for copy in together
            )
        start = end
    return found, sum(copy.place.size for copy in copies)


def _verify_open_file(source: int, copies: list[_StoredCopy]) -> Iterator[_FoundFault]:
    for digest, place in copies:
        if not place.pack:
            if hash_descriptor(source, None, _ignore_progress)[0] != digest:
                yield digest, place.path, DAMAGED
            continue
        padding = packs.member_padding(place.size)
        block = os.pread(
            source, packs.BLOCK + place.size + len(padding), place.offset - packs.BLOCK
        )
        data = memoryview(block)[packs.BLOCK : packs.BLOCK + place.size]
        if hashlib.sha256(data).hexdigest() != digest:
            yield digest, place.path, DAMAGED
        elif block[: packs.BLOCK] != packs.member_header(digest, place.size) or not block.endswith(
            padding
        ):
            yield digest, place.path, FRAMED


def _ignore_progress(_: int) -> None:
    """Progress is told by the batch."""
