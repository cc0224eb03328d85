"""An artifact's digest, size and manifest, in one pass that can store its bytes as well.

Files stream through in chunks: a file that the stat cache knows is not read unless its bytes are to
be pinned or stored, small ones are read in forked processes, large ones piece by piece. Memory does
not grow with the number or the size of the files, unless the manifest itself is asked for; an
unchanged directory takes some 90 bytes a file.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error, shell_command
from mlver.hashing.cache import (
    DirectoryImprint,
    MatchedFile,
    MeasuredDirectory,
    StatCache,
    signed_size,
    stat_signature,
    total_size,
)
from mlver.hashing.executable import ExecutableFiles
from mlver.hashing.read import (
    ANY_CONTENT,
    BatchRead,
    ContentRules,
    FileRead,
    PointerFile,
    ReadProgress,
    UnsteadyFile,
    read_batch,
    read_large,
)
from mlver.hashing.sink import ContentSink
from mlver.hashing.unchanged import find_unchanged
from mlver.hashing.walk import FoundFile, walk_files
from mlver.records.manifest import format_lines
from mlver.system import parallel
from mlver.system.parallel import WorkerPool, ignore_progress, split_batches

CHUNK_FILES = 8192
# What a worker takes at a time: enough to outweigh the handing over, little enough to share evenly.
BATCH_FILES = 512
BATCH_BYTES = 8 << 20
FAULTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class MeasuredArtifact:
    """An artifact by content.

    `digest` is that of the file's bytes or of the manifest's; `size` is in bytes, over all files.
    `pointers` are files that stand in place of content, where that was asked for. `dangling`
    says which links lead nowhere, and were left out. `executable` are the paths of the files that
    may be executed, in order; None where nothing says so, or where too many are. `left_out` are
    the paths that were ignored, where that was asked for; that of a folder ends with a slash.
    `listing` says of data at an address what its server said, and `reused` how many of its objects
    were read earlier only. `claimed` are checksums that only the server claims, as a record has
    them, and `unproven` how many objects have such a one.
    """

    digest: Digest
    size: int
    files: int
    manifest: bytes | None
    pointers: tuple[PointerFile, ...] = ()
    dangling: tuple[str, ...] = ()
    executable: tuple[bytes, ...] | None = None
    left_out: tuple[bytes, ...] = ()
    listing: bytes | None = None
    reused: int = 0
    claimed: Mapping[str, str] = field(default_factory=dict)
    unproven: int = 0


def measure_artifact(
    top: Path,
    *,
    key: str,
    cache: StatCache | None = None,
    sink: ContentSink | None = None,
    progress: ReadProgress | None = None,
    keep_manifest: bool = True,
    rules: ContentRules = ANY_CONTENT,
) -> MeasuredArtifact:
    """Hash the file or directory at `top`; with a sink, store it too.

    `key` is its path in the repository, under which the stat cache knows it. With a sink the cache
    vouches for no byte: all are read, and it only learns. It never learns of files that stand in
    place of content, which `rules` may look for. `progress` is called with the number of bytes as
    they are done, known ones included. The manifest is None for a file, or when not asked for.
    Raises MlverError where there is no file at all, or where files can't be kept: then it names
    them.
    """
    run = _MeasurementRun(key, cache, sink, progress or ignore_progress, rules)
    return _measure_run(run, top, keep_manifest=keep_manifest)


def _measure_run(run: _MeasurementRun, top: Path, *, keep_manifest: bool) -> MeasuredArtifact:
    try:
        status = top.stat()
    except OSError as error:
        raise MlverError(
            f"{run.key} cannot be read: {error.strerror}",
            hint=shell_command("ls", "-l", "--", run.key),
        ) from error
    try:
        if stat.S_ISDIR(status.st_mode):
            return _measure_directory(run, os.fsencode(top), keep_manifest=keep_manifest)
        return _measure_file(run, os.fsencode(top), status)
    except OSError as error:
        action = f"storing {run.key}" if run.sink else f"reading {run.key}"
        raise refusal_error(action, error) from error


@dataclass(slots=True)
class _MeasurementRun:
    """The arguments that every step of one measurement shares, and the faults found so far."""

    key: str
    cache: StatCache | None
    sink: ContentSink | None
    progress: ReadProgress
    rules: ContentRules
    faults: list[str] = field(default_factory=list)
    pointers: list[PointerFile] = field(default_factory=list)
    executable: ExecutableFiles = field(default_factory=ExecutableFiles)

    def match_cache(self, walked: Iterable[FoundFile]) -> Iterator[MatchedFile]:
        if self.cache is None:
            return ((path, stat_signature(status), None) for path, status in walked)
        matched = self.cache.match_files(os.fsencode(self.key), walked)
        if not self.believes_cache:
            return ((path, signature, None) for path, signature, _ in matched)
        return matched

    @property
    def believes_cache(self) -> bool:
        """Whether the cache may spare the reading of a file."""
        return self.cache is not None and self.cache.is_believed and self.sink is None

    def keep_directory(self, whole: MeasuredDirectory) -> None:
        """Let the cache know a directory, unless files stand in it in place of content."""
        if self.cache is not None and not self.pointers:
            self.cache.keep_directory(os.fsencode(self.key), whole)

    def raise_faults(self) -> None:
        if not self.faults:
            return
        advice = "remove or fix these, or name a path without them"
        action = "read" if self.sink is None else "kept"
        lines = [f"{self.key} cannot be {action}; {advice}:"]
        lines += [f"  {fault}" for fault in sorted(self.faults)[:FAULTS_SHOWN]]
        if len(self.faults) > FAULTS_SHOWN:
            lines.append(f"  and {len(self.faults) - FAULTS_SHOWN:,} more")
        raise MlverError("\n".join(lines))


@dataclass(slots=True)
class _FileChunk:
    """Some files in order, and the work under way to learn the digests that are not known."""

    began_ns: int
    paths: list[bytes]
    signatures: list[bytes]
    digests: list[bytes | None]
    waits: list[tuple[Sequence[int], Callable[[], BatchRead]]] = field(default_factory=list)
    fresh: list[int] = field(default_factory=list)


def _measure_file(run: _MeasurementRun, top: bytes, status: os.stat_result) -> MeasuredArtifact:
    if not stat.S_ISREG(status.st_mode):
        raise MlverError(
            f"{run.key} is neither a file nor a directory",
            hint=shell_command("ls", "-ld", "--", run.key),
        )
    (chunk,) = _hash_chunks(run, top, run.executable.watch_walk([(b"", status)]))
    run.raise_faults()
    (digest,) = chunk.digests
    assert digest is not None
    size = signed_size(chunk.signatures[0])
    return _conclude_run(run, digest, size, 1, None)


def _conclude_run(
    run: _MeasurementRun, digest: bytes, size: int, files: int, manifest: bytes | None
) -> MeasuredArtifact:
    return MeasuredArtifact(
        Digest(digest.hex()),
        size,
        files,
        manifest,
        pointers=tuple(run.pointers),
        executable=run.executable.list_paths(),
    )


def _walk_artifact(run: _MeasurementRun, top: bytes) -> Iterator[FoundFile]:
    """Walk a directory as its rules say; faults gather in the run."""
    return walk_files(
        top,
        run.faults.append,
        bounds=run.rules.bounds,
        skip_dangling=run.rules.skip_dangling,
        is_ignored=run.rules.is_ignored,
    )


def _measure_directory(
    run: _MeasurementRun, top: bytes, *, keep_manifest: bool
) -> MeasuredArtifact:
    if run.cache is not None and run.believes_cache and not keep_manifest:
        key = os.fsencode(run.key)
        whole = find_unchanged(run.cache, key, top, run.rules, run.executable)
        if whole is not None:
            run.progress(whole.size)
            return _conclude_run(run, whole.digest, whole.size, whole.files, None)
        # The walk below looks at each file again.
        run.executable = ExecutableFiles()
    hasher = hashlib.sha256()
    imprint = DirectoryImprint()
    manifest = BytesIO() if keep_manifest else None
    size = 0
    file_count = 0
    began_ns = time.time_ns()
    walked = run.executable.watch_walk(_walk_artifact(run, top))
    # Closed at once whatever happens here, so that no worker still writes when the sink cleans up.
    with closing(_hash_chunks(run, top + b"/", walked)) as chunks:
        for chunk in chunks:
            if run.faults:
                continue  # nothing will come of it; only the other faults are of interest now
            lines = format_lines(chunk.paths, _known_digests(chunk))
            hasher.update(lines)
            imprint.add_files(chunk.paths, chunk.signatures)
            if manifest is not None:
                manifest.write(lines)
            size += total_size(chunk.signatures)
            file_count += len(chunk.paths)
    run.raise_faults()
    if not file_count:
        raise _build_empty_error(run.key)
    if not imprint.is_racy(began_ns):
        whole = MeasuredDirectory(imprint.final_digest(), hasher.digest(), size, file_count)
        run.keep_directory(whole)
    text = manifest.getvalue() if manifest is not None else None
    return _conclude_run(run, hasher.digest(), size, file_count, text)


def _build_empty_error(key: str) -> MlverError:
    return MlverError(
        f"{key} holds no files, and an artifact needs at least one",
        hint=shell_command("ls", "-la", "--", key),
    )


def _known_digests(chunk: _FileChunk) -> list[bytes]:
    return [digest for digest in chunk.digests if digest is not None]


def _hash_chunks(
    run: _MeasurementRun, root: bytes, walked: Iterable[FoundFile]
) -> Generator[_FileChunk, None, None]:
    """Yield the files in order, in chunks with every digest known.

    Two chunks are under way, so that no worker idles.
    """
    under_way: deque[_FileChunk] = deque()
    matched = run.match_cache(walked)
    with WorkerPool(partial(read_batch, root, run.sink, check=run.rules.check)) as pool:
        while True:
            began_ns = time.time_ns()
            matched_files = list(islice(matched, CHUNK_FILES))
            if not matched_files:
                break
            under_way.append(_begin_chunk(run, root, pool, matched_files, began_ns))
            if len(under_way) > 1:
                yield _collect_chunk(run, under_way.popleft())
        while under_way:
            yield _collect_chunk(run, under_way.popleft())
    if run.cache is not None and not run.faults:
        run.cache.drop_vanished()


def _begin_chunk(
    run: _MeasurementRun,
    root: bytes,
    pool: WorkerPool[Sequence[bytes], BatchRead],
    matched_files: list[MatchedFile],
    began_ns: int,
) -> _FileChunk:
    paths, signatures, digests = (list(column) for column in zip(*matched_files, strict=True))
    chunk = _FileChunk(began_ns, paths, signatures, digests)
    if run.faults:
        return chunk
    unknown = [index for index, digest in enumerate(chunk.digests) if digest is None]
    small: list[int] = []
    large: list[int] = []
    for index in unknown:
        (large if signed_size(signatures[index]) >= parallel.LARGE else small).append(index)
    unknown_size = total_size(signatures[index] for index in unknown)
    run.progress(total_size(signatures) - unknown_size)
    batches = list(
        split_batches(
            small,
            BATCH_FILES,
            most_bytes=BATCH_BYTES,
            count_bytes=lambda index: signed_size(signatures[index]),
        )
    )
    submit: Callable[[Sequence[bytes]], Callable[[], BatchRead]] = pool.submit_batch
    # One batch is not worth a pool of processes, which takes longer to start than to hash it. Where
    # a pool is running, it knows what it has stored, and this process would have to learn it.
    if len(batches) <= 1 and not pool.is_running:
        submit = partial(_submit_inline, run, root)
    for batch in batches:
        chunk.waits.append((batch, submit([paths[index] for index in batch])))
    for index in large:
        _read_large_file(run, root, chunk, index)
    return chunk


def _submit_inline(
    run: _MeasurementRun, root: bytes, paths: Sequence[bytes]
) -> Callable[[], BatchRead]:
    return partial(read_batch, root, run.sink, paths, check=run.rules.check)


def _read_large_file(run: _MeasurementRun, root: bytes, chunk: _FileChunk, index: int) -> None:
    if run.faults:
        return
    try:
        read = run.rules.read or read_large
        read_file = read(root, chunk.paths[index], run.sink, run.progress)
    except UnsteadyFile as error:
        run.faults.append(str(error))
        return
    _record_read(chunk, index, read_file)


def _record_read(chunk: _FileChunk, index: int, read_file: FileRead) -> None:
    chunk.digests[index] = read_file.digest
    chunk.signatures[index] = read_file.signature
    if read_file.pointer is None:
        chunk.fresh.append(index)


def _collect_chunk(run: _MeasurementRun, chunk: _FileChunk) -> _FileChunk:
    for indices, wait_for_batch in chunk.waits:
        batch_read = wait_for_batch()
        run.faults.extend(batch_read.faults)
        for index, read_file in zip(indices, batch_read.files, strict=True):
            if read_file is None:
                continue
            _record_read(chunk, index, read_file)
            if read_file.pointer is not None:
                run.pointers.append(read_file.pointer)
        if run.sink is not None:
            run.sink.accept_receipt(batch_read.receipt)
        run.progress(total_size(chunk.signatures[index] for index in indices))
    if run.cache is not None and not run.faults:
        rows = (
            (chunk.paths[index], chunk.signatures[index], chunk.digests[index] or b"")
            for index in chunk.fresh
        )
        run.cache.keep_measured(os.fsencode(run.key), rows, chunk.began_ns)
    return chunk
