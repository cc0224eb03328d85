"""The signatures of approvals follow the records that they are beside."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.features.merging.outcomes import MergeRecords, RecordMove, RecordOutcome
from mlver.findings import Finding
from mlver.records import layout


def move_seals(
    records: MergeRecords, attached: Sequence[RecordOutcome]
) -> tuple[list[str], list[RecordMove]]:
    """Return the places that own seals leave, and where each is now."""
    places: list[str] = []
    moves: list[RecordMove] = []
    for outcome in attached:
        former = _find_former(outcome)
        if layout.parse_approval(former) is None:
            continue
        place = layout.seal_path(former)
        data = records.own.read_file(place)
        if data is None:
            continue
        places.append(place)
        if isinstance(outcome, RecordMove):
            moves.append(RecordMove(layout.seal_path(outcome.path), data))
    return places, moves


def _find_former(outcome: RecordOutcome) -> str:
    if isinstance(outcome, Finding):
        return outcome.subject
    return outcome.path if outcome.rewritten is None else outcome.rewritten.old
