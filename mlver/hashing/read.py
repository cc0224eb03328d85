"""Reading files that others may be writing: unless the stat before equals the stat after, the bytes are no state."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from mlver.hashing.cache import stat_signature
from mlver.hashing.sink import BlobWriter, ContentSink
from mlver.hashing.walk import printable_path
from mlver.system.parallel import copy_hashed, hash_descriptor

# From here on a file is read in chunks and stored on its own; below, many are stored together.
LARGE = 1 << 20
ATTEMPTS = 3
# O_NONBLOCK: a FIFO put in a file's place must not make us wait for a writer.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
ReadProgress = Callable[[int], None]


class UnsteadyFile(Exception):
    """A file can't be read as one state; the text is the fault to report."""


class FileRead(NamedTuple):
    """One file as it was read: the raw digest and the signature it had before and after."""

    digest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class BatchRead:
    """A batch of small files: None for those in `faults`."""

    files: tuple[FileRead | None, ...]
    faults: tuple[str, ...]
    receipt: object


def read_batch(root: bytes, sink: ContentSink | None, paths: Sequence[bytes]) -> BatchRead:
    """Hash small files, and hand their bytes to the sink. Runs in a worker process."""
    files: list[FileRead | None] = []
    faults: list[str] = []
    contents: list[tuple[str, bytes]] = []
    for path in paths:
        try:
            data, signed = _read_small(root, path)
        except UnsteadyFile as error:
            faults.append(str(error))
            files.append(None)
            continue
        hashed = hashlib.sha256(data)
        files.append(FileRead(hashed.digest(), signed))
        if sink is not None:
            contents.append((hashed.hexdigest(), data))
    receipt = sink.store_contents(contents) if sink is not None else None
    return BatchRead(tuple(files), tuple(faults), receipt)


def _read_small(root: bytes, path: bytes) -> tuple[bytes, bytes]:
    for _ in range(ATTEMPTS):
        with open_regular_file(root, path) as (descriptor, before):
            data = os.read(descriptor, before.st_size + 1)
            while 0 < len(data) < before.st_size:
                more = os.read(descriptor, before.st_size + 1 - len(data))
                if not more:
                    break
                data += more
            signed = stat_signature(before)
            if len(data) == before.st_size and stat_signature(os.fstat(descriptor)) == signed:
                return data, signed
    raise UnsteadyFile(f"{printable_path(path or root)} changes while it is read")


@contextmanager
def open_regular_file(root: bytes, path: bytes) -> Iterator[tuple[int, os.stat_result]]:
    """An open regular file and its stat; raises Unsteady where there is none, or reading fails."""
    try:
        descriptor = os.open(root + path, _FLAGS)
    except OSError as error:
        raise UnsteadyFile(
            f"{printable_path(path or root)} cannot be read: {error.strerror}"
        ) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UnsteadyFile(f"{printable_path(path or root)} is no longer a file")
        yield descriptor, found
    except OSError as error:
        # Errors of the store carry the store's path; what has none comes from this descriptor.
        if error.filename is not None:
            raise
        raise UnsteadyFile(
            f"{printable_path(path or root)} cannot be read: {error.strerror}"
        ) from error
    finally:
        os.close(descriptor)


def read_large(
    root: bytes, path: bytes, sink: ContentSink | None, progress: ReadProgress
) -> FileRead:
    """Hash a file in constant memory, writing it to the sink in the same pass; raises Unsteady."""
    for _ in range(ATTEMPTS):
        with open_regular_file(root, path) as (descriptor, before):
            if hasattr(os, "posix_fadvise"):
                with suppress(OSError):
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            blob = sink.begin_blob() if sink is not None else None
            try:
                digest, done = _hash_into_blob(descriptor, blob, progress)
                signed = stat_signature(before)
                if done == before.st_size and stat_signature(os.fstat(descriptor)) == signed:
                    if blob is not None:
                        blob.keep_as(digest)
                        blob = None
                    return FileRead(bytes.fromhex(digest), signed)
                progress(-done)
            finally:
                if blob is not None:
                    blob.discard_content()
    raise UnsteadyFile(f"{printable_path(path or root)} changes while it is read")


def _hash_into_blob(
    descriptor: int, blob: BlobWriter | None, progress: ReadProgress
) -> tuple[str, int]:
    if blob is None:
        return hash_descriptor(descriptor, None, progress)
    # It is the copy that is hashed: the original may be changing, the copy isn't.
    if blob.clone_from(descriptor):
        return hash_descriptor(blob.file_descriptor, None, progress)
    return copy_hashed(descriptor, blob, progress)
