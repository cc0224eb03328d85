"""The evaluations and approvals of the side that gives way: they follow their versions, or cannot
come along.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from mlver.document import codec
from mlver.features.merging.current_versions import CurrentVersions, VersionReference
from mlver.features.merging.outcomes import (
    MergeRecords,
    RecordMove,
    RecordOutcome,
    RewrittenRecord,
)
from mlver.findings import Finding
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.layout import ApprovalPath, EvaluationPath

AttachedRecord = EvaluationRecord | ApprovalRecord


def move_attached_records(records: MergeRecords, versions: CurrentVersions) -> list[RecordOutcome]:
    """Give every own evaluation and approval its version's new number, and a place that is free
    there.
    """
    outcomes: list[RecordOutcome] = []
    taken: set[str] = set()
    for path, place in records.places:
        if not isinstance(place, EvaluationPath | ApprovalPath):
            continue
        record = _read_attached_record(records.own, place)
        outcome = _move_attached_record(records, versions, path, record, taken)
        if isinstance(outcome, RecordMove):
            taken.add(outcome.path)
        outcomes.append(outcome)
    return outcomes


def _read_attached_record(
    side: RecordRegistry, place: EvaluationPath | ApprovalPath
) -> AttachedRecord:
    if place.kind == "evaluation":
        return side.read_evaluation(place.model, place.version, place.sequence)
    return side.read_approval(place.model, place.version, place.stage, place.sequence)


def _move_attached_record(
    records: MergeRecords,
    versions: CurrentVersions,
    path: str,
    record: AttachedRecord,
    taken: Container[str],
) -> RecordOutcome:
    former = VersionReference(record.version, record.record)
    current = versions.find_current(record.model, former)
    if isinstance(record, ApprovalRecord) and current != former:
        why = f"it was given for {former.version}, and is nobody's yes to {current.version}"
        return Finding("dropped", path, f"{why}: approve that again")
    moved = replace(record, version=current.version, record=current.record)
    # Both sides may have measured a version, or approved it, under the same sequence number.
    while _build_path(moved) in taken or _build_path(moved) in records.kept_paths:
        moved = replace(moved, sequence=moved.sequence + 1)
    if moved == record:
        return RecordMove(path, records.own.read_file(path))
    why = "its number is taken by the other side"
    if current != former:
        why = f"{former.version} is {current.version} now"
    data = _encode_record(moved)
    return RecordMove(_build_path(moved), data, RewrittenRecord(path, _build_path(moved), why))


def _build_path(record: AttachedRecord) -> str:
    if isinstance(record, ApprovalRecord):
        return layout.approval_path(record.model, record.version, record.stage, record.sequence)
    return layout.evaluation_path(record.model, record.version, record.sequence)


def _encode_record(record: AttachedRecord) -> bytes:
    if isinstance(record, ApprovalRecord):
        return codec.encode_document("approval", record.to_document())
    return codec.encode_document("evaluation", record.to_document())
