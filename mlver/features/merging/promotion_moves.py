"""The promotions of the side that gives way: they follow the last one of the other side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.document.schema import NEWEST_FORMATS
from mlver.features.merging.current_versions import CurrentVersions
from mlver.features.merging.followed_approvals import follow_approvals
from mlver.features.merging.outcomes import (
    MergeRecords,
    RecordMove,
    RecordOutcome,
    RewrittenRecord,
)
from mlver.policy.chain import holder_after
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import Renumbering, VersionReference


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The last promotion of a stage and the digest of its bytes; both None before the first."""

    record: PromotionRecord | None = None
    digest: Digest | None = None

    @property
    def holder(self) -> str | None:
        """The version that holds the stage."""
        return holder_after(self.record)

    @property
    def next_sequence(self) -> int:
        return 1 if self.record is None else self.record.sequence + 1


def move_promotions(
    records: MergeRecords, versions: CurrentVersions, approvals: Mapping[Digest, Digest]
) -> list[RecordOutcome]:
    """Chain the own promotions of each stage; `approvals` are the new digests of approvals and
    rollouts, by their former ones.
    """
    outcomes: list[RecordOutcome] = []
    for model, stage in records.list_stages():
        outcomes += _move_stage(records, versions, approvals, model, stage)
    return outcomes


def _move_stage(
    records: MergeRecords,
    versions: CurrentVersions,
    approvals: Mapping[Digest, Digest],
    model: str,
    stage: str,
) -> list[RecordOutcome]:
    history = records.kept.read_history(model, stage)
    chain_end = ChainEnd(*history[-1]) if history else ChainEnd()
    outcomes: list[RecordOutcome] = []
    for record_path, parsed_path in records.places:
        if parsed_path.kind != "promotion" or (parsed_path.model, parsed_path.stage) != (
            model,
            stage,
        ):
            continue
        record, digest = records.own.read_promotion(model, stage, parsed_path.sequence)
        known = records.find_moved(record_path, digest)
        if known is not None:
            outcomes.append(known[0])
            continue
        current = _find_promoted_version(record, versions, chain_end)
        chained = _chain_promotion(record, current, chain_end, approvals, versions)
        if records.replayed and chain_end.record is not None:
            # Of a merge, history tells that the two were made beside each other.
            created = max(record.created, chain_end.record.created)
            chained = replace(chained, created=created)
        if chained == record:
            outcomes.append(RecordMove(record_path, records.own.read_file(record_path)))
            chain_end = ChainEnd(record, digest)
            continue
        former = Renumbering(number=record.sequence, record=digest)
        chained = replace(chained, format=NEWEST_FORMATS["promotion"], renumbered=former)
        record_bytes = codec.encode_document("promotion", chained.to_document())
        new_path = layout.promotion_path(model, stage, chained.sequence)
        rewritten = RewrittenRecord(record_path, new_path, _explain_change(record, chained))
        outcomes.append(RecordMove(new_path, record_bytes, rewritten))
        chain_end = ChainEnd(chained, Digest.of_bytes(record_bytes))
    return outcomes


def _find_promoted_version(
    record: PromotionRecord, versions: CurrentVersions, end: ChainEnd
) -> VersionReference:
    """The version a promotion is about now: one that empties the stage is about its holder."""
    if record.action == "retire" and end.record is not None and end.holder is not None:
        return VersionReference(end.record.version, end.record.record)
    former = VersionReference(record.version, record.record)
    return versions.find_current(record.model, former)


def _chain_promotion(
    record: PromotionRecord,
    current: VersionReference,
    end: ChainEnd,
    approvals: Mapping[Digest, Digest],
    versions: CurrentVersions,
) -> PromotionRecord:
    counted = follow_approvals(record.approvals, approvals)
    baseline = record.baseline
    if baseline is not None:
        # What its gates compared with stays what it was, under the number it has now.
        baseline = versions.find_current(record.model, baseline)
    return replace(
        record,
        sequence=end.next_sequence,
        version=current.version,
        record=current.record,
        previous=end.holder,
        baseline=baseline,
        prior=end.digest,
        approvals=counted,
        rollout=_find_rewritten(record.rollout, approvals),
    )


def _find_rewritten(digest: Digest | None, rewritten: Mapping[Digest, Digest]) -> Digest | None:
    return None if digest is None else rewritten.get(digest, digest)


def _explain_change(old: PromotionRecord, new: PromotionRecord) -> str:
    reasons: list[str] = []
    if new.version != old.version:
        reasons.append(f"{old.version} is {new.version} now")
    elif new.record != old.record:
        reasons.append(f"the record of {new.version} was rewritten")
    if new.previous != old.previous:
        old_holder = old.previous or "an empty stage"
        new_holder = new.previous or "an empty stage"
        reasons.append(f"it follows {new_holder} now, not {old_holder}")
    elif new.sequence != old.sequence:
        reasons.append("its place is taken by the other side")
    return "; ".join(reasons) or "what it follows was rewritten"
