"""Chunks of objects, hashed in this process or by an executor that somebody brings."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Any

from mlver.errors import MlverError, UsageError, printable_name
from mlver.records.listing import HashedObject, ListedObject
from mlver.storage.remote.object_hashing import HashMode, ReadProgress, hash_chunk

CHUNK_OBJECTS = 500
# What a chunk has at most, unless that would leave threads without work.
CHUNK_BYTES = 1 << 30
_LEAST_OBJECTS = 8
# A run that is killed loses what it is at: of a small prefix, too, that is little.
_LEAST_CHUNKS = 32
# How many chunks wait at the workers. More would only fill a scheduler's memory.
_IN_FLIGHT = 256

Chunk = Sequence[ListedObject]


@dataclass(frozen=True, slots=True)
class ChunkWork:
    """What the chunks of one prefix share.

    `options` are never secrets; `mode` is of `hash_chunk`.
    """

    url: str
    options: Mapping[str, str]
    mode: HashMode = "current"


def split_chunks(objects: Sequence[ListedObject], most: int = CHUNK_OBJECTS) -> Iterator[Chunk]:
    """Split objects into chunks of at most `most`, fewer where they are large."""
    count = max(_LEAST_OBJECTS, min(most, len(objects) // _LEAST_CHUNKS))
    chunk: list[ListedObject] = []
    size = 0
    for listed in objects:
        chunk.append(listed)
        size += listed.size
        is_heavy = size >= CHUNK_BYTES and len(chunk) >= _LEAST_OBJECTS
        if len(chunk) == count or is_heavy:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def hash_here(
    work: ChunkWork, chunks: Iterator[Chunk], progress: ReadProgress
) -> Iterator[list[HashedObject]]:
    """Hash the chunks one after the other; the threads of each share this process."""
    for chunk in chunks:
        yield hash_chunk(work.url, work.options, chunk, progress=progress, mode=work.mode)


def hash_elsewhere(
    executor: Executor, work: ChunkWork, chunks: Iterator[Chunk], progress: ReadProgress
) -> Iterator[list[HashedObject]]:
    """Hash the chunks on an executor's workers, and yield each as it is done.

    Raise MlverError where a worker fails; what others have done by then is yielded before.
    """
    waiting: set[Future[Any]] = set()
    failures: deque[BaseException] = deque()
    try:
        while not failures:
            for chunk in chunks:
                waiting.add(_submit_chunk(executor, work, chunk))
                if len(waiting) == _IN_FLIGHT:
                    break
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is not None:
                    failures.append(error)
                    continue
                hashed = _check_answer(future.result())
                progress(sum(item.size for item in hashed))
                yield hashed
    finally:
        for future in waiting:
            future.cancel()
    raise _explain_failure(failures[0])


def _submit_chunk(executor: Executor, work: ChunkWork, chunk: Chunk) -> Future[Any]:
    try:
        options = dict(work.options)
        return executor.submit(hash_chunk, work.url, options, list(chunk), mode=work.mode)
    except RuntimeError as error:  # it was shut down, or its workers are dead
        raise _explain_failure(error) from error


def _check_answer(answer: object) -> list[HashedObject]:
    """What a worker sent back: tuples lose their class on the way through some executors."""
    if not isinstance(answer, list):
        raise UsageError("the executor gave back something else than a chunk was hashed to")
    return [HashedObject(*item) for item in answer]


def _explain_failure(error: BaseException) -> MlverError:
    if isinstance(error, MlverError):
        return error
    reason = printable_name(f"{type(error).__name__}: {error}")[:500]
    return MlverError(
        f"a worker of the executor failed: {reason}; every worker needs the same mlver, with the"
        " extra of that storage, and its credentials in the environment"
    )
