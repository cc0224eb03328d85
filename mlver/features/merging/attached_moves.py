"""The evaluations and approvals of the side that gives way: they follow their versions, or cannot
come along.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from mlver.document import codec
from mlver.features.merging.current_versions import CurrentVersions
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
from mlver.records.references import VersionReference

AttachedRecord = EvaluationRecord | ApprovalRecord


def move_attached_records(records: MergeRecords, versions: CurrentVersions) -> list[RecordOutcome]:
    """Give every own evaluation and approval its version's new number, and a place that is free
    there.
    """
    outcomes: list[RecordOutcome] = []
    taken_paths: set[str] = set()
    for record_path, parsed_path in records.places:
        if not isinstance(parsed_path, EvaluationPath | ApprovalPath):
            continue
        record = _read_attached_record(records.own, parsed_path)
        outcome = _move_attached_record(records, versions, record_path, record, taken_paths)
        if isinstance(outcome, RecordMove):
            taken_paths.add(outcome.path)
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
        reason = f"it was given for {former.version}, and nobody approved {current.version}"
        return Finding("dropped", path, f"{reason}: approve that again")
    moved_record = replace(record, version=current.version, record=current.record)
    # Both sides may have measured a version, or approved it, under the same sequence number.
    new_path = _build_path(moved_record)
    while new_path in taken or new_path in records.kept_paths:
        moved_record = replace(moved_record, sequence=moved_record.sequence + 1)
        new_path = _build_path(moved_record)
    if moved_record == record:
        return RecordMove(path, records.own.read_file(path))
    reason = "its number is taken by the other side"
    if current != former:
        reason = f"{former.version} is {current.version} now"
    record_bytes = _encode_record(moved_record)
    rewritten = RewrittenRecord(path, new_path, reason)
    return RecordMove(new_path, record_bytes, rewritten)


def _build_path(record: AttachedRecord) -> str:
    if isinstance(record, ApprovalRecord):
        return layout.approval_path(record.model, record.version, record.stage, record.sequence)
    return layout.evaluation_path(record.model, record.version, record.sequence)


def _encode_record(record: AttachedRecord) -> bytes:
    if isinstance(record, ApprovalRecord):
        return codec.encode_document("approval", record.to_document())
    return codec.encode_document("evaluation", record.to_document())
