"""An artifact's digest, size and manifest, in one pass that can store its bytes as well.

Files stream through in chunks: what is known from the stat cache costs no read, the rest is read in forked processes
(small files) or chunk by chunk (large ones). Memory does not grow with the number or the size of the files, unless the
manifest itself is asked for; where a directory turns out to be unchanged, it was some 80 bytes a file.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import islice, takewhile
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error, shell_command
from mlver.hashing.cache import (
    DirectoryImprint,
    MatchedFile,
    MeasuredDirectory,
    StatCache,
    encode_files,
    signed_size,
    stat_signature,
    total_size,
)
from mlver.hashing.read import (
    LARGE,
    BatchRead,
    FileRead,
    ReadProgress,
    UnsteadyFile,
    read_batch,
    read_large,
)
from mlver.hashing.sink import ContentSink
from mlver.hashing.walk import FoundFile, find_middle, walk_files
from mlver.records.manifest import format_lines
from mlver.system.parallel import WorkerPool, run_beside

CHUNK_FILES = 8192
# What a worker takes at a time: enough to outweigh handing it over, little enough to share out evenly.
BATCH_FILES, BATCH_BYTES = 512, 8 << 20
FAULTS_SHOWN = 20
# From here on a second process is worth its start.
SHARED_FILES = 5_000


@dataclass(frozen=True, slots=True)
class MeasuredArtifact:
    """An artifact by content: `digest` of the file's bytes or of the manifest's, `size` in bytes over all files."""

    digest: Digest
    size: int
    files: int
    manifest: bytes | None


def measure_artifact(
    top: Path,
    *,
    key: str,
    cache: StatCache | None = None,
    sink: ContentSink | None = None,
    progress: ReadProgress | None = None,
    keep_manifest: bool = True,
) -> MeasuredArtifact:
    """Hash the file or directory at `top`; with a sink, store it too.

    `key` is its path in the repository, under which the stat cache knows it. `progress` is told of bytes as they are
    done, known ones included. The manifest is None for a file, or when not asked for. Raises MlverError naming every
    file that can't be kept, if there are any, and when there is no file at all.
    """
    try:
        found = top.stat()
    except OSError as error:
        raise MlverError(
            f"{key} cannot be read: {error.strerror}", hint=shell_command("ls", "-l", "--", key)
        ) from error
    run = _MeasurementRun(key, cache, sink, progress or _ignore_progress)
    try:
        if stat.S_ISDIR(found.st_mode):
            return _measure_directory(run, os.fsencode(top), keep_manifest=keep_manifest)
        return _measure_file(run, os.fsencode(top), found)
    except OSError as error:
        raise refusal_error(f"storing {key}" if sink else f"reading {key}", error) from error


@dataclass(slots=True)
class _MeasurementRun:
    """What every step of one measurement shares."""

    key: str
    cache: StatCache | None
    sink: ContentSink | None
    progress: ReadProgress
    faults: list[str] = field(default_factory=list)

    def match_cache(self, walked: Iterable[FoundFile]) -> Iterator[MatchedFile]:
        if self.cache is None:
            return ((path, stat_signature(found), None) for path, found in walked)
        return self.cache.match_files(os.fsencode(self.key), walked)

    def raise_faults(self) -> None:
        if self.faults:
            shown = "\n".join(f"  {fault}" for fault in sorted(self.faults)[:FAULTS_SHOWN])
            more = len(self.faults) - FAULTS_SHOWN
            raise MlverError(
                f"{self.key} cannot be kept:\n{shown}"
                + (f"\n  and {more} more" if more > 0 else ""),
                hint="remove or mend these, or name a path without them",
            )


@dataclass(slots=True)
class _FileChunk:
    """Some files in order, and the work under way to learn the digests that aren't known."""

    began_ns: int
    paths: list[bytes]
    signatures: list[bytes]
    digests: list[bytes | None]
    waits: list[tuple[Sequence[int], Callable[[], BatchRead]]] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)


def _measure_file(run: _MeasurementRun, top: bytes, found: os.stat_result) -> MeasuredArtifact:
    if not stat.S_ISREG(found.st_mode):
        raise MlverError(
            f"{run.key} is neither a file nor a directory", hint="name a file or a directory"
        )
    (chunk,) = _hash_chunks(run, top, [(b"", found)])
    run.raise_faults()
    (digest,) = chunk.digests
    assert digest is not None
    return MeasuredArtifact(Digest(digest.hex()), signed_size(chunk.signatures[0]), 1, None)


def _measure_directory(
    run: _MeasurementRun, top: bytes, *, keep_manifest: bool
) -> MeasuredArtifact:
    if not keep_manifest and run.sink is None:
        known = _find_unchanged(run, top)
        if known is not None:
            return known
    hasher = hashlib.sha256()
    imprint = DirectoryImprint()
    manifest = BytesIO()
    size = files = 0
    began = time.time_ns()
    # Closed at once whatever happens here, so that no worker still writes when the sink cleans up.
    with closing(_hash_chunks(run, top + b"/", walk_files(top, run.faults))) as chunks:
        for chunk in chunks:
            if run.faults:
                continue  # nothing will come of it; only the other faults are of interest now
            text = format_lines(
                chunk.paths, [digest for digest in chunk.digests if digest is not None]
            )
            hasher.update(text)
            imprint.add_files(chunk.paths, chunk.signatures)
            if keep_manifest:
                manifest.write(text)
            size += total_size(chunk.signatures)
            files += len(chunk.paths)
    run.raise_faults()
    if not files:
        raise MlverError(
            f"{run.key} holds no files", hint="an artifact needs at least one file: check the path"
        )
    if run.cache is not None and not imprint.is_racy(began):
        run.cache.keep_directory(
            os.fsencode(run.key),
            MeasuredDirectory(imprint.final_digest(), hasher.digest(), size, files),
        )
    return MeasuredArtifact(
        Digest(hasher.hexdigest()), size, files, manifest.getvalue() if keep_manifest else None
    )


