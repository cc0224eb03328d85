"""What becomes of the deployments of the side that gives way: they follow those of the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.features.merging.current_versions import CurrentVersions
from mlver.features.merging.outcomes import RecordMove, RecordOutcome, RewrittenRecord
from mlver.findings import Finding
from mlver.project.registry.attached import find_last_link
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.deployments import read_deployment
from mlver.project.registry.registry import RecordRegistry
from mlver.records import file_names
from mlver.records.deployment import DeployedVersion, DeploymentRecord
from mlver.records.deployment_paths import (
    DeploymentPath,
    deployment_path,
    deployments_folder,
    parse_deployment,
)
from mlver.records.references import VersionReference


@dataclass(frozen=True, slots=True)
class MovedDeployments:
    """`places` are the own records that are concerned, and `outcomes` what becomes of each."""

    places: tuple[str, ...]
    outcomes: tuple[RecordOutcome, ...]


@dataclass(frozen=True, slots=True)
class CurrentNames:
    """What versions, promotions and rollouts of the own side are called after the merge.

    `moves` maps the former path of a promotion or a rollout to the one it has then.
    """

    versions: CurrentVersions
    moves: Mapping[str, str]

    @classmethod
    def collect(cls, versions: CurrentVersions, outcomes: Iterable[RecordOutcome]) -> CurrentNames:
        moves: dict[str, str] = {}
        for outcome in outcomes:
            if not isinstance(outcome, Finding) and outcome.rewritten is not None:
                moves[outcome.rewritten.old] = outcome.rewritten.new
        return cls(versions, moves)

    def rename_roles(self, record: DeploymentRecord) -> dict[str, DeployedVersion]:
        """Give versions in roles, and what brought them there, the names they have then."""
        roles: dict[str, DeployedVersion] = {}
        for role, served in record.roles.items():
            renamed = self.rename_version(record.model, served)
            path = record.find_origin(role)
            if path is not None and path in self.moves:
                sequence = file_names.parse_sequence(_read_number(self.moves[path]))
                renamed = replace(renamed, sequence=sequence)
            roles[role] = renamed
        return roles

    def rename_version(self, model: str, served: DeployedVersion) -> DeployedVersion:
        former = VersionReference(served.version, served.record)
        current = self.versions.find_current(model, former)
        return replace(served, version=current.version, record=current.record)


def _read_number(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".yaml")


def move_deployments(
    kept: CommittedRecords, own: CommittedRecords, base: CommittedRecords, names: CurrentNames
) -> MovedDeployments:
    """Give every own deployment the next free number of its target."""
    places = _find_own_deployments(kept, own, base)
    paths = [deployment_path(place.target, place.sequence) for place in places]
    own.fetch_files(paths)
    chains: dict[str, _TargetChain] = {}
    outcomes: list[RecordOutcome] = []
    for place, path in zip(places, paths, strict=True):
        if place.target not in chains:
            chains[place.target] = _TargetChain(RecordRegistry(kept), place.target)
        record = read_deployment(RecordRegistry(own), place.target, place.sequence)
        outcomes.append(chains[place.target].append(record, own.read_file(path), names))
    return MovedDeployments(tuple(paths), tuple(outcomes))


def _find_own_deployments(
    kept: CommittedRecords, own: CommittedRecords, base: CommittedRecords
) -> list[DeploymentPath]:
    """Find the own deployments that the other side does not have, those of a target in order."""
    places: list[DeploymentPath] = []
    for path, entry in own.entries.items():
        place = parse_deployment(path)
        if place is None or path in base.entries or kept.entries.get(path) == entry:
            continue
        places.append(place)
    return sorted(places, key=lambda place: (place.target, place.sequence))


@dataclass(slots=True)
class _TargetChain:
    """The chain of one target, as far as it is put together; `prior` is its last record."""

    kept: RecordRegistry
    target: str
    sequence: int = field(init=False)
    prior: Digest | None = field(init=False)

    def __post_init__(self) -> None:
        self.sequence, self.prior = find_last_link(self.kept, deployments_folder(self.target))

    def append(
        self, record: DeploymentRecord, data: bytes | None, names: CurrentNames
    ) -> RecordOutcome:
        path = record.record_path
        moved = replace(
            record,
            sequence=self.sequence + 1,
            prior=self.prior,
            roles=names.rename_roles(record),
            kept=tuple(names.rename_version(record.model, one) for one in record.kept),
        )
        rewritten = None
        if moved != record:
            reason = "its number is taken by the other side"
            if moved.record_path == path:
                reason = "what it names has moved"
            rewritten = RewrittenRecord(path, moved.record_path, reason)
            data = codec.encode_document("deployment", moved.to_document())
        self.sequence += 1
        self.prior = Digest.of_bytes(data or b"")
        return RecordMove(moved.record_path, data, rewritten)
