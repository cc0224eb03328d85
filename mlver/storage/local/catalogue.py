"""Which objects a local store holds, and where each copy is.

Copies are found by name here; the reader of one proves it by hashing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Self

from mlver import paths
from mlver.digest import Digest
from mlver.storage.digests import DigestSet
from mlver.storage.local.damage_marks import read_damage_marks
from mlver.storage.local.digest_folders import list_names
from mlver.storage.local.locations import (
    CopyKind,
    CopyList,
    LocatedObjects,
    ObjectLocation,
    find_wanted_members,
    open_location,
    read_location,
)
from mlver.storage.local.loose_files import LooseFiles
from mlver.storage.local.pack_files import PackFile, scan_pack
from mlver.storage.local.rebuilding import (
    PartDecoder,
    PartFinder,
    Rebuilder,
    refuse_differences,
)
from mlver.storage.local.recipe_files import RecipeFiles
from mlver.storage.local.trashed import TRASH, find_trashed, list_runs
from mlver.storage.packs import PACK, pack_name
from mlver.storage.recipes import Recipe
from mlver.system import durable
from mlver.system.parallel import hash_descriptor, ignore_progress


class ObjectCatalogue:
    """What a local store holds, and where.

    `directory` and what belongs below it are made when something is first written there.
    """

    @classmethod
    def open_in(cls, directory: Path, decode: PartDecoder = refuse_differences) -> Self:
        """Raise MlverError where a symlink has taken the place of a folder of the store.

        `decode` reads parts that are stored as differences.
        """
        catalogue = cls(directory, decode)
        for folder in (
            catalogue.directory,
            catalogue.objects,
            catalogue.packs_directory,
            catalogue.temporaries,
            catalogue.quarantined,
            catalogue.partials,
            catalogue.recipes.folder,
            directory / TRASH,
        ):
            paths.check_own_directory(folder)
        return catalogue

    def __init__(self, directory: Path, decode: PartDecoder) -> None:
        """Only `open_in` calls this."""
        self.directory = directory
        self.loose = LooseFiles(directory / "objects")
        self.objects = self.loose.folder
        self.packs_directory = directory / "packs"
        self.temporaries = directory / "tmp"
        self.quarantined = directory / "quarantine"
        self.partials = directory / "parts"
        self.recipes = RecipeFiles(directory, self.temporaries)
        self._decode = decode
        self._packs: list[PackFile] = []
        self._damage_marks: dict[str, set[str]] = {}
        self._listed_at: tuple[int, int] | None = None

    def list_packs(self) -> list[PackFile]:
        """The packs as of now; an index once read is kept, for packs never change."""
        modified = (
            _modification_time(self.packs_directory),
            # A mark there takes a member of a pack out of service.
            _modification_time(self.quarantined),
        )
        if modified != self._listed_at:
            known_packs = {pack.name: pack for pack in self._packs}
            self._packs = []
            for file_name in sorted(list_names(self.packs_directory)):
                stem = file_name.removesuffix(PACK)
                if stem != file_name:
                    pack = known_packs.get(stem) or PackFile(self.packs_directory, stem)
                    self._packs.append(pack)
            self._damage_marks = read_damage_marks(self.quarantined)
            self._listed_at = modified
        return self._packs

    def forget_listing(self) -> None:
        """Look at the directories again: they were changed within one tick of the clock."""
        self._listed_at = None
        self._packs = []

    def damaged_members(self, pack: str) -> AbstractSet[str]:
        """The members of a pack that were found damaged and are not served from it."""
        return self._damage_marks.get(pack, frozenset())

    def find_missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """See ObjectStore."""
        wanted = {digest.hex: digest for digest in digests}
        return {wanted[hexadecimal] for hexadecimal in self.find_missing_hex(wanted.keys())}

    def find_missing_hex(self, digests: AbstractSet[str]) -> set[str]:
        """The same as `find_missing`, for hexadecimal digits."""
        missing = set(digests)
        for pack_file in self.list_packs():
            if not missing:
                return missing
            listed = pack_file.find_listed(missing)
            missing -= listed - self.damaged_members(pack_file.name)
        missing -= self.loose.find_existing(missing)
        missing -= self.find_trashed(missing).keys()
        return missing - self._find_readable(missing).keys()

    def open_rebuilder(self, without: AbstractSet[str] = frozenset()) -> Rebuilder:
        """What puts contents together from parts, but not from parts of the contents `without`.

        What is in the trash does not count: gc may delete it.
        """
        return Rebuilder(self, self._decode, PartFinder(self, without))

    def open_reader(self, without: AbstractSet[str] = frozenset()) -> Rebuilder:
        """The same for who only reads: parts that are nowhere else are read in the trash."""
        return Rebuilder(self, self._decode, PartFinder(self, without, with_trash=True))

    def _find_rebuildable(self, digests: AbstractSet[str]) -> dict[str, Recipe]:
        """The recipes of those contents that can be put together from parts."""
        having_recipe = self.recipes.find_existing(digests)
        return self.open_rebuilder().find_complete(having_recipe) if having_recipe else {}

    def _find_readable(self, digests: AbstractSet[str]) -> dict[str, Recipe]:
        """The same, where parts in the trash count."""
        having_recipe = self.recipes.find_existing(digests)
        return self.open_reader().find_complete(having_recipe) if having_recipe else {}

    def find_trashed(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        """Every copy in the trash of each digest that has one there. It is read where it is."""
        self.list_packs()  # reads which members are damaged, too
        return find_trashed(self.directory, digests, self.damaged_members)

    def find_locations(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        """Every copy of each digest that has one. Copies in packs come first.

        A content that has no other copy may have a recipe, and all that it names.
        """
        locations = self.find_copies(digests)
        for digest, recipe in self._find_rebuildable(digests - locations.keys()).items():
            locations[digest] = [self.locate_recipe(digest, recipe.size)]
        return locations

    def locate_recipe(self, digest: str, size: int) -> ObjectLocation:
        """A content of that size which is put together from parts, as a copy."""
        path = os.fspath(self.recipes.path_of(digest))
        return ObjectLocation(path, 0, size, "", is_recipe=True)

    def find_copies(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        """Every copy of each digest that is stored whole."""
        locations: dict[str, list[ObjectLocation]] = {}
        for pack_file in self.list_packs():
            damaged = self.damaged_members(pack_file.name)
            pack_path = os.fspath(pack_file.path)
            for digest, offset, size in pack_file.find_members(digests):
                if digest not in damaged:
                    location = ObjectLocation(pack_path, offset, size, pack_file.name)
                    locations.setdefault(digest, []).append(location)
        for digest in self.loose.find_existing(digests):
            loose_path = self.loose.path_of(digest)
            # It may have been set aside since the directory was listed.
            with contextlib.suppress(OSError):
                size = loose_path.lstat().st_size
                location = ObjectLocation(os.fspath(loose_path), 0, size, pack="")
                locations.setdefault(digest, []).append(location)
        return locations

    def locate_objects(self, wanted: DigestSet) -> LocatedObjects:
        """Every copy of each digest, as `find_locations` has them, in a tenth of the memory."""
        packed: list[CopyList] = []
        present = bytearray(len(wanted))
        for pack_file in self.list_packs():
            marks = self.damaged_members(pack_file.name)
            damaged = {bytes.fromhex(digest) for digest in marks}
            copies = CopyList(os.fspath(pack_file.path), pack_file.name)
            for rank, offset, size in find_wanted_members(pack_file, wanted, damaged):
                present[rank] = 1
                copies.add_copy(offset, size, rank)
            pack_file.release_index()
            packed.append(copies)
        loose = CopyList(os.fspath(self.objects), "")
        for rank, size in self.loose.locate_wanted(wanted):
            present[rank] = 1
            loose.add_copy(0, size, rank)
        rebuilt = self._locate_rebuilt(wanted, present)
        return LocatedObjects(wanted, tuple(packed), loose, rebuilt, bytes(present))

    def _locate_rebuilt(self, wanted: DigestSet, present: bytearray) -> CopyList:
        """The contents that are put together from parts. They are marked as present."""
        rebuilt = CopyList(os.fspath(self.recipes.folder), "", CopyKind.RECIPE)
        # Looked at first: without any, no digest has to be spelled out.
        absent: set[str] = set()
        for digest in self.recipes.list_digests():
            rank = wanted.find_next_rank(bytes.fromhex(digest))
            if rank is not None and not present[rank]:
                absent.add(digest)
        for digest, recipe in self._find_rebuildable(absent).items():
            rank = wanted.find_rank(bytes.fromhex(digest))
            assert rank is not None
            present[rank] = 1
            rebuilt.add_copy(0, recipe.size, rank)
        return rebuilt

    def locate_with_repair(self, wanted: DigestSet) -> LocatedObjects:
        """Like `locate_everywhere`, after `repair_listing` if anything is missing."""
        located = self.locate_everywhere(wanted)
        if 0 in located.present:
            self.repair_listing()
            located = self.locate_everywhere(wanted)
        return located

    def locate_everywhere(self, wanted: DigestSet) -> LocatedObjects:
        """Like `locate_objects`; what is in service nowhere is located in the trash."""
        located = self.locate_objects(wanted)
        if 0 not in located.present or not self.has_reserves():
            return located
        absent = {digest.hex for digest in located.read_missing()}
        present = bytearray(located.present)
        trashed: dict[tuple[str, str], CopyList] = {}

        def add_copy(digest: str, location: ObjectLocation, copies: CopyList) -> None:
            rank = wanted.find_rank(bytes.fromhex(digest))
            assert rank is not None
            present[rank] = 1
            copies.add_copy(location.offset, location.size, rank)

        found = self.find_trashed(absent)
        for digest, locations in found.items():
            for location in locations:
                path = location.path if location.pack else location.path.rpartition("/")[0]
                copies = CopyList(path, location.pack, CopyKind.TRASHED)
                add_copy(digest, location, trashed.setdefault((path, location.pack), copies))
        for digest, recipe in self._find_readable(absent - found.keys()).items():
            add_copy(digest, self.locate_recipe(digest, recipe.size), located.rebuilt)
        return located._replace(present=bytes(present), trashed=tuple(trashed.values()))

    def has_reserves(self) -> bool:
        """Whether anything is in the trash, or kept in parts."""
        return bool(list_runs(self.directory)) or any(self.recipes.list_digests())

    def find_every_copy(self, digest: str) -> Iterator[ObjectLocation]:
        """Every copy of a content, each once; where the last one is looked for takes longest.

        A copy that was moved meanwhile, as gc does it, is found where it is now.
        """
        known: set[ObjectLocation] = set()
        for find in (
            self.find_copies,
            self._find_recipes,
            self.find_trashed,
            self._find_after_repair,
        ):
            for location in find({digest}).get(digest, []):
                if location not in known:
                    known.add(location)
                    yield location

    def _find_recipes(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        """The recipes of those contents that can be put together, as copies."""
        recipes = self._find_readable(digests)
        return {digest: [self.locate_recipe(digest, recipes[digest].size)] for digest in recipes}

    def _find_after_repair(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        self.repair_listing()
        return self.find_copies(digests)

    def repair_listing(self) -> list[Path]:
        """List everything again; return the paths of indexes that were made again.

        A member that was marked as damaged is served again once a sound pack took its pack's place.
        """
        self.forget_listing()
        repaired = self.repair_indexes()
        for pack_file in self.list_packs():
            marked = frozenset(self.damaged_members(pack_file.name))
            for digest, offset, size in pack_file.find_members(marked):
                location = ObjectLocation(os.fspath(pack_file.path), offset, size, pack_file.name)
                if self.is_sound(digest, location):
                    self._drop_mark(digest, pack_file.name)
        return repaired

    def _drop_mark(self, digest: str, pack: str) -> None:
        damage_mark = self.quarantined / f"{digest}.{pack}"
        # On a read-only disk the mark stays, and counts no longer for this process.
        with contextlib.suppress(OSError):
            damage_mark.rename(f"{damage_mark}-{secrets.token_hex(4)}")
            durable.sync_directory(self.quarantined)
        self._damage_marks[pack].discard(digest)

    def repair_indexes(self) -> list[Path]:
        """Make damaged or lost indexes again from their packs; return the paths of those."""
        repaired = []
        for pack_file in self.list_packs():
            if pack_file.is_indexed():
                pack_file.release_index()
                continue
            repaired.append(pack_file.index_path)
            _repair_index(pack_file)
        return repaired

    def complete_packs(self) -> None:
        """Give each pack that was named just before a crash the index that it still lacks."""
        for pack_file in self.list_packs():
            if not pack_file.index_path.exists():
                _repair_index(pack_file)

    def is_sound(self, digest: str, location: ObjectLocation) -> bool:
        """Whether this copy hashes to its name."""
        try:
            if location.is_recipe:
                return self.open_reader().describe_fault(digest) is None
            if location.pack:
                return hashlib.sha256(read_location(location)).hexdigest() == digest
            with open_location(location) as source:
                return hash_descriptor(source, None, ignore_progress)[0] == digest
        except OSError:
            return False

    def set_aside(self, digest: str, location: ObjectLocation) -> Path:
        """Take one copy out of service and keep it in quarantine; return where it is now."""
        durable.make_directory(self.quarantined)
        if location.pack:
            target = self._mark_damaged_member(digest, location)
        else:
            kind = "recipe" if location.is_recipe else "loose"
            target = self.quarantined / f"{digest}.{kind}-{secrets.token_hex(4)}"
            source = Path(location.path)
            source.rename(target)
            durable.sync_directories([self.quarantined, source.parent])
        self.forget_listing()
        return target

    def _mark_damaged_member(self, digest: str, location: ObjectLocation) -> Path:
        """Keep the member from being served; return the mark that does it."""
        # A pack never changes: the bytes of the member are kept beside it, under a name that says
        # not to serve it.
        target = self.quarantined / f"{digest}.{location.pack}"
        damaged_bytes = b""
        with contextlib.suppress(OSError):
            damaged_bytes = read_location(location)
        with contextlib.suppress(FileExistsError):
            durable.create_file(target, damaged_bytes)
        return target

    def retire_pack(self, pack: PackFile) -> None:
        """Take a damaged pack out of service, because a sound one is about to replace it."""
        durable.make_directory(self.quarantined)
        for damage_mark in self.quarantined.glob(f"*.{pack.name}"):
            # The mark was about the pack that goes; it would keep the new one from being read.
            damage_mark.rename(f"{damage_mark}-{secrets.token_hex(4)}")
        pack.path.rename(self.quarantined / f"{pack.path.name}-{secrets.token_hex(4)}")
        durable.sync_directories([self.quarantined, self.packs_directory])
        self.forget_listing()


def _repair_index(pack: PackFile) -> None:
    """Make the index again from its pack, if that gives the index it is named by."""
    try:
        index, _ = scan_pack(pack.path)
    except OSError:
        return
    pack.keep_index(index)
    if pack_name(index) == pack.name:
        # The index of a store on a read-only disk is repaired in memory only.
        with contextlib.suppress(OSError):
            durable.write_file(pack.index_path, index)
            pack.is_remade = False


def _modification_time(directory: Path) -> int:
    """When a directory changed last, in nanoseconds; 0 where it cannot be seen."""
    try:
        return directory.stat().st_mtime_ns
    except OSError:
        return 0
