"""What has to be there so that contents can be read which are kept in parts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from mlver.errors import InvalidDocument, MlverError, NewerFormat, shell_command
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.rebuilding import list_blobs, list_plain, read_sound
from mlver.storage.local.recipe_files import RecipeFiles
from mlver.storage.recipes import Recipe


class RecipeNeeds:
    """Follows recipes to what they need, in service and in the trash.

    `trashed` are the contents in the trash.
    """

    def __init__(self, store: ObjectCatalogue, trashed: AbstractSet[str]) -> None:
        self._store = store
        self._trashed = trashed
        self._recipes, self._unread = _read_all(store.recipes)
        blobs = {blob for recipe in self._recipes.values() for blob in list_blobs(recipe)}
        contents = self._recipes.keys() | self._unread.keys()
        self._served = store.find_copies(blobs | contents).keys()
        self._served_spans = self._find_spans(self._served)
        self._trashed_spans = self._find_spans(trashed)

    def _find_spans(self, wholes: AbstractSet[str]) -> dict[str, str]:
        """The content that each part lies in, of those that are whole."""
        spans: dict[str, str] = {}
        for digest in self._recipes.keys() & wholes:
            for part in list_plain(self._recipes[digest]):
                spans.setdefault(part.sha256, digest)
        return spans

    def follow(self, needed: AbstractSet[str]) -> set[str]:
        """What is to be in service, so that all of these contents can be read.

        A content that is in parts, all of which are somewhere, is replaced by what has them. Where
        a part is nowhere, the others are kept: it may come back. Raise MlverError where the recipe
        of a needed content cannot be read, for it may name any part.
        """
        whole = self._served | self._trashed
        for digest in sorted(needed & self._unread.keys() - whole):
            path = os.fspath(self._store.recipes.path_of(digest))
            raise _unread_error(path, self._unread[digest])
        replaced: set[str] = set()
        sources: set[str] = set()
        for digest in needed & self._recipes.keys() - self._served:
            found, is_complete = self._find_sources(self._recipes[digest])
            sources |= found
            if is_complete:
                replaced.add(digest)
            else:
                # The part may lie in a whole content of which nobody can tell what parts it has.
                sources |= self._unread.keys() & whole
        return (set(needed) - replaced) | sources

    def _find_sources(self, recipe: Recipe) -> tuple[set[str], bool]:
        """Where each blob of a recipe is, in service if it can be; and whether all are somewhere.

        A content that is itself where a blob of it is has to be whole, and needs no recipe.
        """
        sources = {self._find_source(blob) for blob in list_blobs(recipe)}
        is_complete = None not in sources and recipe.sha256 not in sources
        return {source for source in sources if source is not None}, is_complete

    def _find_source(self, blob: str) -> str | None:
        if blob in self._served:
            return blob
        if blob in self._served_spans:
            return self._served_spans[blob]
        if blob in self._trashed:
            return blob
        return self._trashed_spans.get(blob)

    def list_useless(self, needed: AbstractSet[str]) -> Iterator[str]:
        """The recipes of contents that nobody needs, and that nothing can put together any more."""
        for digest, recipe in self._recipes.items():
            if digest in needed:
                continue
            if any(self._find_source(blob) is None for blob in list_blobs(recipe)):
                yield digest


def _read_all(recipes: RecipeFiles) -> tuple[dict[str, Recipe], dict[str, Exception]]:
    """All recipes by their contents, and why those that cannot be read cannot be."""
    read: dict[str, Recipe] = {}
    unread: dict[str, Exception] = {}
    for digest in recipes.list_digests():
        try:
            read[digest] = recipes.read(digest)
        except (OSError, InvalidDocument) as error:
            unread[digest] = error
    return read, unread


def _unread_error(path: str, error: Exception) -> MlverError:
    """What is said of a recipe that cannot be read, of a content that somebody needs."""
    unknown = "so the parts that its content needs are unknown, and nothing is deleted"
    if isinstance(error, NewerFormat):
        return MlverError(
            f"{path} was written by a newer mlver ({'; '.join(error.faults)}), {unknown}",
            hints=error.hints,
        )
    if isinstance(error, OSError):
        return MlverError(
            f"{path} cannot be read ({error.strerror}), {unknown}",
            hint=shell_command("ls", "-ld", "--", path),
        )
    faults = "; ".join(error.faults) if isinstance(error, InvalidDocument) else str(error)
    return MlverError(
        f"{path} is damaged ({faults}), {unknown};"
        " pull the content again, or register the same file again",
        hint="mlver verify --all",
    )


def measure_pieces(
    store: ObjectCatalogue, digests: AbstractSet[str]
) -> dict[str, Mapping[str, int]]:
    """What each content takes that has a recipe: the bytes of its parts and their bases.

    Both are known by their digests. Parts that several contents have are stored once.
    """
    pieces: dict[str, Mapping[str, int]] = {}
    wholes = store.find_copies(digests).keys()
    for recipe in read_sound(store.recipes, store.recipes.find_existing(digests)):
        # Of what is whole, the recipe only tells which parts it lends.
        if recipe.sha256 in wholes and any(part.base is not None for part in recipe.parts):
            continue
        pieces[recipe.sha256] = _measure_recipe(store, recipe)
    return pieces


def _measure_recipe(store: ObjectCatalogue, recipe: Recipe) -> Mapping[str, int]:
    sizes: dict[str, int] = {}
    blobs = store.find_copies({part.sha256 for part in recipe.parts if part.base is not None})
    for part in recipe.parts:
        sizes[part.base or part.sha256] = part.size
        if part.base is not None and part.sha256 in blobs:
            sizes[part.sha256] = blobs[part.sha256][0].size
    return sizes
