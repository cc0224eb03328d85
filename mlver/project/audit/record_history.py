"""How promotions and rules came about: the commits that added each, and the settings they had.

All of it is read at once: one process lists the commits, whatever their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.git import trees
from mlver.git.commit_log import CommitEntry, read_commit_log
from mlver.git.partial import ClonedContents
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry
from mlver.policy.ancestry import CommitAncestry, build_ancestry
from mlver.policy.renumbering import ClaimVerdicts
from mlver.policy.stage_policy import StagePolicy
from mlver.project.history.policies import NO_SETTINGS, CommittedSettings, parse_settings
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord

# From this many folders on, it is quicker to look at all records than to name the folders.
_FOLDERS_NAMED = 200
# The two kinds of records that tags seal.
SealedRecord = PromotionRecord | VersionRecord


@dataclass(slots=True)
class HeldFiles:
    """The files that commits have below some folders; each commit is read once."""

    repository: GitRepository
    folders: Sequence[str]
    _paths: dict[str, Collection[str]] = field(default_factory=dict)

    def holds(self, commit: str, path: str) -> bool:
        if commit not in self._paths:
            entries = trees.committed_files(self.repository, commit, *self.folders)
            self._paths[commit] = entries.keys()
        return path in self._paths[commit]


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """The commits of a history that added promotions or changed the settings, newest first.

    `additions` has, by path, the commits that gave a promotion the contents that the newest commit
    has. `earlier` has all contents that were ever given to a path, each with its commit. The
    settings of a commit are `settings[states[commit]]`, those of its first parent
    `settings[grounds[commit]]`; the key is None where there were none. `incomplete`: this clone
    lacks the beginning of the history, or contents of it. `lacking` are the settings among those.
    `outside` tells what commits have that landed before the history begins; None where it begins
    with the repository.
    """

    entries: Mapping[str, CommitEntry]
    ancestry: CommitAncestry
    additions: Mapping[str, Sequence[CommitEntry]]
    earlier: Mapping[str, Sequence[tuple[str, CommitEntry]]]
    states: Mapping[str, str | None]
    grounds: Mapping[str, str | None]
    settings: Mapping[str, CommittedSettings]
    incomplete: bool
    lacking: frozenset[str] = frozenset()
    outside: HeldFiles | None = None

    def find_policy(self, object_id: str | None, stage: str) -> StagePolicy | None:
        """Find the policy of a stage in the settings with this object id."""
        if object_id is None:
            return None
        return self.settings.get(object_id, NO_SETTINGS).find_policy(stage)

    def is_before(self, older: CommitEntry, newer: CommitEntry) -> bool:
        return self.ancestry.is_ancestor(older.commit, newer.commit)

    def was_before(self, path: str, landings: Sequence[CommitEntry]) -> bool | None:
        """Say whether a record landed before one of these commits, or with it.

        None if nobody can tell.
        """
        added = self.additions.get(path, ())
        if not landings or self.incomplete or not (added or self.outside):
            return None
        if any(self.is_before(one, landing) for one in added for landing in landings):
            return True
        if self.outside is None:
            return False
        return any(self.outside.holds(landing.commit, path) for landing in landings)


EMPTY_HISTORY = RecordHistory({}, build_ancestry({}), {}, {}, {}, {}, {}, incomplete=False)


def read_walked_history(project: Project, models: Collection[str]) -> RecordHistory:
    """Read the history of all records of `models`, up to HEAD, out of the project's walk."""
    assert project.walk is not None
    repository = project.repository
    current = trees.committed_files(repository, "HEAD", *_list_folders(models, everything=True))
    return _build_history(repository, project.walk.entries, project.walk.ancestry, current)


def read_record_history(
    repository: GitRepository,
    models: Collection[str],
    tip: str = "HEAD",
    without: Sequence[str] = (),
    *,
    everything: bool = False,
) -> RecordHistory:
    """Read the history of the promotions of `models` and of the settings, up to `tip`.

    Commits that are reachable from `without` are left out. With `everything`, the history of all
    records of the models is read, not that of their promotions alone.
    """
    folders = _list_folders(models, everything=everything)
    log = read_commit_log(repository, tip, [layout.CONFIG, *folders], without)
    ancestry = build_ancestry({entry.commit: entry.parents for entry in log})
    current = trees.committed_files(repository, tip, *folders) if folders else {}
    history = _build_history(repository, log, ancestry, current)
    if without and folders:
        return replace(history, outside=HeldFiles(repository, folders))
    return history


def _list_folders(models: Collection[str], *, everything: bool) -> list[str]:
    find_folder = layout.model_folder if everything else layout.stages_folder
    folders = [find_folder(model) for model in sorted(models)]
    if len(folders) > _FOLDERS_NAMED:
        return [layout.MODELS]
    return folders


