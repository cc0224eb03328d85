"""Whether records of the format before seals may come in: not where newer records are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mlver.git import trees
from mlver.git.commit_log import CommitEntry
from mlver.project.audit.former_formats import FormatOrder, find_later_commits, may_be_old
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.audit.record_history import (
    RecordHistory,
    SealedRecord,
    read_record_history,
)
from mlver.project.registry.committed import CommittedRecords
from mlver.records import layout

_NEWER = re.compile(rb"^schema: *[\"']?mlver/(?:version|promotion)/(?!1\b)[0-9]+", re.MULTILINE)
# mlver writes the line with the format first; a hand may put it below others.
_BEGINNING = 4096


def order_incoming(
    incoming: IncomingChanges,
    history: RecordHistory,
    aged: Mapping[str, Sequence[CommitEntry]],
    records: Sequence[SealedRecord],
) -> FormatOrder:
    """Order the formats of records that come in.

    Nothing of format 1 comes in where the base has records of a newer one. Elsewhere, all of the
    history is asked.
    """
    repository, tip = incoming.project.repository, incoming.tip
    if not any(may_be_old(record) for record in records):
        return FormatOrder(history, frozenset(), aged)
    if incoming.base is not None:
        landed = CommittedRecords.at_commit(repository, incoming.base)
        if _list_newer_paths(landed):
            paths = {record.record_path for record in records}
            entries = incoming.record_tree.entries
            new = {path for path in paths if landed.entries.get(path) != entries.get(path)}
            return FormatOrder(history, frozenset(), aged, frozenset(new))
    if tip is None:
        return FormatOrder(history, frozenset(), aged)
    newer_paths = _list_newer_paths(incoming.record_tree)
    models = {path.split("/")[2] for path in newer_paths}
    models.update(record.model for record in records)
    whole = read_record_history(repository, models, tip, everything=True)
    return FormatOrder(whole, find_later_commits(whole, newer_paths), aged)


def _list_newer_paths(tree: CommittedRecords) -> list[str]:
    """List the versions and promotions of a commit that are of a newer format than the first."""
    sealed: dict[str, trees.TreeEntry] = {}
    for path, entry in tree.entries.items():
        if entry.is_file and layout.is_sealed_path(path):
            sealed[path] = entry
    beginnings = trees.read_beginnings(tree.repository, sealed, dict.fromkeys(sealed, _BEGINNING))
    return [path for path, data in beginnings.items() if _NEWER.search(data)]