def _find_unchanged(run: _MeasurementRun, top: bytes) -> MeasuredArtifact | None:
    """What is known of a directory all of whose files are as they were; None where one is not."""
    whole = run.cache.find_directory(os.fsencode(run.key)) if run.cache is not None else None
    if whole is None:
        return None
    faults: list[str] = []
    imprint = DirectoryImprint()
    shared = whole.files >= SHARED_FILES
    with closing(
        _encode_in_two_processes(top, whole.files, faults)
        if shared
        else encode_files(walk_files(top, faults))
    ) as told:
        for some in told:
            imprint.add_encoded(some)
    if faults or imprint.final_digest() != whole.imprint:
        return None
    run.progress(whole.size)
    return MeasuredArtifact(Digest(whole.digest.hex()), whole.size, whole.files, None)


def _encode_in_two_processes(
    top: bytes, files: int, faults: list[str]
) -> Generator[bytes, None, None]:
    """A forked process looks at half of the files: to ask for what 50,000 are takes longer than all else."""
    start = find_middle(top, files)

    def encode_rest() -> bytes | None:
        told = b"".join(encode_files(walk_files(top, faults, start=start)))
        return None if faults else told

    with run_beside(encode_rest) as answer:
        yield from encode_files(takewhile(lambda found: found[0] < start, walk_files(top, faults)))
        told = answer()
    if told is None:
        faults.append(
            "what comes from the middle on could not be looked at"
        )  # and is named by who looks again
    else:
        yield told


def _hash_chunks(
    run: _MeasurementRun, root: bytes, walked: Iterable[FoundFile]
) -> Generator[_FileChunk, None, None]:
    """Yield the files in order, in chunks with every digest known; two are under way, so that no worker idles."""
    under_way: deque[_FileChunk] = deque()
    joined = run.match_cache(walked)
    with WorkerPool(partial(read_batch, root, run.sink)) as pool:
        while True:
            began = time.time_ns()
            triples = list(islice(joined, CHUNK_FILES))
            if triples:
                under_way.append(_begin_chunk(run, root, pool, triples, began))
            if under_way and (len(under_way) > 1 or not triples):
                yield _collect_chunk(run, under_way.popleft())
            if not triples and not under_way:
                break
    if run.cache is not None and not run.faults:
        run.cache.drop_vanished()


def _begin_chunk(
    run: _MeasurementRun,
    root: bytes,
    pool: WorkerPool[Sequence[bytes], BatchRead],
    triples: list[MatchedFile],
    began: int,
) -> _FileChunk:
    paths, signatures, digests = (list(column) for column in zip(*triples, strict=True))
    chunk = _FileChunk(began, paths, signatures, digests)
    if run.faults:
        return chunk
    if run.sink is not None:
        missing = run.sink.missing({digest.hex() for digest in digests if digest is not None})
        chunk.digests = [
            None if digest is None or digest.hex() in missing else digest for digest in digests
        ]
    unknown = [index for index, digest in enumerate(chunk.digests) if digest is None]
    large = [index for index in unknown if signed_size(signatures[index]) >= LARGE]
    small = (
        [index for index in unknown if signed_size(signatures[index]) < LARGE] if large else unknown
    )
    run.progress(total_size(signatures) - total_size(signatures[index] for index in unknown))
    batches = list(_split_batches(small, signatures))
    for batch in batches:
        wanted = [paths[index] for index in batch]
        # One batch isn't worth a pool of processes, which takes longer to start than to hash. Where there is one, it
        # knows what it has stored, and this process would have to learn it.
        submit = (
            pool.submit_batch
            if len(batches) > 1 or pool.is_running
            else partial(_submit_inline, root, run.sink)
        )
        chunk.waits.append((batch, submit(wanted)))
    for index in large:
        _read_large_file(run, root, chunk, index)
    return chunk


def _submit_inline(
    root: bytes, sink: ContentSink | None, paths: Sequence[bytes]
) -> Callable[[], BatchRead]:
    return partial(read_batch, root, sink, paths)


def _split_batches(indices: Sequence[int], signatures: Sequence[bytes]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for index in indices:
        batch.append(index)
        size += signed_size(signatures[index])
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_large_file(run: _MeasurementRun, root: bytes, chunk: _FileChunk, index: int) -> None:
    if run.faults:
        return
    try:
        _record_read(chunk, index, read_large(root, chunk.paths[index], run.sink, run.progress))
    except UnsteadyFile as error:
        run.faults.append(str(error))


def _record_read(chunk: _FileChunk, index: int, read: FileRead) -> None:
    chunk.digests[index] = read.digest
    chunk.signatures[index] = read.signature
    chunk.fresh.append(index)


def _collect_chunk(run: _MeasurementRun, chunk: _FileChunk) -> _FileChunk:
    for indices, wait in chunk.waits:
        result = wait()
        run.faults.extend(result.faults)
        for index, read in zip(indices, result.files, strict=True):
            if read is not None:
                _record_read(chunk, index, read)
        if run.sink is not None:
            run.sink.accept_receipt(result.receipt)
        run.progress(total_size(chunk.signatures[index] for index in indices))
    if run.cache is not None and not run.faults:
        rows = (
            (chunk.paths[index], chunk.signatures[index], chunk.digests[index] or b"")
            for index in chunk.fresh
        )
        run.cache.keep_measured(os.fsencode(run.key), rows, chunk.began_ns)
    return chunk


def _ignore_progress(_: int) -> None:
    """Nobody wants to know."""
