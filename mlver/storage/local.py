"""The store beside git's own objects, and the first copy of everything.

    objects/<2>/<62>   contents of large files, one a file
    packs/             contents of small files, many together
    quarantine/        copies that no longer hash to their name: kept for a person to look at, never served
    tmp/               files on their way in; what a crash left there is rubbish once the lock is held

A copy is found by name and proved by hashing. Of a content stored twice, a good copy is served if there is one.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage.catalogue import ObjectCatalogue, open_location, read_location
from mlver.storage.deposit import ObjectDeposit
from mlver.storage.export import Wanted, export_objects
from mlver.storage.store import StoreProblem
from mlver.storage.verify import verify_objects
from mlver.system import durable
from mlver.system.parallel import hash_descriptor

StoreProgress = Callable[[int], None]


class LocalStore(ObjectCatalogue):
    """Satisfies ObjectStore."""

    def copy_object(self, digest: Digest, out: BinaryIO) -> int:
        """See ObjectStore."""
        places = self.find_locations_with_repair({digest.hex}).get(digest.hex, [])
        if not places:
            raise self.missing_objects_error([digest])
        for place in places:
            try:
                if place.pack:
                    data = read_location(place)
                    if hashlib.sha256(data).hexdigest() == digest.hex:
                        out.write(data)
                        return len(data)
                else:
                    with open_location(place) as source:
                        found, size = hash_descriptor(source, _make_writer(out), _ignore_progress)
                        if found == digest.hex:
                            return size
            except OSError as error:
                if error.errno != errno.EIO and error.filename != place.path:
                    raise refusal_error(f"copying {digest}", error) from error
        raise self.damaged_objects_error([(digest, Path(places[-1].path))])

    def open_deposit(self) -> ObjectDeposit:
        """See ObjectStore; what is returned also satisfies the sink that hashing hands bytes to."""
        return ObjectDeposit(self)

    def export_objects(
        self,
        wanted: Wanted,
        *,
        progress: StoreProgress | None = None,
        make_way: Callable[[], None] | None = None,
    ) -> None:
        """Put contents at paths, replacing what is there; missing directories are made. Durable on return.

        All bytes are proved and on the disk before the first name changes: where anything is missing or damaged, one
        ObjectMissing or ObjectDamaged lists what, and nothing was replaced. A crash leaves each file old or new, whole.
        `make_way` is called in between, to clear what stands where files or their directories shall be. The paths are
        the caller's to have checked (`mlver.paths.inside`).
        """
        export_objects(self, wanted, progress or _ignore_progress, make_way or _do_nothing)

    def verify_objects(
        self,
        digests: Iterable[Digest] | None = None,
        *,
        progress: StoreProgress | None = None,
        expect: StoreProgress | None = None,
    ) -> Iterator[StoreProblem]:
        """Read every copy of these objects, or of all there are, and the indexes; yield what is wrong.

        `expect` is told once, before any is read, how many bytes `progress` will be told of.
        """
        return verify_objects(
            self, digests, progress or _ignore_progress, expect or _ignore_progress
        )

    def quarantine_damaged(self, digest: Digest) -> list[Path]:
        """Set every damaged copy of a digest aside, so that it isn't served and a good one can be stored again.

        Returns where they are now; nothing is deleted, and sound copies stay where they are.
        """
        try:
            places = self.find_locations({digest.hex}).get(digest.hex, [])
            moved = [
                self.set_aside(digest.hex, place)
                for place in places
                if not self.is_sound(digest.hex, place)
            ]
        except OSError as error:
            raise refusal_error(f"setting {digest} aside", error) from error
        return moved

    def sweep_temporaries(self) -> int:
        """Remove what crashed processes left, complete the packs they had named; hold the lock when you call it."""
        self.complete_packs()
        return sum(
            durable.sweep_temporaries(at)
            for at in (self.temporaries, self.packs_directory, self.quarantined)
        )


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
