"""Which versions, and so which stages, were trained on data: directly, or through the version that
they were trained from.

What a version was trained from is its parent, the versions whose parts it mixes, and the versions
of other models that it uses: what those learned from data is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.history.all_versions import AllVersions, Place
from mlver.project.history.version_uses import find_used
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.references import VersionUse
from mlver.records.version import VersionRecord
from mlver.version import parse_version

OriginRelation = Literal["parent", "mixed", "uses"]
FindPlace = Callable[[VersionUse], Place]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """A version that was trained on the data.

    `names` are its own data sets that are the data, or hold it; without any, it learned of it
    `through` another version, `MODEL@VERSION`. `stages` are those that it holds now, `held` those
    that it held before.
    """

    model: str
    version: str
    names: tuple[str, ...]
    through: str | None
    stages: tuple[str, ...]
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUses:
    """All versions that were trained on `data`, by model and then from the lowest.

    `within` are the directories that hold it as a file. `unread` says of each record that could not
    be read why not: nobody knows what that version was trained on.
    """

    data: Digest
    within: tuple[Digest, ...] = ()
    uses: tuple[DataUse, ...] = ()
    unread: tuple[str, ...] = ()


def find_data_uses(registry: RecordRegistry, data: Digest) -> DataUses:
    """Find every version that was trained on `data`: a data set, or one file of a directory."""
    versions = AllVersions(registry)
    within = find_holding_directories(registry, data)
    wanted = {data, *within}
    reached = _spread(versions, wanted)
    uses: list[DataUse] = []
    for place, through in reached.items():
        record = versions.records[place]
        names = [name for name, item in record.data.items() if item.digest in wanted]
        uses.append(
            DataUse(
                model=record.model,
                version=record.version,
                names=tuple(names),
                through=through,
                stages=versions.list_stages(record, now=True),
                held=versions.list_stages(record, now=False),
            )
        )
    return DataUses(
        data=data, within=tuple(within), uses=tuple(uses), unread=tuple(versions.unread)
    )


def list_origins(record: VersionRecord, find_place: FindPlace) -> list[Place]:
    """List the versions that a version was trained from, itself left out."""
    return list(dict.fromkeys(place for _, place in list_related(record, find_place)))


def list_related(
    record: VersionRecord, find_place: FindPlace
) -> list[tuple[OriginRelation, Place]]:
    """List the same with what each is to the version; one may be several things to it.

    `find_place` says under which number a version is that is used.
    """
    related: dict[tuple[OriginRelation, Place], None] = {}
    # In format 1 a version that was trained from nothing names the one before it as its parent.
    trained = record.format > 1 or record.update != "full"
    if record.parent is not None and trained:
        related["parent", (record.model, record.parent)] = None
    for version in record.mixed.values():
        related["mixed", (record.model, version)] = None
    for use in record.uses:
        related["uses", find_place(use)] = None
    own = (record.model, record.version)
    return [(relation, place) for relation, place in related if place != own]


def find_holding_directories(registry: RecordRegistry, data: Digest) -> list[Digest]:
    """Find the directories that hold a file with these contents, by their manifests."""
    needle = data.hex.encode()
    found: list[Digest] = []
    for name in registry.list_names(layout.MANIFESTS):
        hexadecimal, _, suffix = name.partition(".")
        if suffix != "sha256" or len(hexadecimal) != len(data.hex):
            continue
        contents = registry.read_file(f"{layout.MANIFESTS}/{name}") or b""
        if needle in contents:
            found.append(Digest(hexadecimal))
    return found


def _spread(versions: AllVersions, wanted: Collection[Digest]) -> dict[Place, str | None]:
    """Find the versions that these digests reached, in the order of the records: each with the
    version it has them from, None for its own data.
    """
    records = versions.records
    reached: dict[Place, str | None] = {}
    for place, record in records.items():
        if any(item.digest in wanted for item in record.data.values()):
            reached[place] = None
    children = _index_children(versions)
    pending = list(reached)
    while pending:
        origin = pending.pop()
        for child in children.get(origin, ()):
            if child not in reached:
                reached[child] = "@".join(origin)
                pending.append(child)
    return {place: reached[place] for place in records if place in reached}


def _index_children(versions: AllVersions) -> dict[Place, list[Place]]:
    """The versions that were trained from each version, by that version."""
    children: dict[Place, list[Place]] = {}
    for place, record in versions.records.items():
        for origin in list_origins(record, versions.find_place):
            children.setdefault(origin, []).append(place)
    return children


def list_data_sets(
    registry: RecordRegistry, record: VersionRecord
) -> tuple[list[tuple[str, str, Digest]], list[str]]:
    """List every data set that a version was trained on, those of its origins too, and what could
    not be read.

    Each is a version (`MODEL@VERSION`), the name of a data set there, and its digest.
    """

    def find_place(use: VersionUse) -> Place:
        used = find_used(registry, use)
        return use.model, use.version if used is None else used[0].version

    found: list[tuple[str, str, Digest]] = []
    unread: list[str] = []
    known = {(record.model, record.version)}
    pending = [record]
    while pending:
        current = pending.pop()
        for name, item in current.data.items():
            found.append((f"{current.model}@{current.version}", name, item.digest))
        for model, number in list_origins(current, find_place):
            if (model, number) in known:
                continue
            known.add((model, number))
            try:
                origin, _ = registry.read_version(model, parse_version(number))
            except MlverError as error:
                unread.append(f"{model}@{number}, which it was trained from: {error.message}")
                continue
            pending.append(origin)
    return found, unread


def find_own_data(registry: RecordRegistry, version: VersionRecord, data: Digest) -> str | None:
    """Find which data of a version, or of those that it was trained from, is or holds these bytes.

    None where none does.
    """
    data_sets, _ = list_data_sets(registry, version)
    names = {digest: f"{name} of {place}" for place, name, digest in reversed(data_sets)}
    if data in names:
        return names[data]
    for folder in find_holding_directories(registry, data):
        if folder in names:
            return f"a file in {names[folder]}"
    return None
