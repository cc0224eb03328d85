"""Reading files that others may be writing.

Unless the stat before equals the stat after, the bytes are no state that the file ever had.
"""

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
from mlver.hashing.walk import IgnoreTest, LinkBounds, printable_path
from mlver.system.parallel import hash_descriptor

ATTEMPTS = 3
# O_NONBLOCK: a FIFO put in a file's place must not make us wait for a writer.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
ReadProgress = Callable[[int], None]
# Larger files are never looked at: what stands in place of content is a small text.
POINTER_BYTES = 1024


class UnsteadyFile(Exception):
    """A file can't be read as one state; the text is the fault to report."""


class PointerFile(NamedTuple):
    """A file that stands in place of content: what it is, and the command that fetches that."""

    path: bytes
    description: str
    hint: str


# Called with the root, a path below it and the whole contents of a small file.
PointerCheck = Callable[[bytes, bytes, bytes], PointerFile | None]


class FileRead(NamedTuple):
    """One file as it was read: the raw digest and the signature it had before and after."""

    digest: bytes
    signature: bytes
    pointer: PointerFile | None = None


# Called with the root, a path below it, and what `read_large` takes besides.
LargeReader = Callable[[bytes, bytes, ContentSink | None, ReadProgress], FileRead]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRules:
    """What may stand in an artifact, and how it is read.

    `check` looks for files that stand in place of content; `bounds` says how far symlinks inside a
    directory may lead, which is anywhere without. With `skip_dangling`, links that lead nowhere are
    no files: they hold no bytes. What `is_ignored` says is no part of a directory. `read` takes the
    place of `read_large`.
    """

    check: PointerCheck | None = None
    bounds: LinkBounds | None = None
    skip_dangling: bool = False
    is_ignored: IgnoreTest | None = None
    read: LargeReader | None = None


ANY_CONTENT = ContentRules()


@dataclass(frozen=True, slots=True)
class BatchRead:
    """A batch of small files: None for those in `faults`."""

    files: tuple[FileRead | None, ...]
    faults: tuple[str, ...]
    receipt: object


def read_batch(
    root: bytes,
    sink: ContentSink | None,
    paths: Sequence[bytes],
    *,
    check: PointerCheck | None = None,
) -> BatchRead:
    """Hash small files, and hand their bytes to the sink. Runs in a worker process."""
    files: list[FileRead | None] = []
    faults: list[str] = []
    contents: list[tuple[str, bytes]] = []
    for path in paths:
        try:
            data, signature = _read_small(root, path)
        except UnsteadyFile as error:
            faults.append(str(error))
            files.append(None)
            continue
        hasher = hashlib.sha256(data)
        pointer: PointerFile | None = None
        if check is not None and len(data) <= POINTER_BYTES:
            pointer = check(root, path, data)
        files.append(FileRead(hasher.digest(), signature, pointer))
        if sink is not None:
            contents.append((hasher.hexdigest(), data))
    receipt: object = None
    if sink is not None:
        receipt = sink.store_contents(contents)
    return BatchRead(tuple(files), tuple(faults), receipt)


def _read_small(root: bytes, path: bytes) -> tuple[bytes, bytes]:
    """Read the bytes of a file and its signature."""
    for _ in range(ATTEMPTS):
        with open_regular_file(root, path) as (descriptor, status):
            data = os.read(descriptor, status.st_size + 1)
            while 0 < len(data) < status.st_size:
                piece = os.read(descriptor, status.st_size + 1 - len(data))
                if not piece:
                    break
                data += piece
            signature = stat_signature(status)
            if len(data) == status.st_size and stat_signature(os.fstat(descriptor)) == signature:
                return data, signature
    raise _unsteady_file(root, path, "changes while it is read")


@contextmanager
def open_regular_file(root: bytes, path: bytes) -> Iterator[tuple[int, os.stat_result]]:
    """Open a regular file; return it with its stat.

    Raises UnsteadyFile where there is no regular file, or where reading it fails.
    """
    try:
        descriptor = os.open(root + path, _FLAGS)
    except OSError as error:
        raise _unsteady_file(root, path, f"cannot be read: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unsteady_file(root, path, "is no longer a file")
        yield descriptor, status
    except OSError as error:
        # Errors of the store carry the store's path; those without one are of this descriptor.
        if error.filename is not None:
            raise
        raise _unsteady_file(root, path, f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _unsteady_file(root: bytes, path: bytes, message: str) -> UnsteadyFile:
    # The path is empty where the artifact is a file itself.
    return UnsteadyFile(f"{printable_path(path or root)} {message}")


def read_large(
    root: bytes, path: bytes, sink: ContentSink | None, progress: ReadProgress
) -> FileRead:
    """Hash a file in constant memory, writing it to the sink in the same pass.

    Raises UnsteadyFile.
    """
    for _ in range(ATTEMPTS):
        with open_regular_file(root, path) as (descriptor, status):
            _announce_reading(descriptor)
            blob: BlobWriter | None = None
            if sink is not None:
                blob = sink.begin_blob()
            try:
                digest, bytes_done = _hash_into_blob(descriptor, blob, progress)
                signature = stat_signature(status)
                if (
                    bytes_done == status.st_size
                    and stat_signature(os.fstat(descriptor)) == signature
                ):
                    if blob is not None:
                        blob.keep_as(digest)
                        blob = None
                    return FileRead(bytes.fromhex(digest), signature)
                progress(-bytes_done)
            finally:
                if blob is not None:
                    blob.discard_content()
    raise _unsteady_file(root, path, "changes while it is read")


def _announce_reading(descriptor: int) -> None:
    """Let the system read ahead, where it knows how."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)


def _hash_into_blob(
    descriptor: int, blob: BlobWriter | None, progress: ReadProgress
) -> tuple[str, int]:
    if blob is None:
        return hash_descriptor(descriptor, None, progress)
    # Commands that only look at files do not load it.
    from mlver.system.copying import copy_hashed

    # The copy is hashed: the original may be changing, the copy isn't.
    if blob.clone_from(descriptor):
        return hash_descriptor(blob.file_descriptor, None, progress)
    return copy_hashed(descriptor, blob, progress)
