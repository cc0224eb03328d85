"""What a remote has, for gc: every blob, with what packs and recipes say of their contents.

Nothing is remembered from an earlier run. A pack index or a recipe that cannot be read ends it:
what it would have kept is unknown.
"""

from __future__ import annotations

from datetime import datetime

from mlver.errors import InvalidDocument, MlverError, NewerFormat, summarise_error
from mlver.policy.remote_contents import FOLDERS, RecipeUses, RemoteContents
from mlver.storage import packs
from mlver.storage.recipes import MOST_BYTES, parse_recipe
from mlver.storage.remote.blobs import BlobMissing, BlobStore

_PIECE_BYTES = 8 << 20


class UnreadableContents(MlverError):
    """An index or a recipe on a remote is damaged, or of a newer mlver."""


class RemoteReader:
    """Reads what a remote has. An index is read once, and a recipe again when it was replaced."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._packs: dict[str, frozenset[str]] = {}
        self._recipes: dict[tuple[str, datetime], RecipeUses] = {}

    def read_contents(self) -> RemoteContents:
        """List the whole remote. Raises UnreadableContents."""
        stored = {}
        sizes = {}
        for info in self._blobs.list_blobs(""):
            if not info.key.startswith(FOLDERS):
                continue
            stored[info.key] = info.stored
            sizes[info.key] = info.size
        members: dict[str, frozenset[str]] = {}
        recipes: dict[str, RecipeUses] = {}
        for key in sorted(stored):
            folder, _, rest = key.partition("/")
            name = rest.rpartition("/")[2]
            try:
                if folder == "packs" and name.endswith(packs.INDEX):
                    stem = name.removesuffix(packs.INDEX)
                    members[stem] = self._read_members(key, stem)
                elif folder == "recipes":
                    recipes[name] = self._read_recipe(key, name, stored[key])
            except BlobMissing:
                # Another gc has just deleted it.
                stored.pop(key)
        return RemoteContents(stored, sizes, members, recipes)

    def _read_members(self, key: str, name: str) -> frozenset[str]:
        if name not in self._packs:
            index = self._read_blob(key, most=MOST_BYTES)
            if packs.pack_name(index) != name or not packs.is_index(index):
                raise self._unreadable_error(key, "its bytes are not what it is named by")
            self._packs[name] = frozenset(member.hex for member in packs.read_members(index))
        return self._packs[name]

    def _read_recipe(self, key: str, name: str, stored: datetime) -> RecipeUses:
        known = self._recipes.get((name, stored))
        if known is not None:
            return known
        data = self._read_blob(key, most=MOST_BYTES)
        try:
            recipe = parse_recipe(data, name, key)
        except (InvalidDocument, NewerFormat) as error:
            raise self._unreadable_error(key, summarise_error(error)) from None
        parts = frozenset(part.sha256 for part in recipe.parts)
        bases = frozenset(part.base for part in recipe.parts if part.base is not None)
        uses = RecipeUses(parts, bases)
        self._recipes[name, stored] = uses
        return uses

    def _read_blob(self, key: str, most: int) -> bytes:
        size = self._blobs.stat_blob(key).size
        if size > most:
            raise self._unreadable_error(key, f"it has {size:,} bytes")
        pieces: list[bytes] = []
        for offset in range(0, size, _PIECE_BYTES):
            piece_size = min(_PIECE_BYTES, size - offset)
            pieces.append(self._blobs.get_range(key, offset, piece_size))
        return b"".join(pieces)

    def _unreadable_error(self, key: str, fault: str) -> UnreadableContents:
        return UnreadableContents(
            f"{self._blobs.address}/{key} cannot be read: {fault}; nothing is deleted there while"
            " that is so; push from a clone that has its contents, which stores it again",
            hint="mlver push",
        )
