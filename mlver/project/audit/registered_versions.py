"""Versions judged again: who registered them, and when, by the commits that landed them.

Their dates may be old: SOURCE_DATE_EPOCH fixes the date of a reproducible version, and what was
adopted is as old as its tag. So a date is wrong only where it is later than the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlver.findings import Finding
from mlver.git.annotations import read_annotations
from mlver.git.commit_log import CommitEntry
from mlver.policy.promotion_dates import find_late_date
from mlver.project.audit.former_formats import JUDGED_FORMAT, FormatOrder
from mlver.project.audit.record_authors import find_unconfirmed, report
from mlver.project.audit.record_history import RecordHistory
from mlver.project.project import Project
from mlver.project.tags import seals
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
    project: Project,
    history: RecordHistory,
    originals: Mapping[str, Sequence[CommitEntry]],
    records: Sequence[VersionRecord],
) -> list[Finding]:
    """Find the versions whose author neither their commits nor any tag confirms."""
    unconfirmed = find_unconfirmed(project, history, originals, records)
    if not unconfirmed:
        return []
    doubtful = {finding.subject for finding in unconfirmed}
    candidates = [record for record in records if record.record_path in doubtful]
    adopted = _find_adopted(project, candidates)
    return [finding for finding in unconfirmed if finding.subject not in adopted]


def _find_adopted(project: Project, records: Sequence[VersionRecord]) -> set[str]:
    """Find, by path, the versions whose author made the tag that they were adopted from.

    In a clone that lacks tags, nobody can tell of a tag that is missing.
    """
    claiming = [record for record in records if record.adopted_tag is not None]
    if not claiming:
        return set()
    tags = project.repository.tags()
    annotations = read_annotations(project.repository)
    adopted: set[str] = set()
    for record in claiming:
        origin = record.adopted_tag
        assert origin is not None
        tag = tags.get(origin.tag)
        if tag is None:
            is_origin = seals.lacks_tags(project, record.model)
        else:
            is_origin = tag.seals is None and tag.object_id == origin.object
            is_origin = is_origin and annotations[tag.name].recorded_author == record.author
        if is_origin:
            adopted.add(record.record_path)
    return adopted
