"""Which objects a local store holds, and where each copy is: found by name here, proved by hashing by whoever reads."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import struct
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from mlver import paths
from mlver.digest import Digest
from mlver.errors import ObjectDamaged, ObjectMissing
from mlver.storage.digests import DigestSet
from mlver.storage.packs import LINE, PackFile, pack_name, scan_pack
from mlver.system import durable
from mlver.system.parallel import hash_descriptor

# From here on listing all object directories is cheaper than asking for one object after the other.
LIST_FROM = 512
_HEX = frozenset("0123456789abcdef")
# Offset, size and rank of a copy. Copies are sorted so many bytes of their file at a time.
_COPY = struct.Struct(">QQQ")
_HEAP_BYTES = 8 << 20


class ObjectLocation(NamedTuple):
    """One copy of a content: `size` bytes at `offset` of a file; `pack` is that pack's name, or empty."""

    path: str
    offset: int
    size: int
    pack: str


class CopyList:
    """Where contents lie in one file, or in the folder of the loose ones (`pack` is empty then): 24 bytes each."""

    def __init__(self, path: str, pack: str) -> None:
        self.path = path
        self.pack = pack
        self.total = 0
        self._heaps: dict[int, bytearray] = {}

    def add(self, offset: int, size: int, rank: int) -> None:
        """Note the copy of a digest, which is known by its rank among those that are wanted."""
        self.total += size
        heap = self._heaps.setdefault(offset // _HEAP_BYTES, bytearray())
        heap += _COPY.pack(offset, size, rank)

    def in_order(self) -> Iterator[tuple[int, int, int]]:
        """Offset, size and rank of each copy, from the front of the file to its back."""
        for _, heap in sorted(self._heaps.items()):
            yield from sorted(_COPY.iter_unpack(heap))


class Located(NamedTuple):
    """The copies of digests, in packs and loose; `present` has a 1 for the rank of each that has any."""

    wanted: DigestSet
    packs: tuple[CopyList, ...]
    loose: CopyList
    present: bytes

    @property
    def total(self) -> int:
        """The bytes of all copies."""
        return self.loose.total + sum(copies.total for copies in self.packs)

    def missing(self) -> list[Digest]:
        """The digests that have no copy, in order."""
        if 0 not in self.present:
            return []
        return [
            Digest(raw.hex())
            for raw, here in zip(self.wanted.raws(), self.present, strict=True)
            if not here
        ]


class ObjectCatalogue:
    """What a local store holds, and where; `directory` and what belongs below it are made when first written to."""

    def __init__(self, directory: Path) -> None:
        self.directory = paths.check_own_directory(directory)
        self.objects = paths.check_own_directory(directory / "objects")
        self.packs_directory = paths.check_own_directory(directory / "packs")
        self.temporaries = paths.check_own_directory(directory / "tmp")
        self.quarantined = paths.check_own_directory(directory / "quarantine")
        self._packs: list[PackFile] = []
        self._marked: dict[str, set[str]] = {}
        self._seen: tuple[int, ...] | None = None

    def packs(self) -> list[PackFile]:
        """The packs there are now; an index once read is kept, for packs never change."""
        now = tuple(
            _modification_time(directory) for directory in (self.packs_directory, self.quarantined)
        )
        if now != self._seen:
            known = {pack.name: pack for pack in self._packs}
            names = sorted(
                name[:-5] for name in _list_names(self.packs_directory) if name.endswith(".pack")
            )
            self._packs = [
                known.get(name) or PackFile(self.packs_directory, name) for name in names
            ]
            self._marked = _read_damage_marks(self.quarantined)
            self._seen = now
        return self._packs

    def forget_listing(self) -> None:
        """Look at the directories anew: they were changed within one tick of the clock."""
        self._seen = None
        self._packs = []

    def damaged_members(self, pack: str) -> AbstractSet[str]:
        """The members of a pack that were found damaged and are not served from it."""
        return self._marked.get(pack, frozenset())

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """See ObjectStore."""
        wanted = {digest.hex: digest for digest in digests}
        return {wanted[hexadecimal] for hexadecimal in self.find_missing_hex(wanted.keys())}

    def find_missing_hex(self, digests: AbstractSet[str]) -> set[str]:
        rest = set(digests)
        for pack in self.packs():
            if not rest:
                return rest
            rest -= pack.find_listed(rest) - self.damaged_members(pack.name)
        return rest - self._find_loose(rest)

    def _find_loose(self, digests: AbstractSet[str]) -> set[str]:
        if len(digests) >= LIST_FROM:
            return set(self.loose_digests()) & digests
        folders = set(_list_names(self.objects)) if digests else ()
        return {digest for digest in digests if digest[:2] in folders and self._is_loose(digest)}

    def _is_loose(self, digest: str) -> bool:
        """Whether it is there; raise OSError where nobody may look."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.stat(f"{self.objects}/{digest[:2]}/{digest[2:]}")  # noqa: PTH116 - of many, pathlib takes longest
            return True
        return False

    def loose_digests(self) -> Iterator[str]:
        for first in sorted(_list_names(self.objects)):
            for rest in sorted(_list_names(self.objects / first)):
                if len(first) == 2 and len(rest) == 62 and _HEX.issuperset(first + rest):
                    yield first + rest

    def loose_path(self, digest: str) -> Path:
        return self.objects / digest[:2] / digest[2:]

    def find_locations(self, digests: AbstractSet[str]) -> dict[str, list[ObjectLocation]]:
        """Every copy of each digest; those without any are left out. Copies in packs come first."""
        found: dict[str, list[ObjectLocation]] = {}
        for pack in self.packs():
            marked, file = self.damaged_members(pack.name), os.fspath(pack.path)
            for digest, offset, size in pack.find_members(digests):
                if digest not in marked:
                    found.setdefault(digest, []).append(
                        ObjectLocation(file, offset, size, pack.name)
                    )
        for digest in self._find_loose(digests):
            path = self.loose_path(digest)
            with contextlib.suppress(OSError):
                found.setdefault(digest, []).append(
                    ObjectLocation(os.fspath(path), 0, path.stat().st_size, "")
                )
        return found

    def locate(self, wanted: DigestSet) -> Located:
        """Every copy of each digest, as `places` finds them, in a tenth of the memory."""
        files: list[CopyList] = []
        present = bytearray(len(wanted))
        for pack in self.packs():
            marked = {bytes.fromhex(digest) for digest in self.damaged_members(pack.name)}
            copies = CopyList(os.fspath(pack.path), pack.name)
            for rank, offset, size in _members(pack, wanted, marked):
                present[rank] = 1
                copies.add(offset, size, rank)
            pack.release_index()
            files.append(copies)
        return Located(wanted, tuple(files), self._locate_loose(wanted, present), bytes(present))

    def _locate_loose(self, wanted: DigestSet, present: bytearray) -> CopyList:
        copies = CopyList(os.fspath(self.objects), "")
        few = len(wanted) < LIST_FROM
        for digest in (
            self._find_loose({digest.hex for digest in wanted}) if few else self.loose_digests()
        ):
            rank = wanted.rank_next(bytes.fromhex(digest))
            if rank is not None:
                with contextlib.suppress(OSError):
                    size = self.loose_path(digest).stat().st_size
                    present[rank] = 1
                    copies.add(0, size, rank)
        return copies

    def locate_all(self, wanted: DigestSet) -> Located:
        """Like `locate`, but what is not found is looked for again where the indexes themselves are damaged."""
        located = self.locate(wanted)
        if located.missing():
            self.forget_listing()
            self.repair_indexes()
            located = self.locate(wanted)
        return located

    def find_locations_with_repair(
        self, digests: AbstractSet[str]
    ) -> dict[str, list[ObjectLocation]]:
        """Like `places`, but what is not found is looked for again where the indexes themselves are damaged."""
        found = self.find_locations(digests)
        if len(found) < len(digests):
            self.forget_listing()
            self.repair_indexes()
            found = self.find_locations(digests)
        return found

    def repair_indexes(self) -> list[Path]:
        """Make damaged or lost indexes again from their packs; return the paths of those that were bad."""
        bad = []
        for pack in self.packs():
            if pack.is_indexed():
                pack.release_index()
                continue
            bad.append(pack.index_path)
            _repair_index(pack)
        return bad

    def complete_packs(self) -> None:
        """Give each pack that was named just before a crash the index it still lacks."""
        for pack in self.packs():
            if not pack.index_path.exists():
                _repair_index(pack)

    def is_sound(self, digest: str, place: ObjectLocation) -> bool:
        """Whether this copy hashes to its name."""
        try:
            if place.pack:
                return hashlib.sha256(read_location(place)).hexdigest() == digest
            with open_location(place) as source:
                return hash_descriptor(source, None, _ignore_progress)[0] == digest
        except OSError:
            return False

    def set_aside(self, digest: str, place: ObjectLocation) -> Path:
        """Take one copy out of service; it is kept whatever happens, and found again if its old name comes back."""
        durable.make_directory(self.quarantined)
        if place.pack:
            # A pack never changes: what its member reads is kept beside it, under a name that says not to serve it.
            target = self.quarantined / f"{digest}.{place.pack}"
            try:
                data = read_location(place)
            except OSError:
                data = b""
            with contextlib.suppress(FileExistsError):
                durable.create_file(target, data)
        else:
            target = self.quarantined / f"{digest}.loose-{secrets.token_hex(4)}"
            Path(place.path).rename(target)
            durable.sync_directory(self.quarantined)
        self.forget_listing()
        return target

    def retire_pack(self, pack: PackFile) -> None:
        """Take a damaged pack out of service whole; a sound one of the same name is about to replace it."""
        durable.make_directory(self.quarantined)
        suffix = secrets.token_hex(4)
        for name in _list_names(self.quarantined):
            if name.endswith(f".{pack.name}"):
                # The mark was about the pack that goes; left as it is, it would keep the new one from being read.
                (self.quarantined / name).rename(self.quarantined / f"{name}-{suffix}")
        pack.path.rename(self.quarantined / f"{pack.path.name}-{suffix}")
        durable.sync_directories([self.quarantined, self.packs_directory])
        self.forget_listing()

    def missing_objects_error(self, digests: Sequence[Digest]) -> ObjectMissing:
        return ObjectMissing(
            f"not in the object store {self.directory}: {_format_list(map(str, digests))}",
            hint="get the objects from a clone or a remote that has them, or register the same files again",
        )

    def damaged_objects_error(self, copies: Sequence[tuple[Digest, Path]]) -> ObjectDamaged:
        return ObjectDamaged(
            "stored bytes are damaged; `verify` sets them aside, and registering the same files again then stores them: "
            f"{_format_list(f'{digest} in {path}' for digest, path in copies)}",
            hint="mlver verify --all",
        )


def _members(
    pack: PackFile, wanted: DigestSet, marked: AbstractSet[bytes]
) -> Iterator[tuple[int, int, int]]:
    """Rank, offset and size of the members of a pack that are wanted and may be served."""
    lines = len(pack.index) // LINE
    if len(wanted) * 64 < lines:
        for rank, raw in enumerate(wanted.raws()):
            member = pack.find_member(raw.hex())
            if member is not None and raw not in marked:
                yield rank, member.offset, member.size
        return
    rank_of = wanted.rank if lines * 8 < len(wanted) else wanted.rank_next
    for raw, offset, size in pack.entries():
        wanted_rank = rank_of(raw)
        if wanted_rank is not None and raw not in marked:
            yield wanted_rank, offset, size


def _repair_index(pack: PackFile) -> None:
    try:
        index, _ = scan_pack(pack.path)
    except OSError:
        return
    pack.keep_index(index)
    if pack_name(index) == pack.name:
        # A store on a read-only disk is mended in memory only.
        with contextlib.suppress(OSError):
            durable.write_file(pack.index_path, index)
            pack.is_remade = False


def read_location(place: ObjectLocation) -> bytes:
    """The bytes of a copy, unproved; shorter than it should be where the file ends early."""
    with open_location(place) as source:
        return os.pread(source, place.size, place.offset)


@contextlib.contextmanager
def open_location(place: ObjectLocation) -> Iterator[int]:
    descriptor = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        with durable.naming_errors(place.path):
            yield descriptor
    finally:
        os.close(descriptor)


def _list_names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _modification_time(directory: Path) -> int:
    try:
        return directory.stat().st_mtime_ns
    except OSError:
        return 0


def _read_damage_marks(quarantined: Path) -> dict[str, set[str]]:
    marks: dict[str, set[str]] = {}
    for name in _list_names(quarantined):
        digest, _, pack = name.partition(".")
        if len(digest) == len(pack) == 64:
            marks.setdefault(pack, set()).add(digest)
    return marks


def _format_list(items: Iterable[str], most: int = 10) -> str:
    every = list(items)
    more = f"\n  and {len(every) - most} more" if len(every) > most else ""
    return every[0] if len(every) == 1 else "".join(f"\n  {item}" for item in every[:most]) + more


def _ignore_progress(_: int) -> None:
    """Nobody wants to know."""
