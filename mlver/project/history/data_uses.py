"""Which versions, and so which stages, were trained on data: directly, or through the version that
they were trained from.

What a version was trained from is its parent, the versions whose parts it mixes, and the versions
of other models that it uses: what those learned from data is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.version import parse_version

# A version of a model, by its name and number.
Place = tuple[str, str]


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
    versions = _AllVersions(registry)
    within = find_holding_directories(registry, data)
    wanted = {data, *within}
    reached = _spread(versions.records, wanted)
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


def list_origins(record: VersionRecord) -> list[Place]:
    """List the versions that a version was trained from, itself left out."""
    origins: dict[Place, None] = {}
    # In format 1 a version that was trained from nothing names the one before it as its parent.
    trained = record.format > 1 or record.update != "full"
    if record.parent is not None and trained:
        origins[record.model, record.parent] = None
    for version in record.mixed.values():
        origins[record.model, version] = None
    for use in record.uses:
        origins[use.model, use.version] = None
    origins.pop((record.model, record.version), None)
    return list(origins)


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


@dataclass(slots=True)
class _AllVersions:
    """Every version that can be read, in order, and the stages of their models."""

    registry: RecordRegistry
    records: dict[Place, VersionRecord] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    _stages: dict[str, _HeldStages] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for model in self.registry.list_models():
            numbers = self.registry.list_versions(model)
            outcomes = self.registry.read_versions(model, numbers)
            for number, outcome in zip(numbers, outcomes, strict=True):
                if isinstance(outcome, MlverError):
                    path = layout.version_path(model, number)
                    self.unread.append(f"{path}: {summarise_error(outcome, path)}")
                    continue
                self.records[model, str(number)] = outcome[0]

    def list_stages(self, record: VersionRecord, *, now: bool) -> tuple[str, ...]:
        if record.model not in self._stages:
            self._stages[record.model] = self._read_stages(record.model)
        held = self._stages[record.model]
        if now:
            return held.list_now(record.version)
        return held.list_before(record.version)

    def _read_stages(self, model: str) -> _HeldStages:
        holders: dict[str, str] = {}
        former: dict[str, set[str]] = {}
        for stage in self.registry.list_stages(model):
            for sequence in self.registry.list_sequences(layout.stage_folder(model, stage)):
                try:
                    promotion, _ = self.registry.read_promotion(model, stage, sequence)
                except MlverError as error:
                    path = layout.promotion_path(model, stage, sequence)
                    self.unread.append(f"{path}: {summarise_error(error, path)}")
                    continue
                former.setdefault(promotion.version, set()).add(stage)
                holders[stage] = promotion.version
                if promotion.action == "retire":
                    del holders[stage]
        return _HeldStages(holders, former)


@dataclass(frozen=True, slots=True)
class _HeldStages:
    holders: Mapping[str, str]
    former: Mapping[str, Collection[str]]

    def list_now(self, version: str) -> tuple[str, ...]:
        return tuple(stage for stage, holder in self.holders.items() if holder == version)

    def list_before(self, version: str) -> tuple[str, ...]:
        now = self.list_now(version)
        return tuple(stage for stage in sorted(self.former.get(version, ())) if stage not in now)


def _spread(
    records: Mapping[Place, VersionRecord], wanted: Collection[Digest]
) -> dict[Place, str | None]:
    """Find the versions that these digests reached, in the order of `records`: each with the
    version it has them from, None for its own data.
    """
    reached: dict[Place, str | None] = {}
    for place, record in records.items():
        if any(item.digest in wanted for item in record.data.values()):
            reached[place] = None
    children = dict(_index_children(records))
    pending = list(reached)
    while pending:
        origin = pending.pop()
        for child in children.get(origin, ()):
            if child not in reached:
                reached[child] = "@".join(origin)
                pending.append(child)
    return {place: reached[place] for place in records if place in reached}


def _index_children(
    records: Mapping[Place, VersionRecord],
) -> Iterator[tuple[Place, list[Place]]]:
    children: dict[Place, list[Place]] = {}
    for place, record in records.items():
        for origin in list_origins(record):
            children.setdefault(origin, []).append(place)
    yield from children.items()


def list_data_sets(
    registry: RecordRegistry, record: VersionRecord
) -> tuple[list[tuple[str, str, Digest]], list[str]]:
    """List every data set that a version was trained on, those of its origins too, and what could
    not be read.

    Each is a version (`MODEL@VERSION`), the name of a data set there, and its digest.
    """
    found: list[tuple[str, str, Digest]] = []
    unread: list[str] = []
    known = {(record.model, record.version)}
    pending = [record]
    while pending:
        current = pending.pop()
        for name, item in current.data.items():
            found.append((f"{current.model}@{current.version}", name, item.digest))
        for model, number in list_origins(current):
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
