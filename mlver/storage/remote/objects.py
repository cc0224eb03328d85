"""An object store over blobs: the same for every back-end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import BinaryIO

from mlver.digest import Digest
from mlver.errors import ObjectDamaged, ObjectMissing, refusal_error
from mlver.storage.remote.blobs import BlobMissing, BlobStore, BlobTooShort
from mlver.storage.remote.catalogue import (
    OBJECTS,
    RECIPES,
    BlobCatalogue,
    BlobCopy,
    PackSurvey,
    list_members,
)
from mlver.storage.remote.deposit import BlobDeposit
from mlver.storage.store import StoreProblem, StoreProgress


class BlobObjectStore:
    """Satisfies ObjectStore.

    Contents on their way in wait in files of the folder `spool`, so that nothing is stored before
    all of it is at hand.
    """

    def __init__(self, blobs: BlobStore, spool: Path) -> None:
        self._catalogue = BlobCatalogue(blobs)
        self._spool = spool

    def find_missing(self, digests: Iterable[Digest]) -> AbstractSet[Digest]:
        """See ObjectStore."""
        wanted = set(digests)
        # Asked of the remote each time: whatever was there yesterday may be deleted.
        copies = self._catalogue.find_copies({digest.hex for digest in wanted})
        return {digest for digest in wanted if digest.hex not in copies}

    def list_objects(self) -> Iterator[Digest]:
        """See ObjectStore."""
        yield from self._list_surveyed(self._catalogue.survey_packs())

    def copy_object(self, digest: Digest, out: BinaryIO) -> int:
        """See ObjectStore."""
        damaged = ""
        # Where an index that was read before leads is good enough: the bytes there are hashed.
        survey = self._catalogue.survey_packs(remembered=True)
        for stored_copy in self._catalogue.find_copies({digest.hex}, survey).get(digest.hex, []):
            try:
                if self._copy_checked(digest, stored_copy, out):
                    return stored_copy.size
            except BlobMissing:
                # It was deleted after it was listed.
                continue
            except BlobTooShort:
                pass
            damaged = stored_copy.key
        address = self._catalogue.blobs.address
        if damaged:
            raise ObjectDamaged(
                f"stored bytes are damaged: {digest} in {address}/{damaged};"
                " store the object there again from a repository that has it",
            )
        raise ObjectMissing(
            f"not in the object store {address}: {digest};"
            " store the object there from a repository that has it",
        )

    def _list_surveyed(self, survey: PackSurvey) -> Iterator[Digest]:
        """The contents of these packs, and those that have an object or a recipe of their own."""
        yield from list_members(survey)
        for prefix in (OBJECTS, RECIPES):
            for hexadecimal, _ in self._catalogue.list_single(prefix):
                yield Digest(hexadecimal)

    def _copy_checked(self, digest: Digest, copy: BlobCopy, out: BinaryIO) -> bool:
        """Whether the copy is sound and was written to `out`.

        Of a content of one piece, not a byte is written unless it is sound.
        """
        hasher = hashlib.sha256()
        content = b""
        for piece in self._catalogue.read_copy(copy):
            hasher.update(piece)
            if copy.is_one_piece:
                content = piece
            else:
                _write_piece(out, piece)
        if hasher.hexdigest() != digest.hex:
            return False
        _write_piece(out, content)
        return True

    def open_deposit(self) -> BlobDeposit:
        """See ObjectStore."""
        self._catalogue.blobs.sweep_leftovers()
        return BlobDeposit(self._catalogue, self._spool)

    def verify_objects(
        self,
        digests: Iterable[Digest] | None = None,
        *,
        progress: StoreProgress | None = None,
        expect: StoreProgress | None = None,
    ) -> Iterator[StoreProblem]:
        """See ObjectStore."""
        survey = self._catalogue.survey_packs()
        yield from survey.problems
        if digests is None:
            digests = self._list_surveyed(survey)
        wanted = {digest.hex for digest in digests}
        copies = self._catalogue.find_copies(wanted, survey)
        for hexadecimal in sorted(wanted - copies.keys()):
            yield StoreProblem(Digest(hexadecimal), None, "is missing", lost=True)
        if expect is not None:
            total = 0
            for several in copies.values():
                total += sum(stored_copy.size for stored_copy in several)
            expect(total)
        for hexadecimal in sorted(copies):
            yield from self._verify_copies(hexadecimal, copies[hexadecimal], progress)

    def _verify_copies(
        self, hexadecimal: str, copies: list[BlobCopy], progress: StoreProgress | None
    ) -> Iterator[StoreProblem]:
        damaged = []
        for stored_copy in copies:
            if not self._catalogue.is_sound(hexadecimal, stored_copy):
                damaged.append(stored_copy)
            if progress is not None:
                progress(stored_copy.size)
        lost = len(damaged) == len(copies)
        for stored_copy in damaged:
            message = f"is damaged in {self._catalogue.blobs.address}/{stored_copy.key}"
            yield StoreProblem(Digest(hexadecimal), None, message, lost=lost)


def _write_piece(out: BinaryIO, piece: bytes) -> None:
    try:
        out.write(piece)
    except OSError as error:
        raise refusal_error("copying an object", error) from error
