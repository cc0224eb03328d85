"""Changes of records in history, without those that only gave a record another number.

A merge of two branches that claimed the same number makes one of them give way (`mlver resolve`).
Its record leaves its path and lives on at another, which is no tampering. The record says so
itself; those of format 1, evaluations and approvals cannot, and are known by what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.findings import Finding
from mlver.git import history, merging, objects
from mlver.git.history import RecordTampering
from mlver.git.repository import GitRepository
from mlver.policy.renumbering import ClaimVerdicts, RecordCopy, judge_claims
from mlver.project.history.merged_records import MergedRecords
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry, decode_promotion, decode_version
from mlver.records import byte_limits, layout
from mlver.records.layout import PromotionPath, VersionPath
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.git.history_walk import HistoryWalk

if TYPE_CHECKING:
    from mlver.git.history_walk import HistoryWalk

# Every record that says which number it had has this key, however it is quoted.
_CLAIM = b"renumbered"


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """What history did to records; and the records whose former number nothing shows, or that were
    taken away and nobody here could read.
    """

    tampering: tuple[RecordTampering, ...]
    unconfirmed: tuple[Finding, ...]


def examine_history(project: Project, models: Sequence[str] | None = None) -> HistoryReport:
    """Examine the history of HEAD, and all that the records of the work tree say of it.

    With `models`, it is that of their records alone.
    """
    repository = project.repository
    folders: Sequence[str] = layout.RECORD_FOLDERS
    if models is not None:
        folders = [layout.model_folder(model) for model in models]
    changes = _list_changes(repository, folders, walk=project.walk)
    claiming = models or []
    if models is None:
        with suppress(MlverError):
            claiming = project.registry.list_models()
    claimants = read_claimants(project.registry, claiming)
    vanished = _read_vanished(repository, changes)
    verdicts = judge_claims(claimants, vanished.values())
    tampering = _select_tampering(repository, changes, vanished, verdicts)
    unread = _describe_unread(repository, tampering)
    shallow = bool(verdicts.unconfirmed) and repository.is_shallow()
    unconfirmed = [describe_claim(copy, shallow=shallow) for copy in verdicts.unconfirmed]
    unconfirmed += unread.values()
    known = [change for change in tampering if change not in unread]
    return HistoryReport(tuple(known), tuple(unconfirmed))


def find_tampering(
    project: Project, *under: str, tip: str = "HEAD", without: Sequence[str] = ()
) -> list[RecordTampering]:
    """Find what history did to records below `under`, but for records that a merge moved, and those
    of a newer format, of which nobody here knows what they said.

    The history is that of `tip`, without the commits that `without` can reach.
    """
    repository = project.repository
    listed = history.find_tampering(repository, *under, tip=tip, without=without)
    unread = _describe_unread(repository, listed)
    changes = [change for change in listed if change not in unread]
    if without:
        changes = _drop_repeated(repository, changes, tip)
    if not any(change.yielded for change in changes):
        return changes
    models = _list_models(change for change in changes if change.yielded)
    # A record may have moved twice: what it was in between lies beside these paths, or before.
    moves = _find_moves(repository, models, tip)
    vanished = _read_vanished(repository, [*moves, *changes])
    claimants = _read_committed_claimants(repository, models, tip)
    verdicts = judge_claims(claimants, vanished.values())
    return _select_tampering(repository, changes, vanished, verdicts)


def _describe_unread(
    repository: GitRepository, changes: Sequence[RecordTampering]
) -> dict[RecordTampering, Finding]:
    """Describe the changes that took away a record of a format that nobody here can read."""
    if not changes:
        return {}
    # Hardly any history changed a record, so what reads formats is not imported before.
    from mlver.project.history.unknown_formats import describe_unread, find_unread_changes

    return {change: describe_unread(change) for change in find_unread_changes(repository, changes)}


def _drop_repeated(
    repository: GitRepository, changes: Sequence[RecordTampering], tip: str
) -> list[RecordTampering]:
    """Drop the merges that only repeat that a record of a newer format was taken back before."""
    paths = {change.path for change in changes if change.yielded}
    if not paths:
        return list(changes)
    from mlver.project.history.unknown_formats import find_taken_back

    taken = find_taken_back(repository, sorted(paths), tip)
    return [
        change
        for change in changes
        if not change.yielded or (change.path, change.before) not in taken
    ]


def judge_renumbering(
    repository: GitRepository,
    records: Iterable[PromotionRecord | VersionRecord],
    tip: str = "HEAD",
    *,
    walk: HistoryWalk | None = None,
) -> ClaimVerdicts:
    """Judge what records that `tip` holds say of former numbers, by all of its history.

    `walk` is that history, where it was read at once.
    """
    models = {record.model for record in records if record.renumbered is not None}
    if not models:
        return ClaimVerdicts({}, ())
    vanished = _read_vanished(repository, _find_moves(repository, sorted(models), tip, walk))
    claimants = _read_committed_claimants(repository, sorted(models), tip)
    return judge_claims(claimants, vanished.values())


def _find_moves(
    repository: GitRepository, models: Sequence[str], tip: str, walk: HistoryWalk | None = None
) -> list[RecordTampering]:
    # Without a folder, git would list the whole history.
    if not models:
        return []
    folders = [f"{layout.MODELS}/{model}" for model in models]
    return _list_changes(repository, folders, tip, walk=walk)


def _list_changes(
    repository: GitRepository,
    folders: Sequence[str],
    tip: str = "HEAD",
    *,
    walk: HistoryWalk | None,
) -> list[RecordTampering]:
    """List what `tip`'s history, which `walk` may be, changed or deleted below these folders."""
    if walk is None:
        return history.find_tampering(repository, *folders, tip=tip)
    beginnings = tuple(f"{folder}/" for folder in folders)
    return history.judge_changes(
        change for change in walk.losses if change.path.startswith(beginnings)
    )


