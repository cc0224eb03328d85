"""`mlver audit --data`: which versions and stages were trained on data; may it still be used?"""

from __future__ import annotations

from dataclasses import dataclass

from mlver.policy.authorisation import PurposeStanding, judge_standing, list_purposes
from mlver.project.authorising.naming import find_data
from mlver.project.history.data_uses import DataUse, find_data_uses
from mlver.project.project import Project
from mlver.project.registry.authorisations import read_authorisations


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPurpose:
    """A purpose that was ever named for the data, and whether it may be used for that now.

    `decided` is when and by whom the record was made that says so, None where there is none.
    """

    purpose: str
    standing: str
    until: str | None
    decided: str | None
    author: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAuditResult:
    """The versions that were trained on the data, and the stages that they hold or held.

    `name` is what people call it. `unread` says which records could not be read: nobody knows what
    those were trained on.
    """

    data: str
    name: str
    purposes: tuple[DataPurpose, ...]
    uses: tuple[DataUse, ...]
    unread: tuple[str, ...]


def audit_data(project: Project, text: str) -> DataAuditResult:
    """Find every use of a data set; raise MlverError for one that nothing here names."""
    named = find_data(project, text)
    records = read_authorisations(project.registry, named.digest)
    purposes: list[DataPurpose] = []
    for purpose in list_purposes(records):
        found = judge_standing(records, purpose, project.record_time)
        purposes.append(_build_purpose(purpose, found))
    uses = find_data_uses(project.registry, named.digest)
    return DataAuditResult(
        data=str(named.digest),
        name=named.name,
        purposes=tuple(purposes),
        uses=uses.uses,
        unread=uses.unread,
    )


def _build_purpose(purpose: str, found: PurposeStanding) -> DataPurpose:
    record = found.record
    return DataPurpose(
        purpose=purpose,
        standing=found.standing,
        until=None if record is None else record.until,
        decided=None if record is None else record.created,
        author=None if record is None else record.author,
    )
