"""The audit head: a digest of all that history did to records, at each of its commits.

Whoever noted one can ask later whether the history of today begins with the history of then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.git import trees
from mlver.git.commit_log import CommitEntry, read_commit_log
from mlver.git.partial import ClonedContents
from mlver.git.repository import GitRepository
from mlver.policy.ancestry import CommitAncestry, build_ancestry
from mlver.policy.audit_head import count_changes, list_heads
from mlver.records import layout

# Beside the records of the models: what judges them.
_RULES = (layout.CONFIG, layout.ALLOWED_SIGNERS, f"{layout.ROOT}/authorisations")


@dataclass(frozen=True, slots=True)
class HistoryHeads:
    """The head at each commit of a history, and the newest commit that changed a record.

    `digests` are of the contents of all files, by their object ids. `lacking` says why this clone
    cannot tell; there are no heads then.
    """

    tip: str | None
    heads: Mapping[str, Digest]
    ancestry: CommitAncestry
    changes: Mapping[str, Mapping[str, Digest | None]]
    lacking: str | None = None
    digests: Mapping[str, Digest | None] = field(default_factory=dict)

    @property
    def head(self) -> Digest | None:
        return None if self.tip is None else self.heads.get(self.tip)

    @property
    def total(self) -> int:
        """How many changes of records the head stands for."""
        return 0 if self.tip is None else count_changes(self.ancestry, self.changes, self.tip)

    def find_commit(self, head: Digest) -> str | None:
        """Find the newest commit that has a head."""
        for commit in sorted(self.heads, key=self.ancestry.order.__getitem__, reverse=True):
            if self.heads[commit] == head:
                return commit
        return None


_NOTHING = HistoryHeads(None, {}, build_ancestry({}), {})


def read_heads(
    repository: GitRepository,
    models: Collection[str] | None,
    entries: Sequence[CommitEntry] | None = None,
) -> HistoryHeads:
    """Read the heads of HEAD's history: of these models' records, or of all of them.

    `entries` is that history, where it was read already.
    """
    if repository.head().commit is None:
        return _NOTHING
    if repository.boundary():
        return HistoryHeads(None, {}, _NOTHING.ancestry, {}, "this shallow clone begins later")
    folders = list_folders(models)
    # Of a merge, other readers know only what it took from none of its parents.
    if entries is None or any(len(entry.parents) > 1 for entry in entries):
        entries = read_commit_log(repository, "HEAD", folders, first_parents=True)
    return _build_heads(repository, entries, folders)


def find_elsewhere(
    repository: GitRepository, models: Collection[str] | None, head: Digest
) -> str | None:
    """Find a commit with this head that is in this clone, but not in the history of HEAD."""
    folders = list_folders(models)
    everything = ("--all", "--reflog")
    entries = read_commit_log(repository, "HEAD", folders, beside=everything, first_parents=True)
    return _build_heads(repository, entries, folders).find_commit(head)


def list_differences(
    repository: GitRepository, models: Collection[str] | None, old: str
) -> dict[str, str]:
    """Say of each record of an older commit, by path, how it is not the same at HEAD."""
    folders = list_folders(models)
    before = trees.committed_files(repository, old, *folders)
    now = trees.committed_files(repository, "HEAD", *folders)
    differences: dict[str, str] = {}
    for path, entry in before.items():
        if path not in now:
            differences[path] = "is gone"
        elif layout.is_record_path(path) and now[path].object_id != entry.object_id:
            differences[path] = "is another record now"
    return differences


def list_folders(models: Collection[str] | None) -> list[str]:
    """List the paths whose history a head stands for."""
    if models is None:
        return [layout.MODELS, *_RULES]
    return [*(layout.model_folder(model) for model in sorted(models)), *_RULES]


def _build_heads(
    repository: GitRepository, entries: Sequence[CommitEntry], folders: Sequence[str]
) -> HistoryHeads:
    if not entries:
        return _NOTHING
    changed = _select_changes(entries, folders)
    object_ids: dict[str, None] = {}
    for contents in changed.values():
        object_ids.update(dict.fromkeys(held for held in contents.values() if held is not None))
    if ClonedContents.find_in(repository).find_lacking(object_ids):
        lacking = "this partial clone lacks what some records were"
        return HistoryHeads(None, {}, _NOTHING.ancestry, {}, lacking)
    digests = dict(zip(object_ids, repository.blob_digests(object_ids), strict=True))
    changes: dict[str, dict[str, Digest | None]] = {}
    for commit, contents in changed.items():
        changes[commit] = {path: digests.get(held or "") for path, held in contents.items()}
    ancestry = build_ancestry({entry.commit: entry.parents for entry in entries})
    heads = list_heads(ancestry, changes)
    return HistoryHeads(entries[0].commit, heads, ancestry, changes, digests=digests)


def _select_changes(
    entries: Sequence[CommitEntry], folders: Sequence[str]
) -> dict[str, dict[str, str | None]]:
    """Select what each commit did to these files and folders."""
    beginnings = tuple(f"{folder}/" for folder in folders)
    changed: dict[str, dict[str, str | None]] = {}
    for entry in entries:
        changed[entry.commit] = {}
        for path, held in entry.contents.items():
            if path in folders or path.startswith(beginnings):
                changed[entry.commit][path] = held
    return changed
