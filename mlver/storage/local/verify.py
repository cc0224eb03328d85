"""Reading all that is stored and reporting what is wrong with it.

Packs are read from front to back, their tar framing included.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from mlver.digest import Digest
from mlver.errors import InvalidDocument, NewerFormat
from mlver.storage import packs
from mlver.storage.digests import DigestSet
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.digest_folders import is_digest
from mlver.storage.local.locations import (
    LocatedObjects,
    ObjectLocation,
    open_location,
    read_span,
)
from mlver.storage.local.pack_files import PackFile
from mlver.storage.store import StoreProblem, StoreProgress
from mlver.system.folders import walk_folder
from mlver.system.parallel import (
    hash_descriptor,
    ignore_progress,
    split_batches,
    spread_batches,
)
from mlver.system.regular import reading_regular

BATCH_FILES = 2048
BATCH_BYTES = 32 << 20
DAMAGED = "is damaged"
MISSING = "is missing"
UNREAD = "cannot be read"
FRAMED = "is sound, but what frames it in its pack is damaged"


class _StoredCopy(NamedTuple):
    """A copy and the digest that it should have."""

    digest: str
    location: ObjectLocation


class _CopyFault(NamedTuple):
    """A copy that is not sound; `path` is the file that holds it."""

    digest: str
    path: str
    message: str


def verify_objects(
    store: ObjectCatalogue,
    digests: Iterable[Digest] | None,
    progress: StoreProgress,
    expect: StoreProgress,
) -> Iterator[StoreProblem]:
    """See ObjectStore."""
    for index_path in store.repair_listing():
        yield StoreProblem(
            None, index_path, "the index was damaged and is made again from its pack"
        )
    if digests is None:
        yield from _find_stray_files(store)
    wanted = _collect_digests(store, digests)
    located = store.locate_objects(wanted)
    yield from _judge_absent(store, located)
    for pack_file in store.list_packs():
        yield from _check_pack_end(pack_file)
        pack_file.release_index()
    expect(located.total)
    found = _find_faults(_list_copies(located), progress)
    faults = [fault for fault in found if not _was_moved(store, fault)]
    spoilt = _find_spoilt(store, faults)
    faults += _find_rebuilt_faults(store, located, spoilt, progress)
    if faults:
        yield from _judge_faults(store, faults)


def _judge_absent(store: ObjectCatalogue, located: LocatedObjects) -> Iterator[StoreProblem]:
    """The objects that nothing in service has, unless a sound copy of one is in the trash."""
    if not store.has_reserves():
        for digest in located.read_missing():
            yield StoreProblem(digest, None, MISSING, lost=True)
        return
    nowhere = store.find_missing_hex({digest.hex for digest in located.read_missing()})
    having_recipe = store.recipes.find_existing(nowhere)
    for digest in located.read_missing():
        if digest.hex not in nowhere:
            yield from _judge_trashed(store, digest)
        elif digest.hex in having_recipe:
            message = store.open_reader().describe_fault(digest.hex) or MISSING
            path = store.recipes.path_of(digest.hex)
            yield StoreProblem(digest, path, message, lost=True)
        else:
            yield StoreProblem(digest, None, MISSING, lost=True)


def _judge_trashed(store: ObjectCatalogue, digest: Digest) -> Iterator[StoreProblem]:
    """The problem of an object which the trash brings back, if no copy is sound."""
    unsound: list[StoreProblem] = []
    for location in store.find_every_copy(digest.hex):
        if store.is_sound(digest.hex, location):
            return
        message: str | None = DAMAGED
        if location.is_recipe:
            message = store.open_reader().describe_fault(digest.hex)
        unsound.append(StoreProblem(digest, Path(location.path), message or DAMAGED, lost=True))
    yield from unsound


def _find_rebuilt_faults(
    store: ObjectCatalogue,
    located: LocatedObjects,
    spoilt: AbstractSet[str],
    progress: StoreProgress,
) -> list[_CopyFault]:
    """Put together what is kept in parts, and read it; not from what has no sound copy."""
    faults: list[_CopyFault] = []
    reader = store.open_reader(spoilt)
    for _, size, rank in located.rebuilt.sorted_copies():
        digest = located.wanted.digest_at(rank).hex()
        message = reader.describe_fault(digest)
        if message is not None:
            path = os.fspath(store.recipes.path_of(digest))
            # Where the damaged part is counted as well, the message names its place.
            message = store.open_reader().describe_fault(digest) or message
            faults.append(_CopyFault(digest, path, message))
        progress(size)
    return faults


def _collect_digests(store: ObjectCatalogue, digests: Iterable[Digest] | None) -> DigestSet:
    """The digests to verify: these, or all that the store says it holds."""
    if digests is None:
        return DigestSet.from_raw(stored_digests(store))
    if isinstance(digests, DigestSet):
        return digests
    raw_digests = (bytes.fromhex(digest.hex) for digest in digests)
    return DigestSet.from_raw(raw_digests)


def stored_digests(store: ObjectCatalogue) -> Iterator[bytes]:
    """The raw digests of all that the store says it holds."""
    for digest in store.loose.list_digests():
        yield bytes.fromhex(digest)
    # Others were kept in parts, of which some are gone: nobody needs them, or `verify` names them.
    for digest in store.find_locations(set(store.recipes.list_digests())):
        yield bytes.fromhex(digest)
    for pack_file in store.list_packs():
        # Those lie in quarantine already: a second report would be about the same damage.
        marks = store.damaged_members(pack_file.name)
        damaged = {bytes.fromhex(digest) for digest in marks}
        for entry in pack_file.read_entries():
            if entry[0] not in damaged:
                yield entry[0]
        pack_file.release_index()


def _list_copies(located: LocatedObjects) -> Iterator[_StoredCopy]:
    """Every copy, in the order of the stored bytes."""
    wanted = located.wanted
    for copy_list in (located.loose, *located.packs):
        for offset, size, rank in copy_list.sorted_copies():
            digest = wanted.digest_at(rank).hex()
            yield _StoredCopy(digest, copy_list.locate(digest, offset, size))


def _find_faults(copies: Iterable[_StoredCopy], progress: StoreProgress) -> list[_CopyFault]:
    """Read all copies, by several processes where there are many."""
    faults: list[_CopyFault] = []
    batches = split_batches(copies, BATCH_FILES, most_bytes=BATCH_BYTES, count_bytes=_count_bytes)
    with closing(spread_batches(_verify_batch, batches)) as results:
        for batch_faults, bytes_done in results:
            progress(bytes_done)
            faults += batch_faults
    return faults


def _was_moved(store: ObjectCatalogue, fault: _CopyFault) -> bool:
    """Whether gc moved the file before it was read, and a sound copy is where it is now."""
    if not fault.message.startswith(UNREAD) or os.path.lexists(fault.path):
        return False
    locations = store.find_every_copy(fault.digest)
    return any(store.is_sound(fault.digest, location) for location in locations)


def _find_spoilt(store: ObjectCatalogue, faults: Sequence[_CopyFault]) -> set[str]:
    """The digests of which every copy that there is in service has a fault."""
    unsound = Counter(fault.digest for fault in faults if fault.message != FRAMED)
    locations = store.find_locations(unsound.keys())
    return {digest for digest in unsound if unsound[digest] >= len(locations.get(digest, ()))}


def _judge_faults(store: ObjectCatalogue, faults: list[_CopyFault]) -> Iterator[StoreProblem]:
    """A problem for each fault; an object is lost where nothing that there is brings it back."""
    spoilt = _find_spoilt(store, faults)
    lost = {digest for digest in spoilt if not _has_spare(store, digest, spoilt)}
    for digest, copy_path, message in faults:
        yield StoreProblem(Digest(digest), Path(copy_path), message, lost=digest in lost)


def _has_spare(store: ObjectCatalogue, digest: str, spoilt: AbstractSet[str]) -> bool:
    """Whether the trash has a sound copy, or parts that are sound make one."""
    for location in store.find_trashed({digest}).get(digest, []):
        if store.is_sound(digest, location):
            return True
    if not store.recipes.find_existing({digest}):
        return False
    return store.open_reader(spoilt).describe_fault(digest) is None


def _find_stray_files(store: ObjectCatalogue) -> Iterator[StoreProblem]:
    """Files with meaningless names: a damaged name loses an object as surely as damaged bytes."""
    for _, entries in walk_folder(store.objects):
        for entry in entries:
            # Judged by its name: other processes store and move objects meanwhile.
            path = Path(entry.path)
            digest = path.parent.name + path.name
            if is_digest(digest) and store.loose.path_of(digest) == path:
                continue
            if not path.is_dir():
                yield StoreProblem(None, path, "this is no object's name")
    pack_paths: set[Path] = set()
    for pack_file in store.list_packs():
        pack_paths.update((pack_file.path, pack_file.index_path))
    for stray_path in sorted(store.packs_directory.glob("*")):
        if stray_path not in pack_paths:
            yield StoreProblem(None, stray_path, "this belongs to no pack")
    yield from _find_bad_recipes(store)


def _find_bad_recipes(store: ObjectCatalogue) -> Iterator[StoreProblem]:
    """Recipes that cannot be read. No content is lost by that where it is stored whole."""
    for digest in store.recipes.list_digests():
        path = store.recipes.path_of(digest)
        try:
            store.recipes.read(digest)
        except NewerFormat as error:
            message = f"the recipe was written by a newer mlver: {'; '.join(error.faults)}"
            yield StoreProblem(None, path, message)
        except InvalidDocument as error:
            yield StoreProblem(None, path, f"the recipe is damaged: {'; '.join(error.faults)}")
        except OSError as error:
            yield StoreProblem(None, path, f"the recipe cannot be read: {error.strerror}")


def _check_pack_end(pack: PackFile) -> Iterator[StoreProblem]:
    """The end of a pack, which no member covers."""
    last_byte = 0
    for entry in pack.read_entries():
        last_byte = max(last_byte, entry[1] + entry[2])
    # The last member is filled up to a whole block; the trailer begins there.
    trailer_offset = last_byte + -last_byte % packs.BLOCK
    is_whole = False
    try:
        with reading_regular(pack.path) as file:
            # One byte more, so that anything behind the trailer is noticed as well.
            ending = os.pread(file.fileno(), len(packs.TRAILER) + 1, trailer_offset)
            is_whole = ending == packs.TRAILER
    except OSError:
        pass
    if not is_whole:
        yield StoreProblem(None, pack.path, "the end of the pack is damaged")


def _count_bytes(copy: _StoredCopy) -> int:
    return copy.location.size


def _file_path(copy: _StoredCopy) -> str:
    return copy.location.path


def _verify_batch(copies: list[_StoredCopy]) -> tuple[list[_CopyFault], int]:
    """In a worker process: the faults of the copies that are not sound, and the bytes read."""
    faults: list[_CopyFault] = []
    for source_path, group in groupby(copies, key=_file_path):
        file_copies = list(group)
        try:
            with open_location(file_copies[0].location) as source:
                faults.extend(_verify_open_file(source, file_copies))
        except OSError as error:
            message = f"{UNREAD}: {error.strerror}"
            faults.extend(
                _CopyFault(stored_copy.digest, source_path, message) for stored_copy in file_copies
            )
    # Counted whether or not they could be read: the total was promised before.
    return faults, sum(stored_copy.location.size for stored_copy in copies)


def _verify_open_file(source: int, copies: list[_StoredCopy]) -> Iterator[_CopyFault]:
    """Judge the copies that one file holds."""
    for digest, location in copies:
        if not location.pack:
            if hash_descriptor(source, None, ignore_progress)[0] != digest:
                yield _CopyFault(digest, location.path, DAMAGED)
            continue
        padding = packs.member_padding(location.size)
        framed_size = packs.BLOCK + location.size + len(padding)
        block = read_span(source, framed_size, location.offset - packs.BLOCK)
        content = memoryview(block)[packs.BLOCK : packs.BLOCK + location.size]
        if hashlib.sha256(content).hexdigest() != digest:
            yield _CopyFault(digest, location.path, DAMAGED)
            continue
        header = block[: packs.BLOCK]
        if header != packs.member_header(digest, location.size) or not block.endswith(padding):
            yield _CopyFault(digest, location.path, FRAMED)
