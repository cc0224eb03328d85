"""`mlver du`: where bytes are, whose they are, and what gc would free."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlver.errors import MlverError
from mlver.policy.local_collection import LocalFate
from mlver.project.artifacts import storing
from mlver.project.artifacts.measuring import stored_files
from mlver.project.project import Project
from mlver.project.remote.local_gc import plan_local
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
    """A version: the bytes of its stored contents, and of those that no other version has.

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

    `unneeded` would go to the trash with the next `gc`, `freed` would be deleted by it, and
    `expiring` waits in the trash. `problem` is why the last three cannot be told; None elsewhere.
    """

    total: int
    local: tuple[DuPlace, ...]
    versions: tuple[DuVersion, ...]
    shared: int
    remotes: tuple[DuRemote, ...]
    unneeded: int
    freed: int
    expiring: int
    problem: str | None


def measure_usage(project: Project, remotes: Iterable[str]) -> DuResult:
    """Measure the local store, and these remotes."""
    local = tuple(_measure_local(project))
    sizes = _read_sizes(project)
    contents = dict(_list_contents(project))
    holders = Counter(digest for digests in contents.values() for digest in digests)
    versions: list[DuVersion] = []
    for (model, number), digests in contents.items():
        own = sum(sizes.get(digest, 0) for digest in digests if holders[digest] == 1)
        size = sum(sizes.get(digest, 0) for digest in digests)
        missing = sum(1 for digest in digests if digest not in sizes)
        versions.append(DuVersion(model, number, size, own, missing))
    shared = sum(sizes.get(digest, 0) for digest, count in holders.items() if count > 1)
    unneeded, freed, expiring, problem = _measure_garbage(project)
    return DuResult(
        total=sum(place.bytes for place in local),
        local=local,
        versions=tuple(versions),
        shared=shared,
        remotes=tuple(_measure_remote(project, name) for name in remotes),
        unneeded=unneeded,
        freed=freed,
        expiring=expiring,
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


def _read_sizes(project: Project) -> Mapping[str, int]:
    """The size of each content in the local store, by digest."""
    sizes: dict[str, int] = {}
    for stored in storing.open_trash(project).list_stored():
        sizes.update(stored.members or {})
    return sizes


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


def _measure_garbage(project: Project) -> tuple[int, int, int, str | None]:
    try:
        grace = project.registry.read_config().retention.grace_time.total_seconds()
        report = plan_local(project, grace)
    except MlverError as error:
        return 0, 0, 0, error.message
    return (
        report.count_bytes(LocalFate.TRASHED),
        report.count_bytes(LocalFate.DELETED),
        report.count_bytes(LocalFate.WAITING),
        None,
    )


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
