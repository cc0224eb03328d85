"""Puts contents together from the parts that their recipes name.

A part is an object like any other, or so many bytes of a content that is stored whole and has a
recipe, too. It is stored as it is, or as the difference to a base, which is always stored as it is:
so no difference leads to another one. Every part is proven when it is read, and so is the whole.
A damaged object is not passed over for a sound span: `verify` sets it aside first, so that gc
always knows what a content is read from. What is nowhere in service is read in the trash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Protocol

from mlver.errors import InvalidDocument, NewerFormat, ObjectDamaged
from mlver.storage.local.locations import ObjectLocation, read_location
from mlver.storage.local.recipe_files import RecipeFiles
from mlver.storage.recipes import PLAIN, Part, Recipe

# Turns the blob of a part back into the part: the blob, the base, and the bytes that the part has.
# Raises ValueError where they are not what such a part is made of.
PartDecoder = Callable[[bytes, bytes, int], bytes]
CopyFinder = Callable[[AbstractSet[str]], dict[str, list[ObjectLocation]]]


class CopySource(Protocol):
    """Where objects are found; a local store."""

    recipes: RecipeFiles

    def find_copies(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]: ...

    def find_trashed(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]: ...


class _PartFault(Exception):
    """A part that cannot be read, and why."""


def refuse_differences(blob: bytes, base: bytes, size: int) -> bytes:
    """Decode nothing: for a store whose parts are all stored as they are."""
    raise ValueError("is a difference, which nobody told this store how to read")


def list_blobs(recipe: Recipe) -> set[str]:
    """What has to be there for a content to be put together: its parts, and their bases."""
    blobs = {part.sha256 for part in recipe.parts}
    blobs.update(part.base for part in recipe.parts if part.base is not None)
    return blobs


def list_plain(recipe: Recipe) -> Iterator[Part]:
    """The parts that are stored as they are."""
    return (part for part in recipe.parts if part.encoding == PLAIN)


class PartFinder:
    """Finds copies of parts. It remembers what whole contents have, so use it for one command.

    Copies and spans of the contents `without` do not count. Parts that are nowhere else are looked
    for in the trash (`with_trash`) to read contents only, not to judge what may be deleted.
    """

    def __init__(
        self,
        store: CopySource,
        without: AbstractSet[str] = frozenset(),
        *,
        with_trash: bool = False,
    ) -> None:
        self._store = store
        self._without = without
        self._with_trash = with_trash
        self._spans: dict[str, list[ObjectLocation]] | None = None
        self._trashed_spans: dict[str, list[ObjectLocation]] | None = None

    def find_copies(self, blobs: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        """The copies of each blob that has any. Spans are looked for where there is no object."""
        copies = self._store.find_copies(blobs - self._without)
        if absent := blobs - copies.keys():
            if self._spans is None:
                self._spans = self._load_spans(self._store.find_copies)
            copies.update(_select_spans(self._spans, absent))
        absent = blobs - copies.keys()
        if absent and self._with_trash:
            copies.update(self._find_trashed(absent))
        return copies

    def find_again(self, blob: str) -> dict[str, list[ObjectLocation]]:
        """The copies of a blob as of now."""
        self._spans = self._trashed_spans = None
        return self.find_copies({blob})

    def _find_trashed(self, blobs: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        copies = self._store.find_trashed(blobs)
        if absent := blobs - copies.keys():
            if self._trashed_spans is None:
                self._trashed_spans = self._load_spans(self._store.find_trashed)
            copies.update(_select_spans(self._trashed_spans, absent))
        return copies

    def _load_spans(self, find: CopyFinder) -> dict[str, list[ObjectLocation]]:
        """Every part that lies in a content which is found whole."""
        spans: dict[str, list[ObjectLocation]] = {}
        wholes = find(set(self._store.recipes.list_digests()) - self._without)
        for recipe in read_sound(self._store.recipes, wholes):
            for whole in wholes[recipe.sha256]:
                if whole.size != recipe.size:
                    continue
                for part in list_plain(recipe):
                    offset = whole.offset + part.offset
                    span = ObjectLocation(whole.path, offset, part.size, whole.pack)
                    spans.setdefault(part.sha256, []).append(span)
        return spans


def _select_spans(
    spans: dict[str, list[ObjectLocation]], blobs: AbstractSet[str]
) -> dict[str, list[ObjectLocation]]:
    return {blob: spans[blob] for blob in blobs if blob in spans}


def read_sound(recipes: RecipeFiles, digests: Iterable[str]) -> Iterator[Recipe]:
    """The recipes of these contents, as far as they can be read; `verify` names the others."""
    for digest in digests:
        with suppress(OSError, InvalidDocument):
            yield recipes.read(digest)


class Rebuilder:
    """Reads contents by their recipes."""

    def __init__(self, store: CopySource, decode: PartDecoder, finder: PartFinder) -> None:
        self._store = store
        self._decode = decode
        self._finder = finder

    def find_complete(self, digests: AbstractSet[str]) -> dict[str, Recipe]:
        """The recipes of those contents that have one, and all that it names."""
        recipes = list(read_sound(self._store.recipes, digests))
        blobs = {blob for recipe in recipes for blob in list_blobs(recipe)}
        if not blobs:
            return {}
        present = self._finder.find_copies(blobs).keys()
        return {recipe.sha256: recipe for recipe in recipes if list_blobs(recipe) <= present}

    def rebuild(self, digest: str, write: Callable[[bytes], None]) -> int:
        """Hand the bytes of a content over, in order; return how many they are.

        Raises ObjectDamaged, which names the part, where they are not those of the content; what
        was handed over by then must not be used. Errors of `write` are passed on.
        """
        recipe = self._read_recipe(digest)
        copies = self._finder.find_copies(list_blobs(recipe))
        hasher = hashlib.sha256()
        for number, part in enumerate(recipe.parts, 1):
            try:
                data = self._read_part(part, copies)
            except _PartFault as fault:
                message = f"part {number} of {len(recipe.parts)} {fault}"
                raise _rebuild_error(digest, message) from fault
            hasher.update(data)
            write(data)
        if hasher.hexdigest() != digest:
            raise _rebuild_error(digest, "its parts are sound, and not those of this content")
        return recipe.size

    def read_start(self, recipe: Recipe) -> bytes:
        """The first part of a content. Raises ObjectDamaged, which names it, where it is not so."""
        part = recipe.parts[0]
        try:
            return self._read_part(part, self._finder.find_copies(list_blobs(recipe)))
        except _PartFault as fault:
            raise _rebuild_error(recipe.sha256, f"part 1 {fault}") from fault

    def describe_fault(self, digest: str) -> str | None:
        """Why a content cannot be put together; None where it can."""
        try:
            self.rebuild(digest, _discard)
        except ObjectDamaged as error:
            return error.message
        return None

    def _read_recipe(self, digest: str) -> Recipe:
        try:
            return self._store.recipes.read(digest)
        except NewerFormat as error:
            message = f"its recipe was written by a newer mlver: {'; '.join(error.faults)}"
            raise _rebuild_error(digest, message, error.hints) from error
        except InvalidDocument as error:
            raise _rebuild_error(digest, f"its recipe {error.message}") from error
        except OSError as error:
            message = f"its recipe cannot be read: {error.strerror}"
            raise _rebuild_error(digest, message) from error

    def _read_part(self, part: Part, copies: dict[str, list[ObjectLocation]]) -> bytes:
        """The bytes of a part, proven as far as its recipe goes."""
        if part.base is None:
            return self._read_blob(part.sha256, copies, range(part.size, part.size + 1))
        if part.base not in copies and self._store.recipes.find_existing({part.base}):
            raise _PartFault(
                f"is a difference to sha256:{part.base}, which is itself kept in parts"
            )
        base = self._read_blob(part.base, copies, range(part.size, part.size + 1))
        blob = self._read_blob(part.sha256, copies, range(part.size))
        try:
            return self._decode(blob, base, part.size)
        except ValueError as error:
            raise _PartFault(f"(sha256:{part.sha256}) {error}") from error

    def _read_blob(
        self, sha256: str, copies: dict[str, list[ObjectLocation]], sizes: range
    ) -> bytes:
        """The bytes of the first sound copy of a blob, whose size has to be one of these."""
        # What is missing may have been moved by gc while it was looked for.
        locations = copies.get(sha256) or self._finder.find_again(sha256).get(sha256)
        if not locations:
            raise _PartFault(f"(sha256:{sha256}) is missing")
        fault = ""
        was_moved = False
        for location in locations:
            # Before it is read: somebody may have made it as large as the disk.
            if location.size not in sizes:
                fault = fault or f"has {location.size:,} bytes, not {_describe_sizes(sizes)}"
                continue
            try:
                data = read_location(location)
                if hashlib.sha256(data).hexdigest() == sha256:
                    return data
            except FileNotFoundError:
                was_moved = True
            except OSError:
                pass
            fault = fault or f"is damaged in {location.path}"
        if was_moved:
            # gc moved it since it was looked for. It moves a file once, so this ends.
            moved = self._finder.find_again(sha256)
            if moved.get(sha256, locations) != locations:
                return self._read_blob(sha256, moved, sizes)
        raise _PartFault(f"(sha256:{sha256}) {fault}")


def _describe_sizes(sizes: range) -> str:
    return f"{sizes[0]:,}" if len(sizes) == 1 else f"less than {sizes.stop:,}"


def _discard(data: bytes) -> None:
    """Nobody wants the bytes, but that they are there."""


def _rebuild_error(
    digest: str, message: str, hints: Sequence[str] = ("mlver verify --all",)
) -> ObjectDamaged:
    return ObjectDamaged(
        f"sha256:{digest} cannot be put together from its parts: {message}", hints=hints
    )
