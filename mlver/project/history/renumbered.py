"""Changes of records in history, without those that only gave a record another number.

A merge of two branches that claimed the same number makes one of them give way (`mlver resolve`).
Its record leaves its path and lives on at another, which is no tampering.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlver.git import history, merging
from mlver.git.history import RecordTampering
from mlver.git.repository import GitRepository
from mlver.project.history.merged_records import MergedRecords
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry


def find_tampering(
    project: Project, *under: str, tip: str = "HEAD", without: Sequence[str] = ()
) -> list[RecordTampering]:
    """Find what history did to records below `under`, but for records that a merge moved.

    The history is that of `tip`, without the commits that `without` can reach.
    """
    repository = project.repository
    # Loading a merge reads all of its records and its parents', so it is done once a commit.
    merges: dict[str, MergedRecords | None] = {}
    tampering: list[RecordTampering] = []
    for change in history.find_tampering(repository, *under, tip=tip, without=without):
        if change.commit not in merges:
            merges[change.commit] = _load_merge(repository, change.commit)
        merge = merges[change.commit]
        if merge is None or not merge.has_moved(change.path):
            tampering.append(change)
    return tampering


def survives_in(result: CommittedRecords, parents: Sequence[CommittedRecords], path: str) -> bool:
    """Say whether a merge that is still to be made moves the record at `path`, and keeps it.

    `result` is what the merge would hold.
    """
    merge = MergedRecords(result.repository, RecordRegistry(result), tuple(parents))
    return merge.has_moved(path)


def _load_merge(repository: GitRepository, commit: str) -> MergedRecords | None:
    """Load the records of a merge and of its parents; None for a commit that is no merge."""
    parents = merging.list_commit_parents(repository, commit)
    if len(parents) < 2:
        return None
    parent_trees = tuple(CommittedRecords.at_commit(repository, parent) for parent in parents)
    result = CommittedRecords.at_commit(repository, commit)
    return MergedRecords(repository, RecordRegistry(result), parent_trees)
