"""Records about a version that is registered already, and what each new one follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.registry.registry import RecordRegistry
from mlver.records import file_names, layout
from mlver.records.layout import (
    ApprovalPath,
    AttachedPath,
    EvaluationPath,
    ReproductionPath,
    RetirementPath,
    VerdictPath,
)
from mlver.version import Version

if TYPE_CHECKING:
    from mlver.policy.renumber import AttachedRecord
    from mlver.records.note import NoteRecord
    from mlver.records.reproduction import ReproductionRecord
    from mlver.records.retirement import RetirementRecord
    from mlver.records.verdict import VerdictRecord


def read_attached(registry: RecordRegistry, place: AttachedPath) -> AttachedRecord:
    """Read the record at a place; raise MlverError where there is none, or none that is valid."""
    match place:
        case EvaluationPath(model, version, sequence):
            evaluation, _ = registry.read_evaluation(model, version, sequence)
            return evaluation
        case ApprovalPath(model, version, stage, sequence):
            return registry.read_approval(model, version, stage, sequence)[0]
        case RetirementPath(model, version, sequence):
            return read_retirement(registry, model, version, sequence)
        case ReproductionPath(model, version, sequence):
            return read_reproduction(registry, model, version, sequence)
        case VerdictPath(model, stage, sequence):
            return read_verdict(registry, model, stage, sequence)
    return read_note(registry, place.model, place.version, place.sequence)


def read_note(
    registry: RecordRegistry, model: str, number: Version | str, sequence: int
) -> NoteRecord:
    # imported here, as below: `list` need not know what no version has
    from mlver.records.note import NoteRecord

    path = layout.note_path(model, number, sequence)
    return registry.read_placed("note", NoteRecord.from_document, path)


def read_notes(registry: RecordRegistry, model: str, number: Version | str) -> list[NoteRecord]:
    """Read the notes of a version, oldest first."""
    sequences = registry.list_sequences(layout.notes_folder(model, number))
    return [read_note(registry, model, number, sequence) for sequence in sequences]


def read_retirement(
    registry: RecordRegistry, model: str, number: Version | str, sequence: int
) -> RetirementRecord:
    from mlver.records.retirement import RetirementRecord

    path = layout.retirement_path(model, number, sequence)
    return registry.read_placed("retirement", RetirementRecord.from_document, path)


def read_retirements(
    registry: RecordRegistry, model: str, number: Version | str
) -> list[RetirementRecord]:
    """Read the retirements and restorations of a version, oldest first."""
    sequences = registry.list_sequences(layout.retirements_folder(model, number))
    return [read_retirement(registry, model, number, sequence) for sequence in sequences]


def read_reproduction(
    registry: RecordRegistry, model: str, number: Version | str, sequence: int
) -> ReproductionRecord:
    from mlver.records.reproduction import ReproductionRecord

    path = layout.reproduction_path(model, number, sequence)
    return registry.read_placed("reproduction", ReproductionRecord.from_document, path)


def read_reproductions(
    registry: RecordRegistry, model: str, number: Version | str
) -> list[ReproductionRecord]:
    """Read the reproductions of a version, oldest first."""
    sequences = registry.list_sequences(layout.reproductions_folder(model, number))
    return [read_reproduction(registry, model, number, sequence) for sequence in sequences]


def read_digested_reproductions(
    registry: RecordRegistry, model: str, number: Version | str
) -> list[tuple[ReproductionRecord, Digest]]:
    """Read the reproductions of a version, oldest first, each with the digest of its bytes."""
    folder = layout.reproductions_folder(model, number)
    found: list[tuple[ReproductionRecord, Digest]] = []
    for record in read_reproductions(registry, model, number):
        digest = find_link_digest(registry, folder, record.sequence)
        if digest is not None:
            found.append((record, digest))
    return found


def read_verdict(registry: RecordRegistry, model: str, stage: str, sequence: int) -> VerdictRecord:
    from mlver.records.verdict import VerdictRecord

    path = layout.verdict_path(model, stage, sequence)
    return registry.read_placed("verdict", VerdictRecord.from_document, path)


def read_verdicts(registry: RecordRegistry, model: str, stage: str) -> list[VerdictRecord]:
    """Read the verdicts on what a stage served, oldest first."""
    sequences = registry.list_sequences(layout.verdicts_folder(model, stage))
    return [read_verdict(registry, model, stage, sequence) for sequence in sequences]


def list_judged_stages(registry: RecordRegistry, model: str) -> list[str]:
    """List the stages that have a verdict."""
    names = registry.list_names(layout.all_verdicts_folder(model))
    return sorted(filter(file_names.is_stage_name, names))


def read_digested_verdicts(
    registry: RecordRegistry, model: str, stage: str
) -> list[tuple[VerdictRecord, Digest]]:
    """Read the verdicts on what a stage served, oldest first, each with the digest of its bytes."""
    folder = layout.verdicts_folder(model, stage)
    found: list[tuple[VerdictRecord, Digest]] = []
    for record in read_verdicts(registry, model, stage):
        digest = find_link_digest(registry, folder, record.sequence)
        if digest is not None:
            found.append((record, digest))
    return found


def find_retirement(
    registry: RecordRegistry, model: str, number: Version | str
) -> RetirementRecord | None:
    """Find the record that retires a version; None for one that is in use."""
    sequences = registry.list_sequences(layout.retirements_folder(model, number))
    if not sequences:
        return None
    record = read_retirement(registry, model, number, sequences[-1])
    return record if record.action == "retire" else None


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
    names = registry.list_names(layout.retired_folder(model))
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
    data = registry.read_file(f"{folder}/{sequence:04d}.yaml")
    return None if data is None else Digest.of_bytes(data)
