"""The store beside git's own objects, and the first copy of everything.

    objects/<2>/<62>   contents of large files, one a file
    packs/             contents of small files, many together
    quarantine/        copies that no longer hash to their name: kept for a person to look at,
                       never served
    tmp/               files on their way in; what a crash left there is rubbish once the lock is
                       held, but for those of a transfer that still runs (see `find_guard`)
    trash/             what nobody needed when gc ran; it serves there (`trash.py`)
    parts/             large contents that are coming from a remote; what a crash left there is
                       continued
    recipes/<2>/<62>   how large contents are put together from objects (`rebuilding.py`)

A copy is found by name and proved by hashing. Of a content stored twice, a good copy is served if
there is one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from mlver.digest import Digest
from mlver.errors import ObjectDamaged, refusal_error
from mlver.storage.digests import DigestSet
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.deposit import ObjectDeposit, find_guard
from mlver.storage.local.export import ExportOrder, export_objects
from mlver.storage.local.export_plan import find_common_top
from mlver.storage.local.locations import ObjectLocation, open_location, read_location
from mlver.storage.local.losses import damaged_objects_error, missing_objects_error
from mlver.storage.local.needs import measure_pieces
from mlver.storage.local.partials import is_held, sweep_partials
from mlver.storage.local.trashed import list_runs
from mlver.storage.local.verify import stored_digests, verify_objects
from mlver.storage.store import LockHolding, StoreProblem, StoreProgress, WantedFiles
from mlver.system import durable
from mlver.system.folders import FolderTree
from mlver.system.parallel import hash_descriptor, ignore_progress
from mlver.system.regular import open_regular


class LocalStore(ObjectCatalogue):
    """Satisfies RepositoryStore."""

    def copy_object(self, digest: Digest, out: BinaryIO) -> int:
        """See ObjectStore."""
        begin = out.tell()
        fault: ObjectDamaged | None = None
        for location in self.find_every_copy(digest.hex):
            try:
                size = self._copy_location(digest, location, out)
                if size is not None:
                    return size
                path = Path(location.path)
                fault = fault or damaged_objects_error([(digest, path)])
            except ObjectDamaged as error:
                fault = fault or error
            except OSError as error:
                # Where only this copy can't be read, another may serve.
                if error.errno != errno.EIO and error.filename != location.path:
                    raise refusal_error(f"copying {digest}", error) from error
                if error.errno != errno.ENOENT:
                    fault = fault or damaged_objects_error([(digest, Path(location.path))])
            # What the copy had gives way to the next one.
            out.seek(begin)
            out.truncate()
        raise fault or missing_objects_error(self, [digest])

    def _copy_location(self, digest: Digest, location: ObjectLocation, out: BinaryIO) -> int | None:
        """Write one copy; return its size, or None where it is not sound."""
        if location.is_recipe:
            return self.open_reader().rebuild(digest.hex, _make_writer(out))
        if location.pack:
            data = read_location(location)
            if hashlib.sha256(data).hexdigest() != digest.hex:
                return None
            out.write(data)
            return len(data)
        copied_digest, size = _copy_loose(location, out)
        return size if copied_digest == digest.hex else None

    def list_objects(self) -> Iterator[Digest]:
        """See ObjectStore."""
        for raw_digest in stored_digests(self):
            yield Digest(raw_digest.hex())

    def open_deposit(self, hold_lock: LockHolding | None = None) -> ObjectDeposit:
        """See ObjectStore; what is returned also satisfies the sink that hashing hands bytes to."""
        return ObjectDeposit(self, hold_lock)

    def export_objects(
        self,
        wanted: WantedFiles,
        *,
        progress: StoreProgress | None = None,
        expect: StoreProgress | None = None,
        make_way: Callable[[], None] | None = None,
        tree: FolderTree | None = None,
        executable: Container[str] = (),
    ) -> None:
        """See RepositoryStore."""
        with contextlib.ExitStack() as stack:
            if tree is None:
                tree = stack.enter_context(FolderTree.open_top(find_common_top(wanted)))
            order = ExportOrder(
                wanted,
                tree,
                progress or ignore_progress,
                expect or ignore_progress,
                make_way or _do_nothing,
                executable,
            )
            export_objects(self, order)

    def verify_objects(
        self,
        digests: Iterable[Digest] | None = None,
        *,
        progress: StoreProgress | None = None,
        expect: StoreProgress | None = None,
    ) -> Iterator[StoreProblem]:
        """See ObjectStore."""
        return verify_objects(self, digests, progress or ignore_progress, expect or ignore_progress)

    def read_small(self, digests: DigestSet, limit: int) -> Iterator[tuple[Digest, bytes]]:
        """See RepositoryStore."""
        located = self.locate_everywhere(digests)
        done = bytearray(len(digests))
        for copies in (located.loose, *located.packs, *located.trashed):
            for offset, size, rank in copies.sorted_copies():
                if size > limit or done[rank]:
                    continue
                digest = Digest(digests.digest_at(rank).hex())
                with contextlib.suppress(OSError):
                    data = read_location(copies.locate(digest.hex, offset, size))
                    if Digest.of_bytes(data) == digest:
                        done[rank] = 1
                        yield digest, data

    def quarantine_damaged(self, digest: Digest) -> list[Path]:
        """See RepositoryStore."""
        quarantined = []
        try:
            locations = self.find_locations({digest.hex}).get(digest.hex, [])
            locations += self.find_trashed({digest.hex}).get(digest.hex, [])
            for location in locations:
                if not self.is_sound(digest.hex, location):
                    quarantined.append(self.set_aside(digest.hex, location))
        except OSError as error:
            raise refusal_error(f"setting {digest} aside", error) from error
        return quarantined

    def select_missing(self, digests: DigestSet) -> DigestSet:
        """See RepositoryStore."""
        return DigestSet.from_digests(self.locate_objects(digests).read_missing())

    def read_sizes(self, digests: Iterable[Digest]) -> dict[Digest, int]:
        """See RepositoryStore."""
        wanted = {digest.hex for digest in digests}
        locations = self.find_copies(wanted)
        locations |= self.find_trashed(wanted - locations.keys())
        locations |= self._find_recipes(wanted - locations.keys())
        return {Digest(digest): copies[0].size for digest, copies in locations.items() if copies}

    def store_whole(self, digests: Iterable[Digest]) -> None:
        """See RepositoryStore."""
        wanted = {digest.hex for digest in digests}
        having_recipe = self.recipes.find_existing(wanted)
        in_parts = having_recipe - self.find_copies(having_recipe).keys()
        for digest in sorted(self.open_rebuilder().find_complete(in_parts)):
            self._store_rebuilt(digest)

    def _store_rebuilt(self, digest: str) -> None:
        try:
            with self.open_deposit() as deposit:
                blob = deposit.begin_blob()
                try:
                    self.open_rebuilder().rebuild(digest, lambda data: blob.write(memoryview(data)))
                except BaseException:
                    blob.discard_content()
                    raise
                blob.keep_as(digest)
        except OSError as error:
            raise refusal_error(f"storing sha256:{digest} whole", error) from error

    def measure_pieces(self, digests: AbstractSet[str]) -> Mapping[str, Mapping[str, int]]:
        """The bytes of each piece of the contents that have a recipe; see `needs.py`."""
        return measure_pieces(self, digests)

    def require_objects(self, digests: Iterable[Digest]) -> None:
        """See RepositoryStore."""
        missing = self.find_missing(digests)
        if missing:
            raise missing_objects_error(self, sorted(missing, key=str))

    def open_object(self, digest: Digest) -> int | None:
        """See RepositoryStore."""
        with contextlib.suppress(OSError):
            return open_regular(self.loose.path_of(digest.hex))
        for folder in list_runs(self.directory):
            with contextlib.suppress(OSError):
                return open_regular(folder / digest.hex)
        return None

    def open_scratch(self) -> BinaryIO:
        """See RepositoryStore."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            return cast(BinaryIO, TemporaryFile(dir=self.directory))
        except OSError as error:
            raise refusal_error("putting an object together", error) from error

    def find_packs(self, digest: Digest) -> list[Path]:
        """See RepositoryStore."""
        packs = self.list_packs()
        return [pack.path for pack in packs if pack.find_member(digest.hex) is not None]

    def sweep_temporaries(self) -> int:
        """See RepositoryStore."""
        self.complete_packs()
        removed = 0
        for directory in (self.packs_directory, self.quarantined):
            removed += durable.sweep_temporaries(directory)

        def is_spared(name: str) -> bool:
            return is_held(find_guard(self.temporaries / name))

        removed += durable.sweep_temporaries(self.temporaries, is_spared)
        return removed + sweep_partials(self.partials)


def _copy_loose(location: ObjectLocation, out: BinaryIO) -> tuple[str, int]:
    """The digest and size of what was copied."""
    with open_location(location) as source:
        return hash_descriptor(source, _make_writer(out), ignore_progress)


def _make_writer(out: BinaryIO) -> Callable[[memoryview | bytes], None]:
    """A function that writes to `out` and names it in its errors."""

    def write(data: memoryview | bytes) -> None:
        try:
            out.write(data)
        except OSError as error:
            # Named, so that it isn't taken for an error of the file that is read.
            error.filename = error.filename or getattr(out, "name", "the output")
            raise

    return write


def _do_nothing() -> None:
    """Nothing stands in the way."""
