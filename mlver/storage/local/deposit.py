"""Contents on their way into the local store, committed together.

All data is on the disk before any of it gets a name, and all names are on the disk before the
caller goes on. A crash in between leaves whole objects that nobody refers to, and temporaries for
the next sweep.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from mlver import paths
from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.incoming import LooseBlob
from mlver.storage.local.locations import ObjectLocation, read_location
from mlver.storage.local.pack_files import PackFile, has_same_bytes
from mlver.storage.local.pack_parts import DepositReceipt, PackParts
from mlver.storage.local.partials import open_partial
from mlver.storage.store import LockHolding
from mlver.system import copying, durable, parallel

_TOKEN_BYTES = 6
_GUARD = "guard"


class ObjectDeposit:
    """Satisfies RepositoryIntake, and hashing's ContentSink.

    Enter it, hand contents over, leave it: then all of them are durable.

    `hold_lock` takes the lock of the repository, and it is taken for what changes the store only:
    not while contents arrive, which may take hours. Without it, the caller holds the lock.
    """

    def __init__(self, store: ObjectCatalogue, hold_lock: LockHolding | None = None) -> None:
        self._store = store
        self._hold_lock = hold_lock or contextlib.nullcontext
        self._guard: int | None = None
        self._is_guarded = hold_lock is not None
        self._token = secrets.token_hex(_TOKEN_BYTES)
        self._parts = PackParts(self._temporary_path)
        self._large: set[str] = set()
        self._partials: dict[str, Path] = {}
        self._named_folders: set[Path] = set()
        self._blobs: list[tuple[Path, str]] = []
        self._damaged: list[tuple[str, ObjectLocation]] = []

    def __enter__(self) -> ObjectDeposit:
        if self._is_guarded:
            try:
                self._open_guard()
            except OSError as error:
                raise refusal_error("storing objects", error) from error
        return self

    def _open_guard(self) -> None:
        """Tell whoever holds the lock that the temporaries of this deposit are still needed."""
        self._store.temporaries.mkdir(parents=True, exist_ok=True)
        while self._guard is None:
            guard_path = find_guard(self._temporary_path())
            # None: a sweep is just looking at it, and removes it.
            self._guard = open_partial(guard_path, 0)
            if self._guard is None:
                self._token = secrets.token_hex(_TOKEN_BYTES)

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
            if self._guard is not None:
                os.close(self._guard)

    def put_object(self, source: BinaryIO) -> Digest:
        """See ObjectIntake."""
        try:
            data = source.read(parallel.LARGE)
            if len(data) < parallel.LARGE:
                digest = Digest.of_bytes(data)
                receipt = self.store_contents([(digest.hex, data)])
                self.accept_receipt(receipt)
                return digest
            return self._put_large(data, source)
        except OSError as error:
            raise refusal_error("storing an object", error) from error

    def _put_large(self, data: bytes, source: BinaryIO) -> Digest:
        """Store a content that begins with `data`, in constant memory."""
        blob = self.begin_blob()
        hasher = hashlib.sha256()
        try:
            while data:
                hasher.update(data)
                blob.write(memoryview(data))
                data = source.read(parallel.LARGE)
        except BaseException:
            blob.discard_content()
            raise
        digest = Digest(hasher.hexdigest())
        blob.keep_as(digest.hex)
        return digest

    def put_proven(self, contents: Sequence[tuple[Digest, bytes]]) -> None:
        """See RepositoryIntake."""
        try:
            receipt = self.store_contents([(digest.hex, data) for digest, data in contents])
        except OSError as error:
            raise refusal_error("storing objects", error) from error
        self.accept_receipt(receipt)
        if self._parts.is_full:
            self._commit_early()

    def begin_partial(self, digest: Digest, size: int) -> int:
        """See RepositoryIntake."""
        try:
            path = self._store.partials / digest.hex
            descriptor = open_partial(path, size)
            if descriptor is None:
                # Another process is at it. Its own file goes nowhere if this one ends early.
                path = self._temporary_path()
                descriptor = open_partial(path, size)
        except OSError as error:
            raise refusal_error("storing an object", error) from error
        assert descriptor is not None
        self._partials[digest.hex] = path
        return descriptor

    def locate_partial(self, digest: Digest) -> str:
        """See RepositoryIntake."""
        return os.fspath(self._partials[digest.hex])

    def end_partial(self, digest: Digest, descriptor: int) -> None:
        """See RepositoryIntake."""
        path = self._partials.pop(digest.hex)
        try:
            with durable.naming_errors(path):
                os.fchmod(descriptor, 0o444)
                durable.sync_descriptor(descriptor)
            self.receive_blob(path, digest.hex)
            with self._hold_lock():
                self._name_blobs()
        except OSError as error:
            raise refusal_error("storing an object", error) from error

    def _commit_early(self) -> None:
        """Store what came so far, so that a crash does not lose all of a long transfer."""
        self._parts.end_part()
        try:
            self._commit_objects()
        except OSError as error:
            raise refusal_error("storing objects", error) from error
        self._parts.clear()

    def link_proven(self, digest: Digest, descriptor: int) -> bool:
        """Take a large content by another name for an open file, which nobody else can write to.

        The caller has hashed it. False where the system cannot do that.
        """
        path = self._temporary_path()
        if not copying.link_descriptor(descriptor, os.fspath(path)):
            return False
        self.receive_blob(path, digest.hex)
        return True

    def copy_unproven(self, digest: Digest, descriptor: int) -> bool:
        """Take a large content from an open file, sharing its blocks if that can be.

        False, and nothing is taken, where what arrived does not hash to the digest.
        """
        try:
            return self.begin_blob().copy_checked(descriptor, digest.hex)
        except OSError as error:
            raise refusal_error("storing an object", error) from error

    def store_contents(self, contents: Sequence[tuple[str, bytes]]) -> DepositReceipt:
        """See hashing's ContentSink. Each process that calls it writes a part of its own."""
        stored = self._parts.list_stored()
        new_contents: dict[str, bytes] = {}
        for digest, content in contents:
            if bytes.fromhex(digest) not in stored:
                new_contents[digest] = content
        all_locations = self._store.find_copies(new_contents.keys())
        fresh: dict[str, bytes] = {}
        damaged: list[tuple[str, ObjectLocation]] = []
        for digest, content in new_contents.items():
            locations = all_locations.get(digest, ())
            unsound_copies = [
                location for location in locations if not _is_copy_of(location, content)
            ]
            damaged.extend((digest, location) for location in unsound_copies)
            if len(unsound_copies) == len(locations):
                fresh[digest] = content
        return self._parts.append_contents(fresh, tuple(damaged))

    def accept_receipt(self, receipt: object) -> None:
        """See hashing's ContentSink."""
        assert isinstance(receipt, DepositReceipt)
        self._damaged.extend(receipt.damaged)
        self._parts.accept_receipt(receipt)

    def begin_blob(self) -> LooseBlob:
        """See hashing's ContentSink."""
        return LooseBlob.create_at(self._temporary_path(), self.receive_blob)

    def receive_blob(self, path: Path, digest: str) -> None:
        """A large content is whole: keep it, unless a sound copy is stored already."""
        if digest in self._large:
            durable.discard_temporary(path)
            return
        # A content that is put together from parts is stored whole again: `gc` may undo that.
        locations = self._store.find_copies({digest}).get(digest, [])
        unsound_copies = [
            location for location in locations if not self._store.is_sound(digest, location)
        ]
        self._large.add(digest)
        self._damaged.extend((digest, location) for location in unsound_copies)
        if len(unsound_copies) == len(locations):
            self._blobs.append((path, digest))
        else:
            durable.discard_temporary(path)

    def _temporary_path(self) -> Path:
        """A new path in the folder of temporaries, which is made if need be."""
        directory = self._store.temporaries
        directory.mkdir(parents=True, exist_ok=True)
        # Named by this deposit: another one's temporaries are not ours to remove.
        return directory / f"{durable.TEMPORARY}{self._token}-{secrets.token_hex(6)}"

    def _commit_objects(self) -> None:
        """Make everything durable that was handed over, then give it its names."""
        store = self._store
        files = [path for path, _ in self._blobs]
        finished_packs = self._parts.finish_all()
        for pack, index, _ in finished_packs:
            files += [pack, index]
        if not files and not self._damaged and not self._named_folders:
            return
        for directory in (store.objects, store.packs_directory):
            durable.make_directory(directory)
        # All bytes before the first name: a crash leaves whole objects, or none.
        durable.sync_files(files)
        with self._hold_lock():
            self._name_blobs()
            for pack, index, name in finished_packs:
                self._name_pack(pack, index, name)
            directories = [store.packs_directory, store.objects]
            directories.extend(self._named_folders)
            durable.sync_directories(directories)
        self._named_folders.clear()
        store.forget_listing()

    def _name_blobs(self) -> None:
        """Give large contents, which are on the disk, their names, in place of damaged copies."""
        store = self._store
        durable.make_directory(store.objects)
        for digest, location in dict.fromkeys(self._damaged):
            # Somebody who held the lock meanwhile may have done it.
            with contextlib.suppress(FileNotFoundError):
                store.set_aside(digest, location)
        self._damaged.clear()
        for path, digest in self._blobs:
            target = store.loose.path_of(digest)
            paths.check_own_directory(target.parent).mkdir(exist_ok=True)
            self._named_folders.add(target.parent)
            self._name_blob(path, target, digest)
        self._blobs.clear()

    def _name_blob(self, path: Path, target: Path, digest: str) -> None:
        """Give a large content its name, unless a sound copy has it already."""
        try:
            durable.claim_name(path, target)
        except FileExistsError:
            # Another process stored it meanwhile; its copy may be damaged.
            size = target.lstat().st_size
            location = ObjectLocation(os.fspath(target), 0, size, "")
            if not self._store.is_sound(digest, location):
                self._store.set_aside(digest, location)
                durable.claim_name(path, target)

    def _name_pack(self, path: Path, index: Path, name: str) -> None:
        """Name the pack first: an index without its pack would promise bytes that do not exist."""
        pack = PackFile(self._store.packs_directory, name)
        try:
            durable.claim_name(path, pack.path)
        except FileExistsError:
            # The same index means the same contents at the same offsets, so ours can replace it.
            if not has_same_bytes(path, pack.path):
                self._store.retire_pack(pack)
                durable.claim_name(path, pack.path)
        index.replace(pack.index_path)

    def _remove_temporaries(self) -> None:
        """Remove what was not named, whatever became of the deposit."""
        with contextlib.suppress(OSError):
            for file_name in os.listdir(self._store.temporaries):
                if file_name.startswith(f"{durable.TEMPORARY}{self._token}-"):
                    durable.discard_temporary(self._store.temporaries / file_name)
        self._parts.end_part()


def find_guard(temporary: Path) -> Path:
    """The file that the deposit of a temporary holds open, where it does not hold the lock."""
    opening = temporary.name[: len(durable.TEMPORARY) + 2 * _TOKEN_BYTES]
    return temporary.with_name(f"{opening}-{_GUARD}")


def _is_copy_of(location: ObjectLocation, data: bytes) -> bool:
    """Whether the copy is exactly these bytes; comparing them is cheaper than hashing the copy."""
    try:
        return location.size == len(data) and read_location(location) == data
    except OSError:
        return False