def _read_committed_claimants(
    repository: GitRepository, models: Sequence[str], tip: str
) -> Iterator[RecordCopy]:
    tree = CommittedRecords.at_commit(repository, tip)
    return read_claimants(RecordRegistry(tree), models)


@dataclass(frozen=True, slots=True)
class PlannedMerge:
    """A merge that is still to be made: what it would hold, and what its parents hold."""

    result: CommittedRecords
    parents: tuple[CommittedRecords, ...]
    _claimants: dict[str, tuple[RecordCopy, ...]] = field(init=False, default_factory=dict)

    def has_moved(self, path: str) -> bool:
        """Say whether the merge moves the record at `path`, and keeps it."""
        if layout.is_seal_path(path):
            registry = RecordRegistry(self.result)
            return MergedRecords(self.result.repository, registry, self.parents).has_moved(path)
        place = layout.parse_path(path)
        if place is None:
            # Hardly any merge moves one, so what reads them is not imported before.
            from mlver.project.history.merged_authorisations import has_authorisation_moved
            from mlver.project.history.merged_deployments import has_deployment_moved

            return has_authorisation_moved(
                RecordRegistry(self.result), self.parents, path
            ) or has_deployment_moved(RecordRegistry(self.result), self.parents, path)
        if place.kind == "model":
            return False
        kept = self.result.entries.get(path)
        losing_trees = [tree for tree in self.parents if tree.entries.get(path) not in (None, kept)]
        if len(losing_trees) == len(self.parents):
            return False
        vanished: list[RecordCopy] = []
        for tree in losing_trees:
            with suppress(MlverError):
                vanished += _read_copies(path, tree.read_file(path))
        verdicts = judge_claims(self._read_claimants(place.model), vanished)
        if vanished and all(copy.key in verdicts.moved for copy in vanished):
            return True
        registry = RecordRegistry(self.result)
        return MergedRecords(self.result.repository, registry, self.parents).has_moved(path)

    def _read_claimants(self, model: str) -> tuple[RecordCopy, ...]:
        # Many records of a model may move at once.
        if model not in self._claimants:
            claimants = read_claimants(RecordRegistry(self.result), [model])
            self._claimants[model] = tuple(claimants)
        return self._claimants[model]


# -- what records say ------------------------------------------------------------------------------


def read_claimants(registry: RecordRegistry, models: Iterable[str]) -> Iterator[RecordCopy]:
    """Read the versions and promotions of these models that say which number they had."""
    for model in models:
        record_paths = _list_numbered(registry, model)
        if isinstance(registry.source, CommittedRecords):
            registry.source.fetch_files(record_paths)
        for record_path in record_paths:
            # The check of each record names one that cannot be read.
            with suppress(MlverError):
                record_bytes = registry.read_file(record_path)
                if record_bytes is not None and _CLAIM in record_bytes:
                    yield from _read_copies(record_path, record_bytes)


