"""`mlver du`: where bytes are, whose they are, and what gc would free."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.local_collection import LocalFate
from mlver.project.artifacts import storing
from mlver.project.artifacts.measuring import stored_files
from mlver.project.project import Project
from mlver.project.remote.local_gc import LocalGcReport, plan_local
from mlver.project.remote.opening import find_named, open_named
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class DuPlace:
    """Files or blobs of one kind: how many, and their bytes."""

    kind: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DuVersion:
    """A version: the bytes of its stored contents, and of what no other version has any part of.

    `missing` is how many of its contents are not in the local store.
    """

    model: str
    version: str
    bytes: int
    own: int
    missing: int


@dataclass(frozen=True, slots=True)
class DuRemote:
    """A remote: its blobs by folder."""

    address: str
    places: tuple[DuPlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuResult:
    """`total` is in bytes, of the local store; `shared` is what several versions have in it.

    `saved` is how much larger the contents are than what is stored of them: `gc` keeps those of a
    series in parts.

    `unneeded` would go to the trash with the next `gc`, `freed` would be deleted by it, and
    `expiring` waits in the trash. `sharable` is how many files it would keep in parts, where that
    pays. `problem` is why the last four cannot be told; None elsewhere.
    """

    total: int
    local: tuple[DuPlace, ...]
    versions: tuple[DuVersion, ...]
    shared: int
    saved: int
    remotes: tuple[DuRemote, ...]
    unneeded: int
    freed: int
    expiring: int
    sharable: int
    problem: str | None


def measure_usage(project: Project, remotes: Iterable[str]) -> DuResult:
    """Measure the local store, and these remotes."""
    local = tuple(_measure_local(project))
    contents = dict(_list_contents(project))
    store = _ContentSizes.read(project, contents.values())
    holders = Counter(piece for digests in contents.values() for piece in store.cut(digests))
    versions: list[DuVersion] = []
    for (model, number), digests in contents.items():
        pieces = store.cut(digests)
        own = sum(size for piece, size in pieces.items() if holders[piece] == 1)
        size = sum(store.sizes.get(digest, 0) for digest in digests)
        missing = len(digests - store.sizes.keys())
        versions.append(DuVersion(model, number, size, own, missing))
    everything = {digest for digests in contents.values() for digest in digests}
    stored = store.cut(everything)
    garbage, problem = _plan_garbage(project)
    return DuResult(
        total=sum(place.bytes for place in local),
        local=local,
        versions=tuple(versions),
        shared=sum(size for piece, size in stored.items() if holders[piece] > 1),
        saved=sum(store.sizes.get(digest, 0) for digest in everything) - sum(stored.values()),
        remotes=tuple(_measure_remote(project, name) for name in remotes),
        unneeded=garbage.count_bytes(LocalFate.TRASHED),
        freed=garbage.count_bytes(LocalFate.DELETED),
        expiring=garbage.count_bytes(LocalFate.WAITING),
        sharable=len(garbage.candidates),
        problem=problem,
    )


def _measure_local(project: Project) -> Iterator[DuPlace]:
    for kind in ("objects", "packs", "parts", "recipes", "trash", "quarantine"):
        count = size = 0
        for path in _list_files(project.state_directory / kind):
            with suppress(OSError):
                size += path.lstat().st_size
                count += 1
        if count:
            yield DuPlace(kind, count, size)


def _list_files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent) / name


@dataclass(frozen=True, slots=True)
class _ContentSizes:
    """The size of each content in the local store, and what those take that are kept in parts."""

    sizes: Mapping[str, int]
    pieces: Mapping[str, Mapping[str, int]]

    @classmethod
    def read(cls, project: Project, contents: Iterable[AbstractSet[str]]) -> Self:
        """Of these contents, as far as they are there."""
        sizes: dict[str, int] = {}
        for stored in storing.open_trash(project).list_stored():
            sizes.update(stored.members or {})
        store = storing.open_local(project)
        wanted = {digest for digests in contents for digest in digests}
        absent = [Digest(digest) for digest in wanted - sizes.keys()]
        for digest, size in store.read_sizes(absent).items():
            sizes[digest.hex] = size
        return cls(sizes, store.measure_pieces(wanted & sizes.keys()))

    def cut(self, digests: AbstractSet[str]) -> dict[str, int]:
        """The pieces that these contents are stored as, each once, with its bytes."""
        cut: dict[str, int] = {}
        for digest in digests & self.sizes.keys():
            cut.update(self.pieces.get(digest, {digest: self.sizes[digest]}))
        return cut


def _list_contents(project: Project) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """The digests of the files of each version, by model and number."""
    registry = project.registry
    for model in registry.list_models():
        for outcome in registry.read_versions(model, registry.list_versions(model)):
            if isinstance(outcome, MlverError):
                raise outcome
            record, _ = outcome
            yield (record.model, record.version), _find_contents(project, record)


def _find_contents(project: Project, record: VersionRecord) -> set[str]:
    """Those that mlver stores. Raise MlverError where a manifest is missing or damaged."""
    digests: set[str] = set()
    for artifact in record.named_artifacts().values():
        if artifact.stored:
            digests.update(digest for _, digest in stored_files(project, artifact))
    return digests


def _plan_garbage(project: Project) -> tuple[LocalGcReport, str | None]:
    """What gc would do, or why that cannot be told."""
    try:
        grace = project.registry.read_config().retention.grace_time.total_seconds()
        return plan_local(project, grace), None
    except MlverError as error:
        return LocalGcReport(), error.message


def _measure_remote(project: Project, named: str) -> DuRemote:
    remote = find_named(project, named)
    blobs = open_named(project, remote).blobs
    if blobs is None:
        raise MlverError(f"{remote.shown_address} cannot list what it holds", hint="mlver du")
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for info in blobs.list_blobs(""):
        folder = info.key.partition("/")[0]
        counts[folder] += 1
        sizes[folder] += info.size
    places = [DuPlace(folder, counts[folder], sizes[folder]) for folder in sorted(counts)]
    return DuRemote(blobs.address, tuple(places))
