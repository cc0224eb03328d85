"""Every version of a repository, and the stages that each holds or held."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.references import VersionUse
from mlver.records.version import VersionRecord

# A version of a model, by its name and number.
Place = tuple[str, str]


@dataclass(slots=True)
class AllVersions:
    """Every version that can be read, in order, and the stages of their models."""

    registry: RecordRegistry
    records: dict[Place, VersionRecord] = field(default_factory=dict)
    digests: dict[Place, Digest] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    _former: dict[tuple[str, Digest], Place] = field(default_factory=dict)
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
                place = (model, str(number))
                record, digest = outcome
                self.records[place], self.digests[place] = record, digest
                if record.renumbered is not None:
                    self._former[model, record.renumbered.record] = place

    def find_place(self, use: VersionUse) -> Place:
        """Where the record is that was used; a merge may have given it another number since."""
        place = use.model, use.version
        if self.digests.get(place) == use.record:
            return place
        return self._former.get((use.model, use.record), place)

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