def _build_history(
    repository: GitRepository,
    log: Sequence[CommitEntry],
    ancestry: CommitAncestry,
    current: Mapping[str, TreeEntry],
) -> RecordHistory:
    boundary = repository.boundary()
    # What a shallow clone begins with says nothing of who added what it has.
    earlier = _index_contents(entry for entry in log if entry.commit not in boundary)
    contents = ClonedContents.find_in(repository)
    states, grounds = _find_states(contents, log)
    object_ids = dict.fromkeys(filter(None, [*states.values(), *grounds.values()]))
    lacking = contents.find_lacking(object_ids)
    readable = [object_id for object_id in object_ids if object_id not in lacking]
    return RecordHistory(
        entries={entry.commit: entry for entry in log},
        ancestry=ancestry,
        additions=_find_additions(earlier, current),
        earlier=earlier,
        states=states,
        grounds=grounds,
        settings=parse_settings(repository, readable),
        incomplete=bool(boundary) or contents.is_partial,
        lacking=frozenset(lacking),
    )


def _index_contents(entries: Iterable[CommitEntry]) -> dict[str, list[tuple[str, CommitEntry]]]:
    """Index by path each content that a record had, with the commit that gave it."""
    contents: dict[str, list[tuple[str, CommitEntry]]] = {}
    for entry in entries:
        for path, object_id in entry.contents.items():
            if object_id is not None and path != layout.CONFIG:
                contents.setdefault(path, []).append((object_id, entry))
    return contents


def _find_additions(
    earlier: Mapping[str, Sequence[tuple[str, CommitEntry]]], current: Mapping[str, TreeEntry]
) -> dict[str, list[CommitEntry]]:
    """Find, by path, the commits that gave a record the content that it has now."""
    additions: dict[str, list[CommitEntry]] = {}
    for path, tree_entry in current.items():
        entries = [entry for held, entry in earlier.get(path, ()) if held == tree_entry.object_id]
        if entries:
            additions[path] = entries
    return additions


def _find_states(
    contents: ClonedContents, log: Sequence[CommitEntry]
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Find the object id of the settings that each commit has, and that its first parent has."""
    known = {entry.commit for entry in log}
    places: dict[str, None] = {}
    for entry in log:
        if len(entry.parents) > 1:
            places[f"{entry.commit}:{layout.CONFIG}"] = None
        if not entry.parents or entry.parents[0] not in known:
            places[f"{entry.commit}^:{layout.CONFIG}"] = None
    looked_up: dict[str, str | None] = {}
    for place, object_id in zip(places, contents.find_ids(places), strict=True):
        looked_up[place] = object_id
    states: dict[str, str | None] = {}
    grounds: dict[str, str | None] = {}
    for entry in reversed(log):
        place = f"{entry.commit}^:{layout.CONFIG}"
        ground = looked_up.get(place)
        if place not in looked_up:
            ground = states[entry.parents[0]]
        grounds[entry.commit] = ground
        state = entry.contents.get(layout.CONFIG, ground)
        if len(entry.parents) > 1:
            state = looked_up[f"{entry.commit}:{layout.CONFIG}"]
        states[entry.commit] = state
    return states, grounds


def _find_former_path(record: SealedRecord) -> str:
    """Find where a record lay that says it had another number."""
    assert record.renumbered is not None
    if isinstance(record, PromotionRecord):
        return layout.promotion_path(record.model, record.stage, record.renumbered.number)
    return layout.version_path(record.model, record.renumbered.number)


def find_originals(
    repository: GitRepository,
    history: RecordHistory,
    records: Iterable[SealedRecord],
    verdicts: ClaimVerdicts,
) -> dict[str, list[CommitEntry]]:
    """Find the commits that added records under the numbers that merges took from them.

    They are listed by the path that the record has now. Only what `verdicts` show to have moved
    counts: a record may name any other one that was there.
    """
    wanted: list[tuple[str, Digest, str, CommitEntry]] = []
    for record in records:
        if record.renumbered is None:
            continue
        path = _find_former_path(record)
        if verdicts.moved.get((path, record.renumbered.record)) != record.record_path:
            continue
        for object_id, entry in history.earlier.get(path, ()):
            wanted.append((record.record_path, record.renumbered.record, object_id, entry))
    if not wanted:
        return {}
    contents = ClonedContents.find_in(repository)
    lacking = contents.find_lacking(object_id for _, _, object_id, _ in wanted)
    wanted = [addition for addition in wanted if addition[2] not in lacking]
    digests = repository.blob_digests(object_id for _, _, object_id, _ in wanted)
    originals: dict[str, list[CommitEntry]] = {}
    for (path, digest, _, entry), former_digest in zip(wanted, digests, strict=True):
        if former_digest == digest:
            originals.setdefault(path, []).append(entry)
    return originals
