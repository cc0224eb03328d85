"""What the authorisations of a data set allow on a day: the one reading of their chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.records.authorisation import AuthorisationRecord

Standing = Literal["live", "none", "ended", "withdrawn"]


@dataclass(frozen=True, slots=True)
class PurposeStanding:
    """Whether data may be used for a purpose; `record` is what decides that, None where none does.

    `live`: a grant allows it. `ended`: all grants since the last withdrawal are past their last
    day. `withdrawn`: a withdrawal is the last that was said. `none`: nobody ever allowed it.
    """

    standing: Standing
    record: AuthorisationRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedData:
    """A data set that a version was trained on, `name` as `MODEL@VERSION:NAME`.

    `records` are its authorisations, oldest first. `withdrawn_elsewhere` are withdrawals that have
    landed on the main branch, and that the work tree does not know of. `files` are the
    authorisations of single files in it, each a chain of its own.
    """

    name: str
    records: Sequence[AuthorisationRecord]
    withdrawn_elsewhere: Sequence[AuthorisationRecord] = ()
    files: Sequence[Sequence[AuthorisationRecord]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """All data that a version was trained on, and `unread`, what could not be read of it.

    `today` is the time by which it is judged, in UTC.
    """

    data: Sequence[TrainedData]
    unread: Sequence[str]
    today: str


def judge_standing(
    records: Sequence[AuthorisationRecord], purpose: str, on: str
) -> PurposeStanding:
    """Judge by the records of one data set, oldest first, what holds at the time or day `on` (UTC).

    A withdrawal ends every grant before it; a later grant is a new one.
    """
    found = PurposeStanding("none", None)
    for record in records:
        if record.action == "withdraw":
            if not record.purposes or purpose in record.purposes:
                found = PurposeStanding("withdrawn", record)
        elif purpose in record.purposes:
            if record.until is None or record.until >= on[:10]:
                found = PurposeStanding("live", record)
            elif found.standing != "live":
                found = PurposeStanding("ended", record)
    return found


def list_purposes(records: Sequence[AuthorisationRecord]) -> list[str]:
    """List the purposes that these records name, in the order of the alphabet."""
    named: set[str] = set()
    for record in records:
        named.update(record.purposes)
    return sorted(named)


def list_live_purposes(records: Sequence[AuthorisationRecord], on: str) -> list[str]:
    """List what the data may be used for at the time or day `on`."""
    purposes = list_purposes(records)
    return [name for name in purposes if judge_standing(records, name, on).standing == "live"]


def is_ended_by(grant: AuthorisationRecord, other: AuthorisationRecord) -> bool:
    """Say whether another record withdraws some of what a grant allows."""
    if grant.action != "grant" or other.action != "withdraw":
        return False
    return not other.purposes or bool(set(other.purposes) & set(grant.purposes))
