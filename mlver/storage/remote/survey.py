"""What a remote has of the contents that are wanted, found with few requests.

    objects/<2>/<64>   whole contents of 1 to 16 MiB
    packs/<64>.pack    contents below 1 MiB, many together, with an index (`storage/packs.py`)
    recipes/<2>/<64>   larger contents: which parts they have (`storage/recipes.py`)
    parts/<2>/<64>     those parts

What the remote held yesterday says nothing about today, so it is listed each time. What a key
holds is remembered on disk: an index hashes to its name, and a recipe is known by the size and the
time that the listing has for it. A pack counts only if its length is what its index says, and a
recipe only if the remote has all its parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mlver.digest import Digest
from mlver.errors import InvalidDocument, NewerFormat
from mlver.storage import packs
from mlver.storage.recipes import PART_BYTES, PLAIN, Recipe, parse_recipe
from mlver.storage.remote.blobs import BlobInfo, BlobMissing, BlobStore, BlobTooShort
from mlver.storage.remote.catalogue import (
    PACKS,
    RECIPES,
    index_key,
    object_key,
    pack_key,
    part_key,
    recipe_key,
)
from mlver.storage.remote.remembered import RememberedBlobs
from mlver.storage.remote.team_store import STANDARD_OPTIONS, ContentSizes, TransferOptions
from mlver.storage.remote.workers import TransferWorkers

# A store with more blobs is not listed as a whole: it may have a thousand times what is wanted.
_LIST_MOST = 4000
# Of so many keys in one folder, listing it is cheaper than asking for each of them.
_LIST_FROM = 16
# No content that is this large is looked for in packs.
SMALL_BYTES = 1 << 20


class StoredCopy(NamedTuple):
    """Where a content lies: `size` bytes at `offset` of a blob, or in the parts of a recipe."""

    key: str
    offset: int
    size: int
    recipe: Recipe | None = None


@dataclass(slots=True)
class RemoteSurvey:
    """The copies of wanted contents on a remote, and why some that are there do not count."""

    listing: BlobListing
    remembered: RememberedBlobs
    copies: dict[Digest, list[StoredCopy]] = field(default_factory=dict)
    problems: dict[Digest, str] = field(default_factory=dict)

    def find_missing(self, wanted: Iterable[Digest]) -> set[Digest]:
        """Those that have no copy."""
        return {digest for digest in wanted if digest not in self.copies}

    def list_keys(self, wanted: Iterable[Digest]) -> set[str]:
        """The keys of all blobs that these contents are read from: what gc has to keep for them."""
        keys = set()
        for digest in wanted:
            for stored_copy in self.copies.get(digest, ()):
                keys.add(stored_copy.key)
                if stored_copy.key.endswith(packs.PACK):
                    keys.add(stored_copy.key.removesuffix(packs.PACK) + packs.INDEX)
                if stored_copy.recipe is not None:
                    keys.update(part_key(part.sha256) for part in stored_copy.recipe.parts)
        return keys


class BlobListing:
    """Which blobs there are, as the remote lists them now. Each key is asked for once.

    `absent` are keys that count as not there.
    """

    def __init__(self, blobs: BlobStore, absent: Collection[str], jobs: int, stall: float) -> None:
        self._blobs = blobs
        self._absent = set(absent)
        self._jobs = jobs
        self._stall = stall
        self._infos: dict[str, BlobInfo] = {}
        self._asked: set[str] = set()
        first_infos = list(islice(blobs.list_blobs(""), _LIST_MOST + 1))
        self._is_complete = len(first_infos) <= _LIST_MOST
        if self._is_complete:
            self._infos = {info.key: info for info in first_infos}

    def list_packs(self) -> dict[str, BlobInfo]:
        """All packs and indexes by key."""
        if not self._is_complete:
            return self._keep_present(self._blobs.list_blobs(PACKS))
        return self._keep_present(
            info for key, info in self._infos.items() if key.startswith(PACKS)
        )

    def find_blobs(self, keys: Iterable[str]) -> dict[str, BlobInfo]:
        """Those of these keys that there are."""
        wanted = set(keys)
        if not self._is_complete:
            self._ask_for(wanted - self._asked)
        found = (self._infos[key] for key in wanted if key in self._infos)
        return self._keep_present(found)

    def has_blob(self, key: str, size: int) -> bool:
        """Whether there is such a blob of this size. Any thread may ask."""
        if key in self._absent:
            return False
        info = self._infos.get(key)
        if info is None and not self._is_complete:
            with suppress(BlobMissing):
                info = self._blobs.stat_blob(key)
        return info is not None and info.size == size

    def count_absent(self, keys: Iterable[str]) -> None:
        """From now on, these count as not there: they have other bytes than they should."""
        self._absent.update(keys)

    def _keep_present(self, infos: Iterable[BlobInfo]) -> dict[str, BlobInfo]:
        return {info.key: info for info in infos if info.key not in self._absent}

    def _ask_for(self, keys: set[str]) -> None:
        folders: dict[str, list[str]] = {}
        for key in sorted(keys):
            folders.setdefault(key.rpartition("/")[0] + "/", []).append(key)
        workers = TransferWorkers(self._blobs.address, self._jobs, self._stall)
        tasks = []
        for folder, names in folders.items():
            if len(names) >= _LIST_FROM:
                tasks.append(partial(self._ask_folder, folder, keys))
            else:
                tasks.extend(partial(self._ask_key, key) for key in names)
        workers.run_tasks(tasks)
        self._asked |= keys

    def _ask_folder(self, folder: str, keys: set[str]) -> None:
        for info in self._blobs.list_blobs(folder):
            if info.key in keys:
                self._infos[info.key] = info

    def _ask_key(self, key: str) -> None:
        with suppress(BlobMissing):
            self._infos[key] = self._blobs.stat_blob(key)


def survey_remote(
    blobs: BlobStore,
    cache_folder: Path,
    wanted: ContentSizes,
    options: TransferOptions = STANDARD_OPTIONS,
) -> RemoteSurvey:
    """Find the copies of contents, each of its size where that is known.

    Raises NewerFormat where one lies there in a form that this mlver cannot read.
    """
    return _Surveyor(blobs, cache_folder, wanted, options).survey()


class _Surveyor:
    def __init__(
        self,
        blobs: BlobStore,
        cache_folder: Path,
        wanted: ContentSizes,
        options: TransferOptions,
    ) -> None:
        self._blobs = blobs
        self._wanted = {digest.hex: size for digest, size in wanted.items()}
        self._remembered = RememberedBlobs(blobs, cache_folder)
        self._workers = partial(TransferWorkers, blobs.address, options.jobs, options.timings.stall)
        self._listing = BlobListing(blobs, options.renew, options.jobs, options.timings.stall)
        self._survey = RemoteSurvey(self._listing, self._remembered)
        self._recipes: dict[str, tuple[Recipe, BlobInfo, bytes]] = {}

    def survey(self) -> RemoteSurvey:
        self._find_packed()
        # First where each is expected, then elsewhere: others may have stored it otherwise.
        self._find_single(_expected_keys(self._list_unfound()))
        self._find_single(_other_keys(self._list_unfound()))
        return self._survey

    def _list_unfound(self) -> dict[str, int | None]:
        unfound = {}
        for hexadecimal, size in self._wanted.items():
            if Digest(hexadecimal) not in self._survey.copies:
                unfound[hexadecimal] = size
        return unfound

    def _find_packed(self) -> None:
        infos = self._listing.list_packs()
        tasks = []
        for key, info in infos.items():
            stem = key.removeprefix(PACKS).removesuffix(packs.INDEX)
            pack_info = infos.get(pack_key(stem))
            if key == index_key(stem) and pack_info is not None:
                tasks.append(partial(self._read_index, stem, info, pack_info.size))
        self._workers().run_tasks(tasks)

    def _read_index(self, stem: str, info: BlobInfo, pack_size: int) -> None:
        """Note the wanted members of a pack, if its index is sound."""
        try:
            index = self._remembered.read_blob(info)
        except (BlobMissing, BlobTooShort):
            return
        # Somebody who can write there can give rubbish the right name: the lines are checked, too.
        if packs.pack_name(index) != stem or not packs.is_index(index):
            self._remembered.forget_blob(info)
            return
        self._remembered.keep_read(info, index)
        if packs.pack_length(index) + len(packs.TRAILER) != pack_size:
            return
        for member in packs.find_members(index, self._wanted.keys()):
            if self._fits(member.hex, member.size) and member.size <= SMALL_BYTES:
                self._add_copy(member.hex, StoredCopy(pack_key(stem), member.offset, member.size))

    def _fits(self, hexadecimal: str, size: int) -> bool:
        """Whether a wanted content has this size, as far as anybody here knows."""
        return self._wanted[hexadecimal] in (None, size)

    def _add_copy(self, hexadecimal: str, stored_copy: StoredCopy) -> None:
        self._survey.copies.setdefault(Digest(hexadecimal), []).append(stored_copy)

    def _find_single(self, keys: dict[str, str]) -> None:
        """Look for contents under these keys, each a content's own: an object's or a recipe's."""
        infos = self._listing.find_blobs(keys)
        tasks = []
        for key, info in infos.items():
            hexadecimal = keys[key]
            if key.startswith(RECIPES):
                tasks.append(partial(self._read_recipe, hexadecimal, info))
            elif self._fits(hexadecimal, info.size):
                self._add_copy(hexadecimal, StoredCopy(key, 0, info.size))
            else:
                self._note_problem(hexadecimal, key, f"has {info.size:,} bytes")
        self._recipes.clear()
        self._workers().run_tasks(tasks)
        self._check_parts()

    def _read_recipe(self, hexadecimal: str, info: BlobInfo) -> None:
        where = f"{self._blobs.address}/{info.key}"
        try:
            data = self._remembered.read_blob(info)
            recipe = parse_recipe(data, hexadecimal, where)
        except NewerFormat:
            raise
        except InvalidDocument:
            self._note_problem(hexadecimal, info.key, "is damaged")
            return
        except (BlobMissing, BlobTooShort):
            return
        encodings = {part.encoding for part in recipe.parts} - {PLAIN}
        if encodings:
            raise NewerFormat(
                where, (f"its parts are {encodings.pop()}, which this mlver cannot read",)
            )
        if self._fits(hexadecimal, recipe.size):
            self._recipes[hexadecimal] = (recipe, info, data)
        else:
            self._note_problem(hexadecimal, info.key, f"is of {recipe.size:,} bytes")

    def _check_parts(self) -> None:
        """Count the recipes whose parts are all there."""
        keys: set[str] = set()
        for recipe, _, _ in self._recipes.values():
            keys.update(part_key(part.sha256) for part in recipe.parts)
        infos = self._listing.find_blobs(keys)
        for hexadecimal, (recipe, recipe_info, data) in self._recipes.items():
            for part in recipe.parts:
                info = infos.get(part_key(part.sha256))
                if info is None or info.size != part.size:
                    self._note_problem(hexadecimal, recipe_info.key, f"lacks part {part.sha256}")
                    self._remembered.forget_blob(recipe_info)
                    break
            else:
                # With a bit that flipped on the way, it would not lead to parts that are there.
                self._remembered.keep_read(recipe_info, data)
                stored_copy = StoredCopy(recipe_info.key, 0, recipe.size, recipe)
                self._add_copy(hexadecimal, stored_copy)

    def _note_problem(self, hexadecimal: str, key: str, fault: str) -> None:
        self._survey.problems[Digest(hexadecimal)] = f"{self._blobs.address}/{key} {fault}"


def _expected_keys(unfound: dict[str, int | None]) -> dict[str, str]:
    """Where contents of these sizes are stored by this mlver, by key."""
    keys = {}
    for hexadecimal, size in unfound.items():
        if size is None:
            continue
        if size > PART_BYTES:
            keys[recipe_key(hexadecimal)] = hexadecimal
        elif size >= SMALL_BYTES:
            keys[object_key(hexadecimal)] = hexadecimal
    return keys


def _other_keys(unfound: Iterable[str]) -> dict[str, str]:
    keys = {}
    for hexadecimal in unfound:
        keys[recipe_key(hexadecimal)] = hexadecimal
        keys[object_key(hexadecimal)] = hexadecimal
    return keys
