"""The store beside git's own objects, and the first copy of everything.

    objects/<2>/<62>   contents of large files, one a file
    packs/             contents of small files, many together
    quarantine/        copies that no longer hash to their name: kept for a person to look at,
                       never served
    tmp/               files on their way in; what a crash left there is rubbish once the lock is
                       held

A copy is found by name and proved by hashing. Of a content stored twice, a good copy is served if
there is one.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.deposit import ObjectDeposit
from mlver.storage.local.export import export_objects
from mlver.storage.local.export_plan import WantedFiles
from mlver.storage.local.locations import ObjectLocation, open_location, read_location
from mlver.storage.local.verify import verify_objects
from mlver.storage.store import StoreProblem
from mlver.system import durable
from mlver.system.parallel import hash_descriptor

StoreProgress = Callable[[int], None]


class LocalStore(ObjectCatalogue):
    """Satisfies ObjectStore."""

    def copy_object(self, digest: Digest, out: BinaryIO) -> int:
        """See ObjectStore."""
        locations = self.find_locations_with_repair({digest.hex}).get(digest.hex, [])
        if not locations:
            raise self.missing_objects_error([digest])
        for location in locations:
            try:
                if location.pack:
                    data = read_location(location)
                    if hashlib.sha256(data).hexdigest() == digest.hex:
                        out.write(data)
                        return len(data)
                    continue
                copied_digest, size = _copy_loose(location, out)
                if copied_digest == digest.hex:
                    return size
            except OSError as error:
                # Where only this copy can't be read, another may serve.
                if error.errno != errno.EIO and error.filename != location.path:
                    raise refusal_error(f"copying {digest}", error) from error
        raise self.damaged_objects_error([(digest, Path(locations[-1].path))])

    def open_deposit(self) -> ObjectDeposit:
        """See ObjectStore; what is returned also satisfies the sink that hashing hands bytes to."""
        return ObjectDeposit(self)

    def export_objects(
        self,
        wanted: WantedFiles,
        *,
        progress: StoreProgress | None = None,
        make_way: Callable[[], None] | None = None,
    ) -> None:
        """Put contents at paths, replacing what is there; missing directories are made.

        Files are durable on return. All bytes are proved and on the disk before the first name
        changes: where anything is missing or damaged, one ObjectMissing or ObjectDamaged lists it,
        and nothing was replaced. A crash leaves each file old or new, whole. `make_way` is called
        in between, to clear what stands where files or their directories shall be. The caller has
        checked the paths (`mlver.paths.join_inside`).
        """
        export_objects(self, wanted, progress or _ignore_progress, make_way or _do_nothing)

    def verify_objects(
        self,
        digests: Iterable[Digest] | None = None,
        *,
        progress: StoreProgress | None = None,
        expect: StoreProgress | None = None,
    ) -> Iterator[StoreProblem]:
        """Read every copy of these objects, or of all there are, and the indexes.

        Yields what is wrong. `expect` is called once, before any object is read, with the number of
        bytes that `progress` will report.
        """
        return verify_objects(
            self, digests, progress or _ignore_progress, expect or _ignore_progress
        )

    def quarantine_damaged(self, digest: Digest) -> list[Path]:
        """Set every damaged copy of a digest aside; return where they are now.

        They aren't served any longer and a good one can be stored again. Nothing is deleted, and
        sound copies stay where they are.
        """
        quarantined = []
        try:
            for location in self.find_locations({digest.hex}).get(digest.hex, []):
                if not self.is_sound(digest.hex, location):
                    quarantined.append(self.set_aside(digest.hex, location))
        except OSError as error:
            raise refusal_error(f"setting {digest} aside", error) from error
        return quarantined

    def sweep_temporaries(self) -> int:
        """Remove what crashed processes left, complete the packs that they had named.

        Hold the lock when you call it. Returns how many files were removed.
        """
        self.complete_packs()
        removed = 0
        for directory in (self.temporaries, self.packs_directory, self.quarantined):
            removed += durable.sweep_temporaries(directory)
        return removed


def _copy_loose(location: ObjectLocation, out: BinaryIO) -> tuple[str, int]:
    """The digest and size of what was copied."""
    with open_location(location) as source:
        return hash_descriptor(source, _make_writer(out), _ignore_progress)


def _make_writer(out: BinaryIO) -> Callable[[memoryview], None]:
    def write(data: memoryview) -> None:
        try:
            out.write(data)
        except OSError as error:
            # Named, so that it isn't taken for an error of the file that is read.
            error.filename = error.filename or getattr(out, "name", "the output")
            raise

    return write


def _do_nothing() -> None:
    """Nothing stands in the way."""


def _ignore_progress(_: int) -> None:
    """Nobody wants to know."""
