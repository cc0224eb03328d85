"""What the side that gives way recorded about versions: it follows them, or cannot come along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.features.merging.current_versions import CurrentVersions
from mlver.features.merging.followed_approvals import follow_approvals
from mlver.features.merging.outcomes import (
    MergeRecords,
    RecordMove,
    RecordOutcome,
    RewrittenRecord,
)
from mlver.findings import Finding
from mlver.policy.renumber import AttachedRecord, ChainedRecord
from mlver.project.registry.attached import read_attached
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.layout import AttachedPath
from mlver.records.references import Renumbering, VersionReference
from mlver.records.retirement import RetirementRecord
from mlver.records.rollout import RolloutRecord
from mlver.records.verdict import VerdictRecord


def move_attached_records(records: MergeRecords, versions: CurrentVersions) -> list[RecordOutcome]:
    """Give every own record of these kinds its version's new number, and a place that is free
    there.
    """
    outcomes: list[RecordOutcome] = []
    moved = _MovedRecords()
    for record_path, place in records.places:
        if not isinstance(place, AttachedPath):
            continue
        outcome = _move_attached_record(records, versions, record_path, place, moved)
        if isinstance(outcome, RecordMove):
            moved.taken[outcome.path] = outcome.data
            former = records.own.read_file(record_path)
            if former is not None and outcome.data is not None:
                moved.digests[Digest.of_bytes(former)] = Digest.of_bytes(outcome.data)
        outcomes.append(outcome)
    return outcomes


@dataclass(frozen=True, slots=True)
class _MovedRecords:
    """What has its place already: by its path, and the new digests by the former ones.

    Approvals come before the rollouts that name them.
    """

    taken: dict[str, bytes | None] = field(default_factory=dict)
    digests: dict[Digest, Digest] = field(default_factory=dict)


def _move_attached_record(
    records: MergeRecords,
    versions: CurrentVersions,
    path: str,
    place: AttachedPath,
    moved: _MovedRecords,
) -> RecordOutcome:
    record = read_attached(records.own, place)
    subject = VersionReference(record.version, record.record)
    current = versions.find_current(record.model, subject)
    if isinstance(record, ApprovalRecord) and current != subject:
        reason = f"it was given for {subject.version}, and nobody approved {current.version}"
        return Finding("dropped", path, f"{reason}: approve that again")
    moved_record = replace(record, version=current.version, record=current.record)
    # Both sides may have measured a version, or approved it, under the same sequence number.
    while moved_record.record_path in moved.taken or moved_record.record_path in records.kept_paths:
        moved_record = replace(moved_record, sequence=moved_record.sequence + 1)
    moved_record = _follow_references(moved_record, versions, moved)
    if not isinstance(moved_record, EvaluationRecord | ApprovalRecord):
        moved_record = _follow_prior(records, moved_record, moved.taken)
    if moved_record == record:
        return RecordMove(path, records.own.read_file(path))
    if isinstance(moved_record, RolloutRecord):
        data = records.own.read_file(path) or b""
        former = Renumbering(number=place.sequence, record=Digest.of_bytes(data))
        moved_record = replace(moved_record, renumbered=former)
    reason = "its number is taken by the other side"
    if current != subject:
        reason = f"{subject.version} is {current.version} now"
    elif moved_record.record_path == path:
        reason = "what it names has moved"
    record_bytes = codec.encode_document(place.kind, moved_record.to_document())
    rewritten = RewrittenRecord(path, moved_record.record_path, reason)
    return RecordMove(moved_record.record_path, record_bytes, rewritten)


def _follow_references(
    record: AttachedRecord, versions: CurrentVersions, moved: _MovedRecords
) -> AttachedRecord:
    """Let a record name other versions, and approvals, as they are after the merge."""
    if isinstance(record, RetirementRecord) and record.in_favour_of is not None:
        successor = versions.find_current(record.model, record.in_favour_of)
        return replace(record, in_favour_of=successor)
    if isinstance(record, VerdictRecord | RolloutRecord) and record.baseline is not None:
        baseline = versions.find_current(record.model, record.baseline)
        record = replace(record, baseline=baseline)
    if isinstance(record, RolloutRecord):
        return replace(record, approvals=follow_approvals(record.approvals, moved.digests))
    return record


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
