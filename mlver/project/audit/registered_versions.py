"""Versions judged again: who registered them, and when, by the commits that landed them.

Their dates may be old: SOURCE_DATE_EPOCH fixes the date of a reproducible version, and what was
adopted is as old as its tag. So a date is wrong only where it is later than the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.policy.promotion_dates import find_late_date
from mlver.project.audit.adopted_versions import find_adopted_versions
from mlver.project.audit.former_formats import JUDGED_FORMAT, FormatOrder
from mlver.project.audit.record_authors import find_unconfirmed, report
from mlver.project.audit.record_history import RecordHistory
from mlver.project.tags.seen_tags import SeenTags
from mlver.records.version import VersionRecord


def select_judged(order: FormatOrder, records: Iterable[VersionRecord]) -> list[VersionRecord]:
    """Leave out the versions of format 1 that landed before any record of a newer format."""
    judged: list[VersionRecord] = []
    for record in records:
        if record.format >= JUDGED_FORMAT or order.is_late(record.record_path):
            judged.append(record)
    return judged


def find_late_versions(
    history: RecordHistory, records: Iterable[VersionRecord]
) -> Iterator[Finding]:
    """Find the versions that are dated later than the first commit that added them."""
    for record in records:
        landings = history.additions.get(record.record_path, ())
        if not landings:
            continue
        message = find_late_date(record.created, min(entry.committed for entry in landings))
        if message is not None:
            yield report(record, "date", message)


def find_unconfirmed_versions(
    tags: SeenTags,
    history: RecordHistory,
    originals: Mapping[str, Sequence[CommitEntry]],
    records: Sequence[VersionRecord],
    *,
    tip: str | None = None,
) -> list[Finding]:
    """Find the versions whose author neither their commits nor any tag confirms.

    `tip` is the last of the commits that are about to come in.
    """
    unconfirmed = find_unconfirmed(tags, history, originals, records, tip=tip)
    if not unconfirmed:
        return []
    doubtful = {finding.subject for finding in unconfirmed}
    candidates = [record for record in records if record.record_path in doubtful]
    adopted = find_adopted_versions(tags, candidates)
    return [finding for finding in unconfirmed if finding.subject not in adopted]
