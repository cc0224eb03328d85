"""What the side that gives way recorded about versions: it follows them, or cannot come along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.features.merging.current_versions import CurrentVersions
from mlver.features.merging.outcomes import (
    MergeRecords,
    RecordMove,
    RecordOutcome,
    RewrittenRecord,
)
from mlver.findings import Finding
from mlver.policy.renumber import ChainedRecord
from mlver.project.registry.attached import read_attached
from mlver.records.approval import ApprovalRecord
from mlver.records.layout import AttachedPath
from mlver.records.note import NoteRecord
from mlver.records.references import VersionReference
from mlver.records.reproduction import ReproductionRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.verdict import VerdictRecord


def move_attached_records(records: MergeRecords, versions: CurrentVersions) -> list[RecordOutcome]:
    """Give every own record of these kinds its version's new number, and a place that is free
    there.
    """
    outcomes: list[RecordOutcome] = []
    taken: dict[str, bytes | None] = {}
    for record_path, place in records.places:
        if not isinstance(place, AttachedPath):
            continue
        outcome = _move_attached_record(records, versions, record_path, place, taken)
        if isinstance(outcome, RecordMove):
            taken[outcome.path] = outcome.data
        outcomes.append(outcome)
    return outcomes


def _move_attached_record(
    records: MergeRecords,
    versions: CurrentVersions,
    path: str,
    place: AttachedPath,
    taken: Mapping[str, bytes | None],
) -> RecordOutcome:
    record = read_attached(records.own, place)
    former = VersionReference(record.version, record.record)
    current = versions.find_current(record.model, former)
    if isinstance(record, ApprovalRecord) and current != former:
        reason = f"it was given for {former.version}, and nobody approved {current.version}"
        return Finding("dropped", path, f"{reason}: approve that again")
    moved_record = replace(record, version=current.version, record=current.record)
    # Both sides may have measured a version, or approved it, under the same sequence number.
    while moved_record.record_path in taken or moved_record.record_path in records.kept_paths:
        moved_record = replace(moved_record, sequence=moved_record.sequence + 1)
    if isinstance(moved_record, RetirementRecord) and moved_record.in_favour_of is not None:
        successor = versions.find_current(record.model, moved_record.in_favour_of)
        moved_record = replace(moved_record, in_favour_of=successor)
    if isinstance(moved_record, VerdictRecord) and moved_record.baseline is not None:
        baseline = versions.find_current(record.model, moved_record.baseline)
        moved_record = replace(moved_record, baseline=baseline)
    if isinstance(moved_record, NoteRecord | RetirementRecord | ReproductionRecord | VerdictRecord):
        moved_record = _follow_prior(records, moved_record, taken)
    if moved_record == record:
        return RecordMove(path, records.own.read_file(path))
    reason = "its number is taken by the other side"
    if current != former:
        reason = f"{former.version} is {current.version} now"
    elif moved_record.record_path == path:
        reason = "what it names has moved"
    record_bytes = codec.encode_document(place.kind, moved_record.to_document())
    rewritten = RewrittenRecord(path, moved_record.record_path, reason)
    return RecordMove(moved_record.record_path, record_bytes, rewritten)


def _follow_prior(
    records: MergeRecords,
    record: ChainedRecord,
    taken: Mapping[str, bytes | None],
) -> ChainedRecord:
    """Let a record that is chained to the one before it name what lies there after the merge."""
    prior_path = replace(record, sequence=record.sequence - 1).record_path
    prior_bytes = taken.get(prior_path)
    if prior_bytes is None:
        prior_bytes = records.kept.read_file(prior_path)
    prior = None if prior_bytes is None else Digest.of_bytes(prior_bytes)
    return replace(record, prior=prior)
