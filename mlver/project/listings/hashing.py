"""Hashes the objects of a prefix or a shard, and goes on where an earlier run stopped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, summarise_names
from mlver.project.listings.checkpoint import HashingCheckpoint
from mlver.project.listings.chunks import (
    Chunk,
    ChunkWork,
    hash_elsewhere,
    hash_here,
    split_chunks,
)
from mlver.project.listings.executors import ExecutorChoice, open_executor
from mlver.project.reporter import Reporter
from mlver.records.listing import (
    HashedObject,
    ListedObject,
    PrefixListing,
    Shard,
    describe_seen,
    find_key_fault,
    sort_objects,
)
from mlver.records.manifest import Manifest
from mlver.storage.remote.object_hashing import check_claims, list_prefix

_FAULTS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HashRequest:
    """`url` is as `check_url` gives it. `everything`: read also what has not changed since.
    `trust_claims`: a SHA-256 that the server claims is taken, and the object is not read.

    `folder` keeps what was hashed so far; without one, a run that is killed begins anew. `known`
    are objects of the prefix that were hashed before. `keys` are those that are wanted, all for
    None.
    """

    url: str
    shard: Shard | None = None
    everything: bool = False
    trust_claims: bool = False
    chosen: ExecutorChoice = field(default_factory=ExecutorChoice)
    folder: Path | None = None
    known: Iterable[HashedObject] = ()
    keys: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class HashedPrefix:
    """The objects, sorted. `seen` is the digest of what the whole prefix held.

    `hashed` objects were read now, and `claimed` ones were not: their server claims the SHA-256.
    `reused` ones were done before, and their server says that they are the same still: size, etag
    and version.
    """

    url: str
    objects: tuple[HashedObject, ...]
    seen: Digest
    hashed: int
    reused: int
    checkpoint: HashingCheckpoint | None

    @property
    def claimed(self) -> int:
        """How many objects have a SHA-256 that is only claimed, now or before."""
        return sum(item.claimed for item in self.objects)

    def to_listing(self) -> PrefixListing:
        """The listing; raise MlverError where nothing is there, or no manifest can hold it."""
        if not self.objects:
            raise MlverError(f"{printable_name(self.url)} holds nothing, so nothing can be pinned")
        listing = PrefixListing(self.url, self.objects)
        # a key may be a file and a folder at once, which no manifest is
        Manifest.parse(listing.manifest.to_bytes(), f"what {printable_name(self.url)} holds")
        return listing


def hash_prefix(request: HashRequest, reporter: Reporter) -> HashedPrefix:
    """List a prefix and hash its objects.

    Raise UsageError or MlverError; what was hashed by then is kept in `folder`.
    """
    request.chosen.check_choice()
    if request.trust_claims:
        check_claims(request.url)
    listed = list_prefix(request.url, {})
    if request.keys is not None:
        listed = [item for item in listed if item.key in request.keys]
    _refuse_strange_keys(request.url, listed)
    seen = describe_seen(request.url, listed)
    shard = request.shard
    wanted = listed if shard is None else [item for item in listed if shard.holds_key(item.key)]
    checkpoint = None
    if request.folder is not None:
        checkpoint = HashingCheckpoint.open_below(request.folder, request.url, seen)
    reusable, kept = _find_reusable(request, checkpoint, wanted)
    if checkpoint is not None:
        # what stood elsewhere goes on to stand here
        checkpoint.add_chunk([item for item in reusable if item.key not in kept])
    done = {item.key for item in reusable}
    missing = [item for item in wanted if item.key not in done]
    found: list[HashedObject] = []
    work = ChunkWork(request.url, {}, "claimed" if request.trust_claims else "current")
    for hashed in _hash_missing(request.chosen, work, missing, reporter):
        if checkpoint is not None:
            checkpoint.add_chunk(hashed)
        found += hashed
    return HashedPrefix(
        url=request.url,
        objects=sort_objects([*reusable, *found]),
        seen=seen,
        hashed=sum(not item.claimed for item in found),
        reused=len(reusable),
        checkpoint=checkpoint,
    )


def hash_pinned(
    url: str, objects: Sequence[ListedObject], chosen: ExecutorChoice, reporter: Reporter
) -> list[HashedObject]:
    """Read the very versions of these objects; those that are gone are not in the answer."""
    chosen.check_choice()
    work = ChunkWork(url, {}, "pinned")
    return [item for done in _hash_missing(chosen, work, objects, reporter) for item in done]


def _refuse_strange_keys(url: str, listed: Sequence[ListedObject]) -> None:
    faults: list[str] = []
    for item in listed:
        fault = find_key_fault(item.key)
        if fault is not None:
            faults.append(f"{item.key} {fault}")
    if faults:
        raise MlverError(
            f"{printable_name(url)} holds objects that no manifest can name; pin a prefix without"
            f" them:\n{summarise_names(faults, _FAULTS_SHOWN)}"
        )


def _find_reusable(
    request: HashRequest, checkpoint: HashingCheckpoint | None, wanted: Iterable[ListedObject]
) -> tuple[list[HashedObject], set[str]]:
    """The objects that were hashed before and are the same still; the keys of those that are in the
    checkpoint.

    With `everything`, none. An object without an etag and a version is never taken for the same,
    and one that was read rather than one that is only claimed.
    """
    if request.everything:
        return [], set()
    # Those that are wanted: a checkpoint may know many more.
    marked = {item.key: item for item in wanted if item.etag or item.version}
    found: dict[str, HashedObject] = {}
    kept: set[str] = set()
    earlier: Iterable[HashedObject] = request.known
    if checkpoint is not None:
        for item in checkpoint.read_objects():
            if _is_better(request, item, marked.get(item.key), found.get(item.key)):
                found[item.key] = item
                kept.add(item.key)
        earlier = chain(checkpoint.read_older(), request.known)
    for item in earlier:
        if _is_better(request, item, marked.get(item.key), found.get(item.key)):
            found[item.key] = item
            kept.discard(item.key)
    return list(found.values()), kept


def _is_better(
    request: HashRequest,
    item: HashedObject,
    listed: ListedObject | None,
    known: HashedObject | None,
) -> bool:
    """Say whether what was hashed before is of the object that is listed, and says more than what
    is known.
    """
    if listed is None or not listed.is_same(item.listed):
        return False
    if item.claimed:
        return request.trust_claims and known is None
    return known is None or known.claimed


def _hash_missing(
    chosen: ExecutorChoice, work: ChunkWork, missing: Sequence[ListedObject], reporter: Reporter
) -> Iterator[list[HashedObject]]:
    if not missing:
        return
    chunks: Iterator[Chunk] = split_chunks(missing)
    reporter.begin_work(f"hashing {work.url}", sum(item.size for item in missing))
    try:
        with open_executor(chosen) as executor:
            if executor is None:
                yield from hash_here(work, chunks, reporter.advance_work)
            else:
                yield from hash_elsewhere(executor, work, chunks, reporter.advance_work)
    finally:
        reporter.end_work()
