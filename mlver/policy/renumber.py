"""Two branches claimed the same numbers: which the one that gives way gets instead, and what makes
a record the same under another number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from mlver.digest import Digest
from mlver.policy.numbering import bumped_part, find_case_twin
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.note import NoteRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.reproduction import ReproductionRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.rollout import RolloutRecord
from mlver.records.verdict import VerdictRecord
from mlver.records.version import VersionRecord
from mlver.version import Version, bump_version, highest_version, sort_versions

# What is recorded about a version after its registration, and follows it to another number.
ChainedRecord: TypeAlias = (
    NoteRecord | RetirementRecord | ReproductionRecord | VerdictRecord | RolloutRecord
)
AttachedRecord: TypeAlias = EvaluationRecord | ApprovalRecord | ChainedRecord
NumberedRecord: TypeAlias = VersionRecord | PromotionRecord | AttachedRecord
_NOTHING = Digest("0" * 64)


def renumber_versions(
    own: Iterable[Version],
    before: Collection[Version],
    taken: Collection[Version],
    moved: Mapping[Version, Version],
) -> dict[Version, Version]:
    """The new number of each version in `own` that cannot keep its own.

    `before` are those both sides began with, `moved` what got another number earlier.

    One that is `taken` counts on by the part it had moved, in its own line, to the first free
    number: 1.1.0 becomes 1.2.0. One that counted on from such a one, and would now lie below it,
    follows: 1.1.1 becomes 1.2.1.
    """
    new_numbers: dict[Version, Version] = {}
    used = set(taken)
    line = {*before, *moved}
    for version in sort_versions(own):
        below = highest_version(other for other in line if other < version)
        floor = None if below is None else new_numbers.get(below, moved.get(below))
        number = version
        if floor is not None and floor >= version:
            number = bump_version(floor, bumped_part(version))
        while number in used or find_case_twin(str(number), map(str, used)) is not None:
            number = bump_version(number, bumped_part(version))
        line.add(version)
        used.add(number)
        if number != version:
            new_numbers[version] = number
    return new_numbers


def strip_numbering(record: NumberedRecord) -> NumberedRecord:
    """Strip what may differ when a record gets another number: what was measured and decided stays.

    The format goes, too: a record that is written again is written in the newest.
    """
    match record:
        case VersionRecord():
            return replace(
                record, format=0, version="", previous=None, parent=None, renumbered=None
            )
        case EvaluationRecord() | ApprovalRecord():
            return replace(record, format=0, version="", sequence=0, record=_NOTHING)
        case NoteRecord() | ReproductionRecord():
            return replace(record, format=0, version="", sequence=0, record=_NOTHING, prior=None)
        case VerdictRecord():
            return replace(
                record,
                format=0,
                version="",
                sequence=0,
                baseline=None,
                record=_NOTHING,
                prior=None,
            )
        case RetirementRecord():
            return replace(
                record,
                format=0,
                version="",
                sequence=0,
                in_favour_of=None,
                record=_NOTHING,
                prior=None,
            )
        case PromotionRecord() | RolloutRecord():
            return _strip_stage_record(record)


def _strip_stage_record(record: PromotionRecord | RolloutRecord) -> PromotionRecord | RolloutRecord:
    approvals = tuple(replace(approval, record=_NOTHING) for approval in record.approvals)
    if isinstance(record, RolloutRecord):
        return replace(
            record,
            format=0,
            version="",
            sequence=0,
            baseline=VersionReference("", _NOTHING),
            approvals=approvals,
            renumbered=None,
            record=_NOTHING,
            prior=None,
        )
    return replace(
        record,
        format=0,
        version="",
        sequence=0,
        previous=None,
        baseline=None,
        approvals=approvals,
        rollout=None if record.rollout is None else _NOTHING,
        renumbered=None,
        record=_NOTHING,
        prior=None,
    )
