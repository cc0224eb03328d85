"""Large working files that are taken for those of a known version until that is proven.

Before a file is replaced, it has to be known that its bytes are stored, and that takes reading both
it and its stored copy: as long as writing what replaces it. So a large file is taken at first for
the one that the version in use has there, if it is as large. A second thread proves that while the
first prepares the new files. Nothing is replaced before the proof is there. Where it fails, for
whatever reason, the command begins again and takes nothing for granted.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.hashing.cache import stat_signature
from mlver.hashing.read import FileRead, ReadProgress, read_large
from mlver.hashing.sink import ContentSink
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import pinned_files
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.storage.store import RepositoryStore
from mlver.system.parallel import PIECE
from mlver.system.regular import open_regular

# Of more, hardly any is large; and each would be listed in memory.
_MOST_FILES = 4096


class WrongAssumption(Exception):
    """A working file, or its stored copy, is not what it was taken for."""


class _AssumedFile(NamedTuple):
    location: bytes
    digest: Digest
    signature: bytes


class AssumedFiles:
    """The files taken for others so far; `read_file` is a LargeReader."""

    def __init__(self, store: RepositoryStore, expected: Mapping[bytes, Digest]) -> None:
        self._store = store
        self._expected = expected
        self._assumed: list[_AssumedFile] = []

    @property
    def digests(self) -> frozenset[bytes]:
        """The raw digests of those files, which are proven to be stored."""
        return frozenset(bytes.fromhex(file.digest.hex) for file in self._assumed)

    def read_file(
        self, root: bytes, path: bytes, sink: ContentSink | None, progress: ReadProgress
    ) -> FileRead:
        """Take a file for the expected one if it is as large as that; otherwise, read it."""
        location = root + path
        digest = self._expected.get(location)
        if digest is not None:
            with suppress(OSError):
                status = os.lstat(location)
                if stat.S_ISREG(status.st_mode) and status.st_size == self._find_size(digest):
                    signature = stat_signature(status)
                    self._assumed.append(_AssumedFile(location, digest, signature))
                    progress(status.st_size)
                    return FileRead(bytes.fromhex(digest.hex), signature)
        return read_large(root, path, sink, progress)

    def _find_size(self, digest: Digest) -> int | None:
        descriptor = self._store.open_object(digest)
        if descriptor is None:
            return None
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    @contextmanager
    def proving(self) -> Iterator[_FileProof]:
        """Prove the files in a second thread, which has ended when the block has.

        Raise WrongAssumption where no thread can be started.
        """
        proof = _FileProof(self._store, tuple(self._assumed))
        if not self._assumed:
            proof.run()
            yield proof
            return
        thread = threading.Thread(target=proof.run, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise WrongAssumption from error
        try:
            yield proof
        finally:
            proof.stop()
            thread.join()


class _FileProof:
    """Compares files with their stored copies, which it hashes.

    `run` is for one thread, which changes nothing; everything else for the thread that began it.
    """

    def __init__(self, store: RepositoryStore, files: Sequence[_AssumedFile]) -> None:
        self._store = store
        self._files = files
        self._ended = threading.Event()
        self._stopped = False
        self._is_proven = False

    def run(self) -> None:
        """Read all files, until one is another or `stop` is called."""
        try:
            # Whatever goes wrong, nothing is proven; reading the files again says why.
            with suppress(Exception):
                self._is_proven = all(map(self._is_kept, self._files))
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Have `run` return soon."""
        self._stopped = True

    def require_proven(self) -> None:
        """Wait for the proof; raise WrongAssumption where there is none."""
        self._ended.wait()
        if not self._is_proven:
            raise WrongAssumption

    def _is_kept(self, file: _AssumedFile) -> bool:
        """Whether the file and its stored copy are what the digest says."""
        stored = self._store.open_object(file.digest)
        if stored is None:
            return False
        try:
            working = open_regular(file.location)
            try:
                is_steady = stat_signature(os.fstat(working)) == file.signature
                is_same = is_steady and self._hash_both(working, stored) == file.digest.hex
                if not is_same or stat_signature(os.fstat(working)) != file.signature:
                    return False
                _release_memory(working)
                return True
            finally:
                os.close(working)
        finally:
            os.close(stored)

    def _hash_both(self, first: int, second: int) -> str | None:
        """The SHA-256 of two files that are equal, None of others: comparing is cheaper."""
        hasher = hashlib.sha256()
        first_buffer, second_buffer = bytearray(PIECE), bytearray(PIECE)
        offset = 0
        while not self._stopped:
            count = os.preadv(first, [first_buffer], offset)
            if os.preadv(second, [second_buffer], offset) != count:
                return None
            if count == 0:
                return hasher.hexdigest()
            # After a short read, both still hold the same of the piece before behind the new bytes.
            if first_buffer != second_buffer:
                return None
            hasher.update(memoryview(second_buffer)[:count])
            offset += count
        return None


def _release_memory(descriptor: int) -> None:
    """Let the system forget what it has in memory of a file that is about to be replaced.

    Otherwise the call that replaces it would do that, while nothing else is under way.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def expect_files(
    project: Project, former: VersionRecord | None, wanted: VersionRecord
) -> AssumedFiles:
    """The stored files of the version in use, `former`, that are not the same in the one `wanted`.

    What is the same stays in place, so it has to be read.
    """
    store = open_store(project)
    if former is None:
        return AssumedFiles(store, {})
    expected = _locate_files(project, former)
    for location, digest in _locate_files(project, wanted).items():
        if expected.get(location) == digest:
            del expected[location]
    return AssumedFiles(store, expected)


def _locate_files(project: Project, record: VersionRecord) -> dict[bytes, Digest]:
    """Where the stored files of a version belong in the work tree; they only are a guess."""
    files: dict[bytes, Digest] = {}
    for artifact in record.named_artifacts().values():
        if not artifact.is_plain or artifact.files > _MOST_FILES:
            continue
        # What cannot be read or reached is told when the files are measured.
        with suppress(MlverError):
            location = paths.join_inside(project.top_folder, artifact.path, link_last=True)
            for name, hexadecimal in pinned_files(project, artifact):
                path = join_name(os.fspath(location), name)
                files[os.fsencode(path)] = Digest(hexadecimal)
    return files
