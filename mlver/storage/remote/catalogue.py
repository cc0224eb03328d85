"""Which objects a store over blobs holds, where each copy is, and whether it is sound.

    objects/<2>/<64>   contents of large files, one a blob
    packs/<64>.pack    contents of small files, many together (see `storage/packs.py`)
    packs/<64>.idx     the index of a pack, by whose SHA-256 both are named
    recipes/<2>/<64>   which parts a very large content has (see `storage/recipes.py`)
    parts/<2>/<64>     those parts

Nothing is remembered between calls: what a remote held yesterday says nothing about today. The one
exception is where a content may lie, for a call that hashes what it reads there. An index counts
only if it hashes to its name and its pack has the length that it tells. Bytes count only once they
were hashed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from mlver.digest import Digest
from mlver.errors import InvalidDocument, NewerFormat
from mlver.storage import packs
from mlver.storage.recipes import PLAIN, Part, parse_recipe
from mlver.storage.remote.blobs import BlobMissing, BlobStore, BlobTooShort
from mlver.storage.store import StoreProblem

OBJECTS, PACKS = "objects/", "packs/"
RECIPES, PARTS = "recipes/", "parts/"
# So much is asked for by one call: little enough for memory, and for a Ctrl-C not to wait long.
PIECE_BYTES = 8 << 20
# Of so many objects in one folder, listing it is cheaper than asking for each of them.
_LIST_FROM = 16
_SINGLE_KEY = re.compile(r"[a-z]+/([0-9a-f]{2})/(\1[0-9a-f]{62})")


class BlobCopy(NamedTuple):
    """One copy of a content: `size` bytes at `offset` of a blob, or in the parts of a recipe."""

    key: str
    offset: int
    size: int
    parts: tuple[Part, ...] = ()

    @property
    def is_one_piece(self) -> bool:
        """Whether it is read by one call, so that it can be proved before a byte goes anywhere."""
        return self.size <= PIECE_BYTES and not self.parts


@dataclass(frozen=True, slots=True)
class RemotePack:
    """A pack whose index is sound and whose blob has the right length."""

    key: str
    index: bytes


@dataclass(frozen=True, slots=True)
class PackSurvey:
    """The packs that a remote has, and what is wrong with those that do not count."""

    packs: tuple[RemotePack, ...]
    problems: tuple[StoreProblem, ...]


def object_key(hexadecimal: str) -> str:
    """The key of an object that is a blob of its own."""
    return f"{OBJECTS}{hexadecimal[:2]}/{hexadecimal}"


def recipe_key(hexadecimal: str) -> str:
    """The key of the recipe of a content."""
    return f"{RECIPES}{hexadecimal[:2]}/{hexadecimal}"


def part_key(hexadecimal: str) -> str:
    """The key of a part."""
    return f"{PARTS}{hexadecimal[:2]}/{hexadecimal}"


def pack_key(name: str) -> str:
    """The key of a pack."""
    return f"{PACKS}{name}{packs.PACK}"


def index_key(name: str) -> str:
    """The key of the index of a pack."""
    return f"{PACKS}{name}{packs.INDEX}"


class BlobCatalogue:
    """What a store over blobs holds, and where. `blobs` tries again by itself."""

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs
        self._indexes: dict[str, bytes] = {}

    def survey_packs(self, *, remembered: bool = False) -> PackSurvey:
        """The packs as the remote lists them now.

        Their indexes are read again, unless those that an earlier call read will do.
        """
        sizes_by_key: dict[str, int] = {}
        for blob_info in self.blobs.list_blobs(PACKS):
            sizes_by_key[blob_info.key] = blob_info.size
        sound: list[RemotePack] = []
        problems: list[StoreProblem] = []
        for key in sorted(sizes_by_key):
            file_name = key.removeprefix(PACKS)
            if not key.endswith(packs.INDEX):
                # A push that was cut off leaves such a pack, and the next one uses it.
                if index_key(file_name.removesuffix(packs.PACK)) not in sizes_by_key:
                    problems.append(self._problem_with(key, "has no index"))
                continue
            stem = file_name.removesuffix(packs.INDEX)
            index = self._indexes.get(stem) if remembered else None
            if index is None:
                index = self._load_index(stem, sizes_by_key[key])
            if index is None:
                problems.append(self._problem_with(key, "is damaged"))
                continue
            length = packs.pack_length(index) + len(packs.TRAILER)
            if sizes_by_key.get(pack_key(stem)) != length:
                problems.append(self._problem_with(key, "has no pack of the right length"))
                continue
            sound.append(RemotePack(pack_key(stem), index))
        return PackSurvey(tuple(sound), tuple(problems))

    def find_copies(
        self, digests: AbstractSet[str], survey: PackSurvey | None = None, *, small: bool = False
    ) -> dict[str, list[BlobCopy]]:
        """Every copy of each digest that has one. Copies in packs come first.

        The packs are those of `survey`, or what the remote has now. No recipe is looked for where
        all contents are `small`.
        """
        copies: dict[str, list[BlobCopy]] = {}
        for remote_pack in (survey or self.survey_packs()).packs:
            for member in packs.find_members(remote_pack.index, digests):
                packed_copy = BlobCopy(remote_pack.key, member.offset, member.size)
                # No pack of ours has a larger one. If it were wrong, the next copy would come
                # after bytes that were written already.
                if packed_copy.is_one_piece:
                    copies.setdefault(member.hex, []).append(packed_copy)
        for hexadecimal, size in self._find_single(OBJECTS, digests):
            loose_copy = BlobCopy(object_key(hexadecimal), 0, size)
            copies.setdefault(hexadecimal, []).append(loose_copy)
        others = set() if small else digests - copies.keys()
        for hexadecimal, size in self._find_single(RECIPES, others):
            joined_copy = self._read_recipe(hexadecimal, size)
            if joined_copy is not None:
                copies[hexadecimal] = [joined_copy]
        return copies

    def list_single(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Digest and size of the objects, recipes or parts below a folder."""
        for blob_info in self.blobs.list_blobs(prefix):
            match = _SINGLE_KEY.fullmatch(blob_info.key)
            if match is not None:
                yield match[2], blob_info.size

    def is_sound(self, hexadecimal: str, copy: BlobCopy) -> bool:
        """Whether this copy hashes to its name. Every byte is read."""
        hasher = hashlib.sha256()
        try:
            for piece in self.read_copy(copy):
                hasher.update(piece)
        except (BlobMissing, BlobTooShort):
            return False
        return hasher.hexdigest() == hexadecimal

    def read_copy(self, copy: BlobCopy) -> Iterator[bytes]:
        """The unproved bytes of a copy, piece by piece."""
        for part in copy.parts:
            yield from self.read_copy(BlobCopy(part_key(part.sha256), 0, part.size))
        done = copy.size if copy.parts else 0
        while done < copy.size:
            piece_size = min(PIECE_BYTES, copy.size - done)
            yield self.blobs.get_range(copy.key, copy.offset + done, piece_size)
            done += piece_size

    def _find_single(self, prefix: str, digests: AbstractSet[str]) -> Iterator[tuple[str, int]]:
        """Digest and size of those that have a blob of their own: objects, recipes or parts."""
        folders: dict[str, list[str]] = {}
        for hexadecimal in digests:
            folders.setdefault(f"{prefix}{hexadecimal[:2]}/", []).append(hexadecimal)
        for folder, names in folders.items():
            # Never all folders at once: a remote may hold a thousand times what is asked for.
            if len(names) < _LIST_FROM:
                yield from self._stat_single(folder, names)
                continue
            for hexadecimal, size in self.list_single(folder):
                if hexadecimal in digests:
                    yield hexadecimal, size

    def _stat_single(self, folder: str, names: Iterable[str]) -> Iterator[tuple[str, int]]:
        for hexadecimal in names:
            with suppress(BlobMissing):
                yield hexadecimal, self.blobs.stat_blob(f"{folder}{hexadecimal}").size

    def _read_recipe(self, hexadecimal: str, size: int) -> BlobCopy | None:
        """The copy that a recipe leads to; None where it is damaged, or a part is not there.

        Raises NewerFormat where this mlver cannot read it.
        """
        key = recipe_key(hexadecimal)
        where = f"{self.blobs.address}/{key}"
        try:
            data = b"".join(self.read_copy(BlobCopy(key, 0, size)))
            recipe = parse_recipe(data, hexadecimal, where)
        except NewerFormat:
            raise
        except (InvalidDocument, BlobMissing, BlobTooShort):
            return None
        for part in recipe.parts:
            if part.encoding != PLAIN:
                raise NewerFormat(where, (f"this mlver cannot read its parts: {part.encoding}",))
        sizes = {part.sha256: part.size for part in recipe.parts}
        if dict(self._find_single(PARTS, sizes.keys())) != sizes:
            return None
        return BlobCopy(key, 0, recipe.size, recipe.parts)

    def _load_index(self, name: str, size: int) -> bytes | None:
        """The index of a pack; None where its bytes are not what it is named by."""
        self._indexes.pop(name, None)
        key = index_key(name)
        try:
            index = b"".join(self.read_copy(BlobCopy(key, 0, size)))
        except (BlobMissing, BlobTooShort):
            return None
        # Somebody who can write there can give rubbish the right name: the lines are checked, too.
        if packs.pack_name(index) != name or not packs.is_index(index):
            return None
        self._indexes[name] = index
        return index

    def _problem_with(self, key: str, fault: str) -> StoreProblem:
        return StoreProblem(None, None, f"{self.blobs.address}/{key} {fault}")


def list_members(survey: PackSurvey) -> Iterator[Digest]:
    """The contents of all sound packs."""
    for remote_pack in survey.packs:
        for member in packs.read_members(remote_pack.index):
            yield Digest(member.hex)
