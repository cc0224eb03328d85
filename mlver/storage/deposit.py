"""Contents on their way into the local store, committed together.

All data is on the disk before any of it gets a name, and all names are on the disk before anybody is told. A crash in
between leaves whole objects that nobody refers to, and temporaries for the next sweep.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from mlver import paths
from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage import packs
from mlver.storage.catalogue import ObjectCatalogue, ObjectLocation, read_location
from mlver.system import durable

# Contents from here on are objects of their own; smaller ones go into packs.
LARGE = 1 << 20
PACK_BYTES = 512 << 20
_VECTORS = 900


@dataclass(frozen=True, slots=True)
class DepositReceipt:
    """What one call of `store` did, in whichever process: the members it added to a part, the damage it met.

    There may be thousands of these: `run` has 48 bytes a member (`packs.run_of`), which all take `length` in the part.
    """

    part: str
    run: bytes
    length: int
    damaged: tuple[tuple[str, ObjectLocation], ...]


class ObjectDeposit:
    """Satisfies Intake, and hashing's Sink; enter it, hand contents over, leave it: then all of them are durable."""

    def __init__(self, store: ObjectCatalogue) -> None:
        self._store = store
        self._token = secrets.token_hex(6)
        self._parts: dict[str, list[bytes]] = {}
        self._lengths: Counter[str] = Counter()
        self._stored: set[bytes] = set()
        self._counted: dict[str, int] = {}
        self._large: set[str] = set()
        self._blobs: list[tuple[Path, str]] = []
        self._damaged: list[tuple[str, ObjectLocation]] = []
        self._writer: _PackWriter | None = None

    def __enter__(self) -> ObjectDeposit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._commit_objects()
        except OSError as failure:
            raise refusal_error("storing objects", failure) from failure
        finally:
            self._remove_temporaries()

    def put_object(self, source: BinaryIO) -> Digest:
        """See Intake."""
        try:
            data = source.read(LARGE)
            if len(data) < LARGE:
                digest = Digest.of_bytes(data)
                self.accept_receipt(self.store_contents([(digest.hex, data)]))
                return digest
            return self._put_large(data, source)
        except OSError as error:
            raise refusal_error("storing an object", error) from error

    def _put_large(self, data: bytes, source: BinaryIO) -> Digest:
        blob = self.begin_blob()
        hasher = hashlib.sha256()
        try:
            while data:
                hasher.update(data)
                blob.write(memoryview(data))
                data = source.read(LARGE)
        except BaseException:
            blob.discard_content()
            raise
        blob.keep_as(hasher.hexdigest())
        return Digest(hasher.hexdigest())

    def missing(self, digests: AbstractSet[str]) -> AbstractSet[str]:
        """See hashing's Sink."""
        missing = self._store.find_missing_hex(digests)
        if missing:
            missing -= self._large
            stored = self._stored_so_far()
            missing = {digest for digest in missing if bytes.fromhex(digest) not in stored}
        return missing

    def store_contents(self, contents: Sequence[tuple[str, bytes]]) -> DepositReceipt:
        """See hashing's Sink. Each process that calls it writes a part of its own."""
        stored = self._stored_so_far()
        fresh: dict[str, bytes] = {}
        damaged: list[tuple[str, ObjectLocation]] = []
        new = {digest: data for digest, data in contents if bytes.fromhex(digest) not in stored}
        places = self._store.find_locations(new.keys())
        for digest, data in new.items():
            bad = [place for place in places.get(digest, ()) if not _is_copy_of(place, data)]
            damaged.extend((digest, place) for place in bad)
            if len(bad) == len(places.get(digest, ())):
                fresh[digest] = data
        # A forked process inherits the writer, but must not write to the same file.
        writer = (
            self._writer
            if self._writer is not None and self._writer.process == os.getpid()
            else None
        )
        if not fresh:
            return DepositReceipt(os.fspath(writer.path) if writer else "", b"", 0, tuple(damaged))
        if writer is None or writer.length >= PACK_BYTES:
            self._end_part()
            writer = self._writer = _PackWriter(self._temporary_path())
        before = writer.length
        try:
            run = writer.append_members(fresh)
        except BaseException:
            self._end_part()  # where it ends now, nobody knows
            raise
        stored.update(packs.run_digests(run))
        return DepositReceipt(os.fspath(writer.path), run, writer.length - before, tuple(damaged))

    def _end_part(self) -> None:
        """The next content goes to another part."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _stored_so_far(self) -> set[bytes]:
        """The raw digests of the small contents handed over, as far as this process knows of them.

        Made of the receipts when it is first asked for: a process that leaves all storing to its workers needs none.
        """
        for part, runs in self._parts.items():
            for run in runs[self._counted.get(part, 0) :]:
                self._stored.update(packs.run_digests(run))
            self._counted[part] = len(runs)
        return self._stored

    def accept_receipt(self, receipt: object) -> None:
        """See hashing's Sink."""
        assert isinstance(receipt, DepositReceipt)
        self._damaged.extend(receipt.damaged)
        if receipt.part:
            self._parts.setdefault(receipt.part, []).append(receipt.run)
            self._lengths[receipt.part] += receipt.length

    def begin_blob(self) -> LooseBlob:
        """See hashing's Sink."""
        return LooseBlob(self, self._temporary_path())

    def receive_blob(self, path: Path, digest: str) -> None:
        """A large content is whole: keep it, unless a sound copy is there already."""
        if digest in self._large:
            durable.discard_temporary(path)
            return
        places = self._store.find_locations({digest}).get(digest, [])
        bad = [place for place in places if not self._store.is_sound(digest, place)]
        self._large.add(digest)
        self._damaged.extend((digest, place) for place in bad)
        if len(bad) == len(places):
            self._blobs.append((path, digest))
        else:
            durable.discard_temporary(path)

    def _temporary_path(self) -> Path:
        self._store.temporaries.mkdir(parents=True, exist_ok=True)
        return self._store.temporaries / f"{durable.TEMPORARY}{self._token}-{secrets.token_hex(6)}"

    def _commit_objects(self) -> None:
        store = self._store
        finished = [self._finish_part(Path(part), runs) for part, runs in self._parts.items()]
        files = [path for path, _ in self._blobs] + [path for pack in finished for path in pack[:2]]
        if not files and not self._damaged:
            return
        for directory in (store.objects, store.packs_directory):
            durable.make_directory(directory)
        durable.sync_files(files)
        for digest, place in dict.fromkeys(self._damaged):
            store.set_aside(digest, place)
        directories = [store.packs_directory, store.objects]
        for path, digest in self._blobs:
            target = store.loose_path(digest)
            paths.check_own_directory(target.parent).mkdir(exist_ok=True)
            directories.append(target.parent)
            self._name_blob(path, target, digest)
        for pack, index, name in finished:
            self._name_pack(pack, index, name)
        durable.sync_directories(directories)
        store.forget_listing()

    def _finish_part(self, part: Path, runs: Sequence[bytes]) -> tuple[Path, Path, str]:
        """End a part as a tar and write its index; neither is flushed yet."""
        path = self._temporary_path()
        name = _write_index(path, packs.build_index_from_runs(runs))
        with durable.naming_errors(part), part.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end != self._lengths[os.fspath(part)]:
                # The receipts of some calls never came: the part itself knows all that it holds.
                whole, end = packs.scan_pack(part)
                durable.discard_temporary(path)
                name = _write_index(path, [whole])
                file.truncate(end)
            file.seek(end)
            file.write(packs.TRAILER)
            os.fchmod(file.fileno(), 0o444)
        return part, path, name

    def _name_blob(self, path: Path, target: Path, digest: str) -> None:
        try:
            durable.claim_name(path, target)
        except FileExistsError:
            # Another process stored it meanwhile, and well or not at all.
            place = ObjectLocation(os.fspath(target), 0, target.stat().st_size, "")
            if not self._store.is_sound(digest, place):
                self._store.set_aside(digest, place)
                durable.claim_name(path, target)

    def _name_pack(self, path: Path, index: Path, name: str) -> None:
        """The pack first: an index without its pack would promise what isn't there."""
        pack = packs.PackFile(self._store.packs_directory, name)
        try:
            durable.claim_name(path, pack.path)
        except FileExistsError:
            # The same index means the same contents at the same places, so ours serves whichever is damaged.
            if not _has_same_bytes(path, pack.path):
                self._store.retire_pack(pack)
                durable.claim_name(path, pack.path)
        index.replace(pack.index_path)

    def _remove_temporaries(self) -> None:
        with contextlib.suppress(OSError):
            for name in os.listdir(self._store.temporaries):
                if name.startswith(f"{durable.TEMPORARY}{self._token}-"):
                    durable.discard_temporary(self._store.temporaries / name)
        self._end_part()