def _list_numbered(registry: RecordRegistry, model: str) -> list[str]:
    record_paths: list[str] = []
    with suppress(MlverError):
        for number in registry.list_versions(model):
            record_paths.append(layout.version_path(model, number))
    with suppress(MlverError):
        for stage in registry.list_stages(model):
            for sequence in registry.list_sequences(layout.stage_folder(model, stage)):
                record_paths.append(layout.promotion_path(model, stage, sequence))
    return record_paths


def _read_copies(path: str, data: bytes | None) -> Iterator[RecordCopy]:
    """Read a version or a promotion; nothing of any other kind.

    Raise InvalidDocument for bytes that are no such record.
    """
    if data is None:
        return
    place = layout.parse_path(path)
    if isinstance(place, VersionPath):
        yield RecordCopy(decode_version(data, path), Digest.of_bytes(data))
    elif isinstance(place, PromotionPath):
        yield RecordCopy(decode_promotion(data, path), Digest.of_bytes(data))


def describe_claim(copy: RecordCopy, *, shallow: bool) -> Finding:
    record = copy.record
    assert record.renumbered is not None
    former = printable_name(str(record.renumbered.number))
    message = f"says that it was {former} before a merge, and no merge here shows it"
    if shallow:
        message = f"says that it was {former} before a merge, which this shallow clone cannot show"
    show_log = shell_command("git", "log", "--", record.record_path)
    return Finding("unconfirmed", record.record_path, message, (show_log,))


# -- what merges did -------------------------------------------------------------------------------


def _list_models(changes: Iterable[RecordTampering]) -> list[str]:
    """List the models of which some record was changed."""
    models: dict[str, None] = {}
    for change in changes:
        place = layout.parse_path(change.path)
        if place is not None:
            models[place.model] = None
    return list(models)


def _read_vanished(
    repository: GitRepository, changes: Iterable[RecordTampering]
) -> dict[RecordTampering, RecordCopy]:
    """Read the versions and promotions that merges took from their paths."""
    wanted: list[RecordTampering] = []
    for change in changes:
        if change.yielded and isinstance(
            layout.parse_path(change.path), VersionPath | PromotionPath
        ):
            wanted.append(change)
    if not wanted:
        return {}
    limits = [(change.before, byte_limits.find_byte_limit(change.path)) for change in wanted]
    vanished: dict[RecordTampering, RecordCopy] = {}
    contents = objects.read_beginnings(repository.process, limits)
    for change, data in zip(wanted, contents, strict=True):
        # What cannot be read as a record cannot be shown to live on.
        with suppress(MlverError):
            for copy in _read_copies(change.path, data):
                vanished[change] = copy
    return vanished


def _select_tampering(
    repository: GitRepository,
    changes: Sequence[RecordTampering],
    vanished: Mapping[RecordTampering, RecordCopy],
    verdicts: ClaimVerdicts,
) -> list[RecordTampering]:
    """Select the changes by which a record was lost, not moved."""
    # Loading a merge reads all of its records and its parents', so it is done once a commit.
    merges: dict[str, MergedRecords | None] = {}
    tampering: list[RecordTampering] = []
    for change in changes:
        copy = vanished.get(change)
        if copy is not None and copy.key in verdicts.moved:
            continue
        if not change.yielded or (copy is not None and copy.record.format > 1):
            tampering.append(change)
            continue
        if change.commit not in merges:
            merges[change.commit] = _load_merge(repository, change.commit)
        merge = merges[change.commit]
        if merge is None or not merge.has_moved(change.path):
            tampering.append(change)
    return tampering


def _load_merge(repository: GitRepository, commit: str) -> MergedRecords | None:
    """Load the records of a merge and of its parents; None for a commit that is no merge."""
    parents = merging.list_commit_parents(repository, commit)
    if len(parents) < 2:
        return None
    parent_trees = tuple(CommittedRecords.at_commit(repository, parent) for parent in parents)
    result = CommittedRecords.at_commit(repository, commit)
    return MergedRecords(repository, RecordRegistry(result), parent_trees)
