"""Contents on their way from a remote, many at once.

Neighbours in a pack are read together, large contents by parts. Every byte is hashed: those of a
part or a member when they arrive, and those of a large content once more as a whole.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage.remote.assembling import AssembledContent, PartSpan
from mlver.storage.remote.blobs import (
    BlobMissing,
    BlobStore,
    BlobTooShort,
    stream_range,
)
from mlver.storage.remote.neighbours import join_neighbours
from mlver.storage.remote.span_memory import SpanInMemory, SpanMemory
from mlver.storage.remote.survey import SMALL_BYTES, RemoteSurvey, StoredCopy
from mlver.storage.remote.team_store import (
    STANDARD_OPTIONS,
    ContentSizes,
    DownloadReport,
    TransferOptions,
)
from mlver.storage.remote.workers import Task, TransferWorkers
from mlver.storage.store import RepositoryIntake


def download_objects(
    blobs: BlobStore,
    survey: RemoteSurvey,
    wanted: ContentSizes,
    intake: RepositoryIntake,
    options: TransferOptions = STANDARD_OPTIONS,
) -> DownloadReport:
    """Bring what `survey`, which was made for these contents just now, has copies of.

    See `TeamStore.download`.
    """
    copies: dict[Digest, Sequence[StoredCopy]] = {}
    wrong: dict[Digest, str] = {}
    for digest in sorted(wanted):
        if digest in survey.copies:
            copies[digest] = survey.copies[digest]
        elif digest in survey.problems:
            wrong[digest] = survey.problems[digest]
    total = sum(several[0].size for several in copies.values())
    options.expect(total)
    download = _Download(blobs, intake, options)
    try:
        while copies:
            copies = download.bring_copies(copies)
    except MlverError as error:
        told = f"{error.message}; {download.confirmed:,} of {total:,} bytes had come"
        raise MlverError(told, hints=error.hints) from error
    wrong.update(download.wrong)
    missing = frozenset(wanted.keys() - download.arrived - wrong.keys())
    return DownloadReport(len(download.arrived), download.bytes_received, missing, wrong)


class _Download:
    """One call of `download_objects`."""

    def __init__(
        self, blobs: BlobStore, intake: RepositoryIntake, options: TransferOptions
    ) -> None:
        self.arrived: set[Digest] = set()
        self.wrong: dict[Digest, str] = {}
        self.bytes_received = 0
        self.confirmed = 0
        self._blobs = blobs
        self._intake = intake
        self._options = options
        self._lock = threading.Lock()
        self._open_contents: set[AssembledContent] = set()
        self._workers = self._make_workers()
        self._memory = SpanMemory(options.jobs)

    def _make_workers(self) -> TransferWorkers:
        options = self._options
        return TransferWorkers(
            self._blobs.address, options.jobs, options.timings.stall, options.progress
        )

    def bring_copies(
        self, copies: Mapping[Digest, Sequence[StoredCopy]]
    ) -> dict[Digest, Sequence[StoredCopy]]:
        """Bring the first copy of each content; return the other copies of those that failed."""
        self._workers = self._make_workers()
        # A call under way may write to the blocks of an earlier round still.
        self._memory = SpanMemory(self._options.jobs)
        try:
            self._workers.run_tasks(self._list_tasks(copies))
        finally:
            self.confirmed += self._workers.confirmed
            # No task that is still under way writes anywhere after this.
            with self._lock:
                for content in self._open_contents:
                    content.close_file()
                self._open_contents.clear()
        others = {}
        for digest in copies:
            if digest not in self.arrived and len(copies[digest]) > 1:
                others[digest] = copies[digest][1:]
        return others

    def _list_tasks(self, copies: Mapping[Digest, Sequence[StoredCopy]]) -> Iterator[Task]:
        small: list[tuple[StoredCopy, Digest]] = []
        for digest, (stored_copy, *_) in copies.items():
            if stored_copy.recipe is None and stored_copy.size < SMALL_BYTES:
                small.append((stored_copy, digest))
                continue
            content = self._begin_content(digest, stored_copy)
            for number in range(len(content.spans)):
                # Taken here, where the spans are in their order.
                block = self._memory.take_block(self._workers) if content.is_large else None
                yield partial(self._bring_span, content, number, block)
        small.sort()
        for members in join_neighbours(small):
            yield partial(self._bring_members, members)

    def _begin_content(self, digest: Digest, stored_copy: StoredCopy) -> AssembledContent:
        with self._lock:
            self._workers.raise_if_stopped()
            descriptor = self._intake.begin_partial(digest, stored_copy.size)
            count_hashed = self._workers.count_confirmed
            place = self._intake.locate_partial(digest)
            give_back = self._memory.give_back
            content = AssembledContent(
                digest, stored_copy, descriptor, place, count_hashed, give_back
            )
            self._open_contents.add(content)
        return content

    def _bring_span(self, content: AssembledContent, number: int, block: memoryview | None) -> None:
        """Bring a span, by way of a block of memory if there is one."""
        is_kept = False
        if not content.fault:
            try:
                is_kept = self._fetch_span(content, number, block)
            except BlobMissing:
                content.fault = "missing"
            except BlobTooShort:
                content.fault = f"{content.spans[number].key} is too short"
        if block is not None and not is_kept:
            self._memory.give_back(block)
        if content.end_span(number):
            self._end_content(content)

    def _fetch_span(self, content: AssembledContent, number: int, block: memoryview | None) -> bool:
        """Bring a span into the file, unless it is there already; whether it keeps the block."""
        self._workers.raise_if_stopped()
        span = content.spans[number]
        if content.holds_span(span):
            return False
        if block is None:
            offset = span.offset
            for piece in self._stream_span(span):
                content.write_at(offset, piece)
                offset += len(piece)
            content.start_flush(span)
            return False
        arrival = SpanInMemory(span.offset, span.size, block, content.write_directly)
        for piece in self._stream_span(span):
            arrival.add_piece(piece)
        arrival.write_rest()
        content.keep_block(number, block)
        return True

    def _stream_span(self, span: PartSpan) -> Iterator[memoryview]:
        for piece in stream_range(self._blobs, span.key, span.start, span.size):
            self._note_received(len(piece))
            yield piece

    def _read_range(self, key: str, offset: int, size: int) -> bytes:
        self._workers.raise_if_stopped()
        data = self._blobs.get_range(key, offset, size) if size else b""
        self._note_received(size)
        return data

    def _note_received(self, size: int) -> None:
        self._workers.note_movement()
        self._workers.raise_if_stopped()
        with self._lock:
            self.bytes_received += size

    def _end_content(self, content: AssembledContent) -> None:
        """Hand a content over whose last span has come."""
        is_sound = content.is_sound()
        if is_sound:
            # Not below, where the other threads would wait for the disk.
            content.flush_file()
        with self._lock:
            self._workers.raise_if_stopped()
            if is_sound:
                self._intake.end_partial(content.digest, content.descriptor)
            content.close_file()
            self._open_contents.discard(content)
            if is_sound:
                self._note_arrival(content.digest)
            elif content.fault != "missing":
                self.wrong[content.digest] = f"{self._blobs.address}/{content.fault}"

    def _bring_members(self, members: Sequence[tuple[StoredCopy, Digest]]) -> None:
        """Bring contents that lie close to each other in one blob."""
        first, last = members[0][0], members[-1][0]
        try:
            data = self._read_range(first.key, first.offset, last.offset + last.size - first.offset)
        except BlobMissing:
            return
        except BlobTooShort:
            data = b""
        proven = []
        for stored_copy, digest in members:
            start = stored_copy.offset - first.offset
            content = data[start : start + stored_copy.size]
            if Digest.of_bytes(content) == digest:
                proven.append((digest, content))
            else:
                self.wrong[digest] = f"{self._blobs.address}/{stored_copy.key} is damaged"
        with self._lock:
            self._workers.raise_if_stopped()
            self._intake.put_proven(proven)
            for digest, _ in proven:
                self._note_arrival(digest)
        self._workers.count_confirmed(sum(len(content) for _, content in proven))

    def _note_arrival(self, digest: Digest) -> None:
        self.arrived.add(digest)
        self.wrong.pop(digest, None)