class _PackWriter:
    """A pack in the making, written by the process that made it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = 0
        self.process = os.getpid()
        self._descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._flushed = 0

    def append_members(self, contents: dict[str, bytes]) -> bytes:
        """Add members; return the run of them."""
        members: list[packs.PackMember] = []
        vectors: list[bytes] = []
        with durable.naming_errors(self.path):
            for digest, data in contents.items():
                member = packs.PackMember(digest, self.length + packs.BLOCK, len(data))
                members.append(member)
                vectors.extend(packs.frame_member(digest, data))
                self.length = packs.member_end(member)
                if len(vectors) >= _VECTORS:
                    _write_vectors(self._descriptor, vectors)
                    vectors.clear()
            if vectors:
                _write_vectors(self._descriptor, vectors)
        if self.length - self._flushed >= durable.FLUSH_BYTES:
            durable.start_flush(self._descriptor, self._flushed, self.length - self._flushed)
            self._flushed = self.length
        return packs.encode_run(members)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


class LooseBlob:
    """Satisfies hashing's Blob: a large content in a temporary."""

    def __init__(self, deposit: ObjectDeposit, path: Path) -> None:
        self._deposit = deposit
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._out = durable.FlushingWriter(self._descriptor, path)

    @property
    def file_descriptor(self) -> int:
        return self._descriptor

    def clone_from(self, source: int) -> bool:
        with durable.naming_errors(self._path):
            return durable.clone_blocks(source, self._descriptor)

    def write(self, data: memoryview) -> None:
        self._out.write(data)

    def take(self, source: int) -> int:
        return self._out.take(source)

    def read_at(self, buffer: memoryview, offset: int) -> int:
        return self._out.read_at(buffer, offset)

    def keep_as(self, digest: str) -> None:
        with durable.naming_errors(self._path):
            os.fchmod(self._descriptor, 0o444)
        self._close_descriptor()
        self._deposit.receive_blob(self._path, digest)

    def discard_content(self) -> None:
        self._close_descriptor()
        durable.discard_temporary(self._path)

    def _close_descriptor(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _write_index(path: Path, pieces: Iterable[bytes]) -> str:
    """Write an index; return the name of its pack."""
    hasher = hashlib.sha256()
    with durable.naming_errors(path), path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
            hasher.update(piece)
        os.fchmod(file.fileno(), 0o444)
    return hasher.hexdigest()


def _is_copy_of(place: ObjectLocation, data: bytes) -> bool:
    """Whether the copy there is exactly these bytes, which is cheaper to see than to hash."""
    try:
        return place.size == len(data) and read_location(place) == data
    except OSError:
        return False


def _has_same_bytes(one: Path, other: Path) -> bool:
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            piece = first.read(1 << 20)
            if piece != second.read(1 << 20):
                return False
            if not piece:
                return True


def _write_vectors(descriptor: int, vectors: list[bytes]) -> None:
    done = os.writev(descriptor, vectors)
    if done < sum(map(len, vectors)):
        # A full disk or a signal cut it short: the plain way from where it stopped.
        durable.write_all(descriptor, memoryview(b"".join(vectors))[done:])
