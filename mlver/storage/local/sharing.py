"""Stores the files of a series as what they have in common, and what each has of its own.

The first file of a series stays as it is, and so does each that has to. Of every other one, the
parts that are there already are not stored again. A part that changed a little is stored as the
difference to the part of the same name in the file before, where that pays.

Nothing is taken out of service before all that replaces it is on the disk, and was read back and
found to be the same. A run that was killed leaves each file whole, in parts, or both.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO

from mlver.digest import Digest
from mlver.errors import InvalidDocument, MlverError, NewerFormat, ObjectDamaged, refusal_error
from mlver.policy.series import SeriesFile
from mlver.storage.cutting import TensorPart, cut_tensors
from mlver.storage.local.locations import ObjectLocation, open_location, read_location, read_span
from mlver.storage.local.rebuilding import PartFinder, list_blobs, list_plain, read_sound
from mlver.storage.local.store import LocalStore
from mlver.storage.local.trash import LocalTrash
from mlver.storage.recipes import XOR_PLANES, Part, Recipe

# Makes the difference of a part to its base, of values of so many bytes.
PartEncoder = Callable[[bytes, bytes, int], bytes]
# A difference, or a file in parts, takes at most so much of what it replaces.
WORTH = 0.9
# gc has deleted and set aside before.
_OUTCOME = "that file stays as it is; what gc did before stays done"
# A difference of less is not worth the work.
_LEAST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that is kept in parts now: its bytes, and those that were stored for it."""

    digest: str
    size: int
    stored: int
    differences: int


class _DoesNotPay(Exception):
    """Nothing is stored: the file stays whole."""


class PartSharer:
    """Takes the files of series one by one, each after the one before it. Hold the lock.

    Without an `encode`, no differences are made. `now` is the moment of this run of gc.
    """

    def __init__(
        self, store: LocalStore, trash: LocalTrash, encode: PartEncoder | None, now: float
    ) -> None:
        self._store = store
        self._trash = trash
        self._encode = encode
        self._now = now
        self._lenders: dict[str, set[str]] | None = None

    def take_file(self, file: SeriesFile) -> SharedFile | None:
        """Keep a file in parts where that can be and pays; None where it is as before, or whole.

        Files that are damaged are left alone: `verify` names them.
        """
        with contextlib.suppress(ObjectDamaged):
            has_recipe = self._has_recipe(file.digest)
            whole = self._find_whole(file.digest)
            if whole is None:
                if file.is_whole and has_recipe:
                    self._store.store_whole([Digest(file.digest)])
                return None
            if has_recipe:
                return None if file.is_whole else self._finish(file.digest)
            try:
                return self._share_file(file, whole)
            except OSError as error:
                raise refusal_error("storing a file in parts", error, outcome=_OUTCOME) from error
            except MlverError as error:
                # A deposit knows of nothing that was done before it.
                cause = error.__cause__
                if not isinstance(cause, OSError):
                    raise
                raise refusal_error("storing a file in parts", cause, outcome=_OUTCOME) from cause
        return None

    def _has_recipe(self, digest: str) -> bool:
        """Whether a file has a recipe; a damaged one is made again from the whole file."""
        try:
            self._store.recipes.read(digest)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except InvalidDocument as error:
            return isinstance(error, NewerFormat)
        except OSError:
            return True
        return True

    def _find_whole(self, digest: str) -> ObjectLocation | None:
        """The file of a content that has one of its own, which small ones have not."""
        for location in self._store.find_copies({digest}).get(digest, []):
            if not location.pack:
                return location
        return None

    def _share_file(self, file: SeriesFile, whole: ObjectLocation) -> SharedFile | None:
        with open_location(whole) as source:
            reader = _WholeReader(source, whole.size)
            cuts = cut_tensors(whole.size, reader.read_range)
            if cuts is None:
                return None
            plain = reader.hash_parts(cuts, file.digest)
            if file.is_whole or file.parent is None:
                self._store.recipes.write(plain)
                return None
            try:
                recipe, stored = self._store_parts(file.parent, plain, cuts, reader)
            except _DoesNotPay:
                self._store.recipes.write(plain)
                return None
        self._store.recipes.write(recipe)
        return self._replace_whole(recipe, stored)

    def _store_parts(
        self, parent: str, plain: Recipe, cuts: list[TensorPart], reader: _WholeReader
    ) -> tuple[Recipe, int]:
        """Store what is not there yet; return the recipe, and how many bytes that was."""
        finder = PartFinder(self._store, {plain.sha256})
        present = finder.find_copies(list_blobs(plain)).keys()
        bases = _BaseFinder(self._store, finder, parent) if self._encode is not None else None
        parts: list[Part] = []
        stored: dict[str, int] = {}
        with self._store.open_deposit() as deposit:
            for part, cut in zip(plain.parts, cuts, strict=True):
                kept, blob = part, None
                if part.sha256 not in present and part.sha256 not in stored:
                    blob = reader.read_range(part.offset, part.size)
                    if bases is not None:
                        kept, blob = self._shrink(part, cut, blob, bases)
                if blob is not None and kept.sha256 not in stored:
                    deposit.put_object(BytesIO(blob))
                    stored[kept.sha256] = len(blob)
                parts.append(kept)
            if sum(stored.values()) > WORTH * plain.size:
                raise _DoesNotPay
        return replace(plain, parts=tuple(parts)), sum(stored.values())

    def _shrink(
        self, part: Part, cut: TensorPart, data: bytes, bases: _BaseFinder
    ) -> tuple[Part, bytes]:
        """A part as its difference to the one before, where that pays; or as it is."""
        assert self._encode is not None
        found = bases.find_base(cut) if part.size >= _LEAST_BYTES else None
        if found is None:
            return part, data
        name, base = found
        blob = self._encode(data, base, cut.width)
        if len(blob) > WORTH * part.size:
            return part, data
        sha256 = hashlib.sha256(blob).hexdigest()
        return replace(part, sha256=sha256, encoding=XOR_PLANES, base=name), blob

    def _finish(self, digest: str) -> SharedFile | None:
        """Go on with a file that a run which was killed left both whole and in parts.

        One of which a part is nowhere else stays whole. So no other file is read from a part of it:
        all parts that it could lend are parts of its own.
        """
        for recipe in read_sound(self._store.recipes, [digest]):
            # Most files that are whole have to be, which takes one look to see.
            if not self._has_other_sources(recipe):
                continue
            rebuilder = self._store.open_rebuilder({digest})
            if digest in rebuilder.find_complete({digest}):
                return self._replace_whole(recipe, 0)
        return None

    def _has_other_sources(self, recipe: Recipe) -> bool:
        """Whether each part seemed to be somewhere else when this run looked first."""
        if self._lenders is None:
            self._lenders = self._read_lenders()
        blobs = list_blobs(recipe)
        absent = blobs - self._store.find_copies(blobs).keys()
        return all(self._lenders.get(blob, set()) - {recipe.sha256} for blob in absent)

    def _read_lenders(self) -> dict[str, set[str]]:
        """The whole contents that each part lies in."""
        lenders: dict[str, set[str]] = {}
        wholes = self._store.find_copies(set(self._store.recipes.list_digests()))
        for recipe in read_sound(self._store.recipes, wholes):
            for part in list_plain(recipe):
                lenders.setdefault(part.sha256, set()).add(recipe.sha256)
        return lenders

    def _replace_whole(self, recipe: Recipe, stored: int) -> SharedFile | None:
        """Read the content by its recipe; only then take the whole one out of service."""
        fault = self._store.open_rebuilder({recipe.sha256}).describe_fault(recipe.sha256)
        whole = self._trash.find_loose(recipe.sha256)
        if fault is not None or whole is None:
            return None
        self._trash.discard(whole, self._now)
        differences = sum(part.base is not None for part in recipe.parts)
        return SharedFile(recipe.sha256, recipe.size, stored, differences)


