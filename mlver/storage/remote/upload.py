"""Contents on their way to a remote, many at once.

Small ones are sent in packs, large ones in parts. What leads to bytes, an index or a recipe, is
sent once those bytes are confirmed. Every byte is hashed before it is sent. A run that is cut off
leaves whole blobs, and the next one finds them in the listing and sends the others.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged
from mlver.storage import packs
from mlver.storage.cutting import cut_content
from mlver.storage.digests import DigestSet
from mlver.storage.recipes import PART_BYTES, Part, Recipe, format_recipe
from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.catalogue import index_key, object_key, pack_key, part_key, recipe_key
from mlver.storage.remote.proving import find_unsound
from mlver.storage.remote.reading import SourceReader, prove_object
from mlver.storage.remote.sending import BlobSender
from mlver.storage.remote.survey import SMALL_BYTES, RemoteSurvey
from mlver.storage.remote.team_store import (
    STANDARD_OPTIONS,
    Confirmation,
    TransferOptions,
    UploadReport,
    UploadSource,
)
from mlver.storage.remote.workers import ByteBudget, Task, TransferWorkers
from mlver.system.parallel import ignore_progress

# So many bytes are read and not yet stored: a back-end may need as much again for its own copy.
_BUDGET_BYTES = 64 << 20


def upload_objects(
    source: UploadSource,
    blobs: BlobStore,
    survey: RemoteSurvey,
    wanted: Mapping[Digest, int],
    options: TransferOptions = STANDARD_OPTIONS,
) -> UploadReport:
    """Send what `survey`, which was made for these contents just now, has no copy of.

    See `TeamStore.upload`.
    """
    missing = survey.find_missing(wanted)
    total = sum(wanted.values())
    damaged: set[Digest] = set()
    if options.read_back:
        options.expect(total)
        options = replace(options, expect=ignore_progress)
        unsound = find_unsound(blobs, survey, wanted.keys() - missing, options)
        survey.listing.count_absent(unsound.keys)
        damaged = unsound.contents
        missing |= damaged
    if not missing:
        return UploadReport(0, 0, total, None)
    source.require_objects(missing)
    blobs.sweep_leftovers()
    sizes = {digest: wanted[digest] for digest in sorted(missing)}
    upload = _Upload(source, blobs, survey, options)
    try:
        upload.send(sizes)
    except MlverError as error:
        raise _tell_progress(error, upload.workers.confirmed, sum(sizes.values())) from error
    return UploadReport(
        len(sizes), upload.bytes_sent, total, upload.confirmation, repaired=len(damaged)
    )


def _tell_progress(error: MlverError, confirmed: int, total: int) -> MlverError:
    """The same error, which also tells what was done."""
    told = (
        f"{error.message}; {confirmed:,} of {total:,} bytes are confirmed, and are not sent again"
    )
    kind = ObjectDamaged if isinstance(error, ObjectDamaged) else MlverError
    return kind(told, hints=error.hints)


class _LargeContent:
    """A content that is sent in parts, and what is left to do until its recipe can be sent."""

    def __init__(self, digest: Digest, size: int, part_count: int) -> None:
        self.digest = digest
        self.size = size
        self.parts: list[Part | None] = [None] * part_count
        # One more than there are parts: the whole content has to hash to its digest as well.
        self._left = part_count + 1
        self._lock = threading.Lock()

    def end_step(self) -> bool:
        """Whether this was the last step."""
        with self._lock:
            self._left -= 1
            return self._left == 0

    def build_recipe(self) -> Recipe:
        parts = tuple(part for part in self.parts if part is not None)
        return Recipe(self.digest.hex, self.size, parts)


class _Upload:
    """One call of `upload_objects`."""

    def __init__(
        self,
        source: UploadSource,
        blobs: BlobStore,
        survey: RemoteSurvey,
        options: TransferOptions,
    ) -> None:
        self._source = source
        self._options = options
        self._listing = survey.listing
        # The next run need not read again what this one sends.
        self._remembered = survey.remembered
        self.workers = TransferWorkers(
            blobs.address, options.jobs, options.timings.stall, options.progress
        )
        self._budget = ByteBudget(self.workers, _BUDGET_BYTES)
        self._sender = BlobSender(blobs, self.workers, options)

    @property
    def bytes_sent(self) -> int:
        return self._sender.bytes_sent

    @property
    def confirmation(self) -> Confirmation | None:
        return self._sender.confirmation

    def send(self, sizes: Mapping[Digest, int]) -> None:
        """Send these contents; return once all are confirmed."""
        self._options.expect(sum(sizes.values()))
        self.workers.run_tasks(self._list_tasks(sizes))

    def _list_tasks(self, sizes: Mapping[Digest, int]) -> Iterator[Task]:
        # The large ones first, which take longest.
        for digest, size in sizes.items():
            if size > PART_BYTES:
                yield from self._cut_large(digest, size)
        small: list[Digest] = []
        for digest, size in sizes.items():
            if size < SMALL_BYTES:
                small.append(digest)
            elif size <= PART_BYTES:
                yield self._read_object(digest, size)
        if small:
            yield from self._pack_small(small)

    def _cut_large(self, digest: Digest, size: int) -> Iterator[Task]:
        with SourceReader(self._source, digest, size) as reader:
            spans = cut_content(size, reader.read_range)
            large = _LargeContent(digest, size, len(spans))
            hasher = hashlib.sha256()
            for number, (offset, part_size) in enumerate(spans):
                self._budget.acquire(part_size)
                data = reader.read_range(offset, part_size)
                hasher.update(data)
                yield partial(self._send_part, large, number, offset, data)
            reader.check_digest(hasher)
        yield partial(self._end_step, large)

    def _send_part(self, large: _LargeContent, number: int, offset: int, data: bytes) -> None:
        try:
            hexadecimal = hashlib.sha256(data).hexdigest()
            large.parts[number] = Part(hexadecimal, len(data), offset)
            key = part_key(hexadecimal)
            if not self._has_part(key, len(data)):
                self._sender.send_blob(key, data, hexadecimal)
            self.workers.count_confirmed(len(data))
        finally:
            self._budget.release(len(data))
        self._end_step(large)

    def _has_part(self, key: str, size: int) -> bool:
        """Whether an earlier run, or a content that shares the part, has brought it already."""
        return self._sender.was_confirmed(key) or self._listing.has_blob(key, size)

    def _end_step(self, large: _LargeContent) -> None:
        """Send the recipe if nothing else is left to do."""
        if not large.end_step():
            return
        recipe = format_recipe(large.build_recipe())
        recipe_digest = hashlib.sha256(recipe).hexdigest()
        key = recipe_key(large.digest.hex)
        self._sender.send_blob(key, recipe, recipe_digest)
        self._remembered.keep_sent(key, recipe)

    def _read_object(self, digest: Digest, size: int) -> Task:
        self._budget.acquire(size)
        with SourceReader(self._source, digest, size) as reader:
            data = reader.read_range(0, size)
            reader.check_digest(hashlib.sha256(data))
        return partial(self._send_object, digest, data)

    def _send_object(self, digest: Digest, data: bytes) -> None:
        try:
            self._sender.send_blob(object_key(digest.hex), data, digest.hex)
            self.workers.count_confirmed(len(data))
        finally:
            self._budget.release(len(data))

    def _pack_small(self, digests: Sequence[Digest]) -> Iterator[Task]:
        """Packs of these contents, in the order in which they lie in the source."""
        wanted = DigestSet.from_raw(bytes.fromhex(digest.hex) for digest in digests)
        found = 0
        pack = packs.PackBuilder()
        self._budget.acquire(PART_BYTES)
        for digest, data in self._source.read_small(wanted, SMALL_BYTES):
            found += 1
            if not pack.has_room(len(data), PART_BYTES):
                yield partial(self._send_pack, pack)
                self._budget.acquire(PART_BYTES)
                pack = packs.PackBuilder()
            pack.add_member(digest.hex, data)
        if found < len(wanted):
            self._name_damaged(digests)
        yield partial(self._send_pack, pack)

    def _name_damaged(self, digests: Iterable[Digest]) -> None:
        """Raise the error of the first of these that cannot be read."""
        for digest in digests:
            prove_object(self._source, digest)
        raise MlverError("objects changed while they were sent; run the same command again")

    def _send_pack(self, pack: packs.PackBuilder) -> None:
        try:
            data, index = pack.finish_pack()
            stem = packs.pack_name(index)
            self._sender.send_blob(pack_key(stem), data, hashlib.sha256(data).hexdigest())
            self._sender.send_blob(index_key(stem), index, stem)
            self._remembered.keep_sent(index_key(stem), index)
            self.workers.count_confirmed(pack.content_bytes)
        finally:
            self._budget.release(PART_BYTES)
