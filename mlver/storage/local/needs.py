"""What has to be there so that contents can be read which are kept in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.rebuilding import list_blobs, list_plain, read_sound
from mlver.storage.recipes import Recipe


class RecipeNeeds:
    """Follows recipes to what they need, in service and in the trash.

    `trashed` are the contents in the trash.
    """

    def __init__(self, store: ObjectCatalogue, trashed: AbstractSet[str]) -> None:
        self._store = store
        self._trashed = trashed
        self._recipes = {
            recipe.sha256: recipe
            for recipe in read_sound(store.recipes, store.recipes.list_digests())
        }
        blobs = {blob for recipe in self._recipes.values() for blob in list_blobs(recipe)}
        self._served = store.find_copies(blobs | self._recipes.keys()).keys()
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

        A content that is in parts, all of which are somewhere, is replaced by what has them.
        """
        replaced: set[str] = set()
        sources: set[str] = set()
        for digest in needed & self._recipes.keys() - self._served:
            found = self._find_sources(self._recipes[digest])
            if found is not None:
                replaced.add(digest)
                sources |= found
        return (set(needed) - replaced) | sources

    def _find_sources(self, recipe: Recipe) -> set[str] | None:
        """Where each blob of a recipe is, in service if it can be; None where one is nowhere."""
        sources: set[str] = set()
        for blob in list_blobs(recipe):
            source = self._find_source(blob)
            # A content that has to be whole itself needs no recipe.
            if source is None or source == recipe.sha256:
                return None
            sources.add(source)
        return sources

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