class _WholeReader:
    """Reads a content that is a file of its own; `size` is what it had when it was found."""

    def __init__(self, source: int, size: int) -> None:
        self._source = source
        self._size = size

    def read_range(self, offset: int, size: int) -> bytes:
        data = read_span(self._source, size, offset)
        if len(data) != size:
            raise ObjectDamaged("a stored content ends early", hint="mlver verify --all")
        return data

    def hash_parts(self, cuts: list[TensorPart], digest: str) -> Recipe:
        """The recipe of the content with all its parts as they are; it is proven on the way."""
        hasher = hashlib.sha256()
        parts: list[Part] = []
        for cut in cuts:
            data = self.read_range(cut.offset, cut.size)
            hasher.update(data)
            parts.append(Part(hashlib.sha256(data).hexdigest(), cut.size, cut.offset))
        if hasher.hexdigest() != digest:
            raise ObjectDamaged(f"sha256:{digest} is damaged", hint="mlver verify --all")
        return Recipe(digest, self._size, tuple(parts))


class _BaseFinder:
    """Finds what the parts of a file can be differences to, in the file before it."""

    def __init__(self, store: LocalStore, finder: PartFinder, parent: str) -> None:
        self._store = store
        self._finder = finder
        self._bases = dict(self._list_bases(parent))

    def find_base(self, cut: TensorPart) -> tuple[str, bytes] | None:
        """The digest and the bytes of a part of the same name and size, proven."""
        sha256 = self._bases.get((cut.name, cut.size))
        if sha256 is None:
            return None
        for location in self._finder.find_copies({sha256}).get(sha256, []):
            with contextlib.suppress(OSError):
                base = read_location(location) if location.size == cut.size else b""
                if hashlib.sha256(base).hexdigest() == sha256:
                    return sha256, base
        return None

    def _list_bases(self, parent: str) -> Iterator[tuple[tuple[str, int], str]]:
        """By name and size what is stored as it is, of the parts of a file or of their bases.

        A part that is a difference itself gives its own base: no difference leads to another one.
        """
        for recipe in read_sound(self._store.recipes, [parent]):
            start = self._store.open_rebuilder().read_start(recipe)

            def read_start(offset: int, size: int, start: bytes = start) -> bytes:
                return start[offset : offset + size]

            by_offset = {part.offset: part for part in recipe.parts}
            for cut in cut_tensors(recipe.size, read_start) or ():
                part = by_offset.get(cut.offset)
                if part is not None and part.size == cut.size:
                    yield (cut.name, cut.size), part.base or part.sha256
