"""Records about a version that is registered already, and what each new one follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.registry.registry import RecordRegistry
from mlver.records import file_names, layout
from mlver.records.layout import AttachedKind, AttachedPath
from mlver.version import Version

if TYPE_CHECKING:
    from mlver.policy.renumber import AttachedRecord
    from mlver.records.note import NoteRecord
    from mlver.records.reproduction import ReproductionRecord
    from mlver.records.retirement import RetirementRecord
    from mlver.records.rollout import RolloutRecord
    from mlver.records.verdict import VerdictRecord

Record = TypeVar(
    "Record",
    bound="NoteRecord | ReproductionRecord | RetirementRecord | RolloutRecord | VerdictRecord",
)


@dataclass(frozen=True, slots=True)
class ChainReader(Generic[Record]):
    """Reads the records of one kind, each of which names the one before it.

    Such a chain lies in a folder of its own below `name`: a version, or of verdicts and rollouts a
    stage.
    """

    kind: AttachedKind
    build: Callable[[Mapping[str, Any]], Record]

    def locate(self, model: str, name: Version | str) -> str:
        """The folder where a chain lies."""
        return layout.attached_folder(self.kind, model, name)

    def read(
        self, registry: RecordRegistry, model: str, name: Version | str, sequence: int
    ) -> Record:
        """Read one record; raise MlverError where there is none, or none that is valid."""
        path = layout.numbered_path(self.locate(model, name), sequence)
        return registry.read_placed(self.kind, self.build, path)

    def read_placed(self, registry: RecordRegistry, place: AttachedPath) -> Record:
        """Read the record at a place; raise MlverError as `read` does."""
        name = place.version or place.stage
        assert name is not None
        return self.read(registry, place.model, name, place.sequence)

    def read_all(self, registry: RecordRegistry, model: str, name: Version | str) -> list[Record]:
        """Read a chain, oldest first."""
        sequences = registry.list_sequences(self.locate(model, name))
        return [self.read(registry, model, name, sequence) for sequence in sequences]

    def read_last(self, registry: RecordRegistry, model: str, name: Version | str) -> Record | None:
        """Read the newest record of a chain; None for an empty one."""
        sequences = registry.list_sequences(self.locate(model, name))
        return self.read(registry, model, name, sequences[-1]) if sequences else None

    def read_digested(
        self, registry: RecordRegistry, model: str, name: Version | str
    ) -> list[tuple[Record, Digest]]:
        """Read a chain, oldest first, each record with the digest of its bytes."""
        folder = self.locate(model, name)
        found: list[tuple[Record, Digest]] = []
        for record in self.read_all(registry, model, name):
            digest = find_link_digest(registry, folder, record.sequence)
            if digest is not None:
                found.append((record, digest))
        return found


# The classes are imported where a record is read: `list` need not know what no version has.


def _build_note(document: Mapping[str, Any]) -> NoteRecord:
    from mlver.records.note import NoteRecord

    return NoteRecord.from_document(document)


def _build_retirement(document: Mapping[str, Any]) -> RetirementRecord:
    from mlver.records.retirement import RetirementRecord

    return RetirementRecord.from_document(document)


def _build_reproduction(document: Mapping[str, Any]) -> ReproductionRecord:
    from mlver.records.reproduction import ReproductionRecord

    return ReproductionRecord.from_document(document)


def _build_verdict(document: Mapping[str, Any]) -> VerdictRecord:
    from mlver.records.verdict import VerdictRecord

    return VerdictRecord.from_document(document)


def _build_rollout(document: Mapping[str, Any]) -> RolloutRecord:
    from mlver.records.rollout import RolloutRecord

    return RolloutRecord.from_document(document)


NOTES = ChainReader("note", _build_note)
RETIREMENTS = ChainReader("retirement", _build_retirement)
REPRODUCTIONS = ChainReader("reproduction", _build_reproduction)
VERDICTS = ChainReader("verdict", _build_verdict)
ROLLOUTS = ChainReader("rollout", _build_rollout)
CHAINS = {chain.kind: chain for chain in (NOTES, RETIREMENTS, REPRODUCTIONS, VERDICTS, ROLLOUTS)}
"""The chains of records about versions, by their kind."""


def read_attached(registry: RecordRegistry, place: AttachedPath) -> AttachedRecord:
    """Read the record at a place; raise MlverError where there is none, or none that is valid."""
    if place.kind == "evaluation":
        assert place.version is not None
        return registry.read_evaluation(place.model, place.version, place.sequence)[0]
    if place.kind == "approval":
        assert place.version is not None
        assert place.stage is not None
        return registry.read_approval(place.model, place.version, place.stage, place.sequence)[0]
    return CHAINS[place.kind].read_placed(registry, place)


def list_judged_stages(registry: RecordRegistry, model: str) -> list[str]:
    """List the stages that have a verdict."""
    names = registry.list_names(layout.attached_folder("verdict", model))
    return sorted(filter(file_names.is_stage_name, names))


def list_shared_stages(registry: RecordRegistry, model: str) -> list[str]:
    """List the stages that ever had a rollout."""
    names = registry.list_names(layout.attached_folder("rollout", model))
    return sorted(filter(file_names.is_stage_name, names))


def find_retirement(
    registry: RecordRegistry, model: str, number: Version | str
) -> RetirementRecord | None:
    """Find the record that retires a version; None for one that is in use."""
    record = RETIREMENTS.read_last(registry, model, number)
    return record if record is not None and record.action == "retire" else None


def is_retired(registry: RecordRegistry, model: str, number: Version | str) -> bool | None:
    """Whether a version is retired; None where that cannot be read."""
    try:
        return find_retirement(registry, model, number) is not None
    except MlverError:
        return None


def find_usable(registry: RecordRegistry, model: str, versions: Iterable[str]) -> str | None:
    """Find the first of these versions that is known not to be retired, for a hint."""
    for version in versions:
        if is_retired(registry, model, version) is False:
            return version
    return None


def list_retired(registry: RecordRegistry, model: str) -> list[str]:
    """List the versions of a model that were ever retired."""
    names = registry.list_names(layout.attached_folder("retirement", model))
    return [name for name in names if file_names.parse_version_name(name) is not None]


def find_last_link(registry: RecordRegistry, folder: str) -> tuple[int, Digest | None]:
    """Find the highest number in a folder of numbered records, and the digest of that record.

    They are 0 and None for an empty folder.
    """
    sequences = registry.list_sequences(folder)
    if not sequences:
        return 0, None
    return sequences[-1], find_link_digest(registry, folder, sequences[-1])


def find_link_digest(registry: RecordRegistry, folder: str, sequence: int) -> Digest | None:
    """Find the digest of a numbered record, unchecked; None where there is no such record."""
    data = registry.read_file(layout.numbered_path(folder, sequence))
    return None if data is None else Digest.of_bytes(data)
