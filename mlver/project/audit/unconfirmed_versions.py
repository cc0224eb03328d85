"""Versions judged again: who registered them, and when, by the commits that landed them.

Their dates may be old: SOURCE_DATE_EPOCH fixes the date of a reproducible version, and what was
adopted is as old as its tag. So a date is wrong only where it is later than the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.policy.promotion_dates import find_late_date
from mlver.project.audit.adopted_versions import find_adopted_versions
from mlver.project.audit.former_formats import JUDGED_FORMAT, FormatOrder
from mlver.project.audit.record_authors import (
    find_unconfirmed,
    list_landings,
    name_seal,
    report,
)
from mlver.project.audit.record_history import RecordHistory, find_originals
from mlver.project.history.renumbered import judge_renumbering
from mlver.project.project import Project
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
    tags: SeenTags,
    history: RecordHistory,
    originals: Mapping[str, Sequence[CommitEntry]],
    records: Iterable[VersionRecord],
) -> Iterator[Finding]:
    """Find the versions that are dated later than everything that shows when they were there.

    That is every commit that added the record, its seal, and the commit that was sealed: a rebase
    can give commits older dates. What was adopted has the date of its tag, by whatever clock.
    """
    late: dict[str, str] = {}
    suspects: list[VersionRecord] = []
    for record in records:
        times = [entry.committed for entry in list_landings(history, originals, record)]
        known = [committed for committed in times if committed is not None]
        if not known or len(known) < len(times):
            continue
        message = find_late_date(record.created, max(known))
        if message is not None:
            late[record.record_path] = message
            suspects.append(record)
    if not suspects:
        return
    adopted = find_adopted_versions(tags, suspects)
    sealing_times = tags.find_times(name_seal(record) for record in suspects)
    for record in suspects:
        sealed = sealing_times.get(name_seal(record))
        is_early = sealed is not None and find_late_date(record.created, sealed) is None
        if is_early or record.record_path in adopted:
            continue
        finding = report(record, "date", late[record.record_path])
        hints = finding.hints
        if sealed is None and tags.in_hook:
            # Whoever rebased an honest version can still show when it was there.
            hints += ("mlver tag",)
        yield replace(finding, hints=hints)


def find_unconfirmed_version_paths(
    project: Project, history: RecordHistory, records: Iterable[VersionRecord]
) -> frozenset[str]:
    """Find, by path, the versions whose author nothing confirms, for what shows versions.

    The history has to be that of all records.
    """
    judged = [record for record in records if record.format >= JUDGED_FORMAT]
    verdicts = judge_renumbering(project.repository, judged)
    originals = find_originals(project.repository, history, judged, verdicts)
    unconfirmed = find_unconfirmed_versions(SeenTags(project), history, originals, judged)
    return frozenset(finding.subject for finding in unconfirmed)


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
