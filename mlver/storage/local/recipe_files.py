"""The recipes of a local store, each in `recipes/<2>/<62>` under the digest of its content.

A content that has a recipe may be stored whole as well. Then its recipe tells where in it the parts
are that other contents have, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from mlver import paths
from mlver.errors import InvalidDocument
from mlver.storage.local.digest_folders import list_digests, list_names
from mlver.storage.recipes import MOST_BYTES, Recipe, format_recipe, parse_recipe
from mlver.system import durable
from mlver.system.regular import reading_regular

RECIPES = "recipes"


class RecipeFiles:
    """Reads and writes the recipes of the store in `directory`, which sweeps `temporaries`."""

    def __init__(self, directory: Path, temporaries: Path) -> None:
        self.folder = directory / RECIPES
        self._temporaries = temporaries

    def path_of(self, digest: str) -> Path:
        """Where the recipe of a content lies."""
        return self.folder / digest[:2] / digest[2:]

    def list_digests(self) -> Iterator[str]:
        """The contents that have a recipe, in order."""
        return list_digests(self.folder)

    def find_existing(self, digests: AbstractSet[str]) -> set[str]:
        """Those of the digests that have a recipe."""
        existing: set[str] = set()
        # Most stores have none, or few.
        folders = list_names(self.folder) if digests else []
        if not folders:
            return existing
        wanted: dict[str, list[str]] = {}
        for digest in digests:
            wanted.setdefault(digest[:2], []).append(digest)
        for folder in wanted.keys() & set(folders):
            names = set(list_names(self.folder / folder))
            existing.update(digest for digest in wanted[folder] if digest[2:] in names)
        return existing

    def read(self, digest: str) -> Recipe:
        """Read a recipe, which may have been damaged or forged.

        Raise OSError, InvalidDocument, or NewerFormat.
        """
        path = self.path_of(digest)
        with reading_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
        recipe = parse_recipe(data, digest, os.fspath(path))
        # It would be its own part, and nothing that can be put together.
        if any(digest in (part.sha256, part.base) for part in recipe.parts):
            raise InvalidDocument(os.fspath(path), ("a part of it is the content itself",))
        return recipe

    def write(self, recipe: Recipe) -> None:
        """Store a recipe durably, in place of any other that the content has."""
        data = format_recipe(recipe)
        path = self.path_of(recipe.sha256)
        paths.check_own_directory(self.folder)
        durable.make_directory(path.parent)
        durable.make_directory(self._temporaries)
        prepared = durable.write_temporary(self._temporaries, data)
        try:
            prepared.replace(path)
        except BaseException:
            durable.discard_temporary(prepared)
            raise
        durable.sync_directory(path.parent)

    def remove(self, digest: str) -> None:
        """Remove a recipe for good."""
        durable.remove_file(self.path_of(digest))
