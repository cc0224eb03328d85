"""Recovery of an edit that was stopped: completed where its commit landed, otherwise undone.

One that landed in the place of another commit is undone as well where git refuses its new tag.

git and the files alone decide which. Between the stop and the recovery the person may have edited,
committed or switched branches: files whose bytes are theirs are left as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.git import changes, merging
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from mlver.git.stale_locks import clear_locks
from mlver.project.edit import intent, kept_code, planned_tags
from mlver.project.edit.intent import CommandIntent, PlannedTag, SealSource
from mlver.project.edit.withdrawal import withdraw_commit
from mlver.records import layout
from mlver.records.tags import read_tag_name
from mlver.system import durable
from mlver.system.regular import read_regular


class RecoveryOutcome(Enum):
    """What became of an interrupted edit: a sentence about the command, and one about a failure."""

    COMPLETED = (
        "completed `{}`, which had been interrupted",
        "it is done all the same, but a power cut may undo it",
    )
    UNTAGGED = (
        "`{}` is committed, but git refused its tag; make it with: mlver tag",
        "its commit landed without a tag",
    )
    UNDONE = "undid `{}`, which had not finished", "nothing was changed"
    WITHDRAWN = (
        "undid `{}`: git refused its tag, so the former commit and its tag are in place again",
        "nothing was changed",
    )

    @property
    def has_landed(self) -> bool:
        return self in (RecoveryOutcome.COMPLETED, RecoveryOutcome.UNTAGGED)

    def describe_edit(self, what: str) -> str:
        return self.value[0].format(what)

    @property
    def failure_outcome(self) -> str:
        return self.value[1]


def recover_edit(
    repository: GitRepository, plan: CommandIntent, directory: Path
) -> RecoveryOutcome:
    """Complete or undo what `plan` says; hold the lock when you call this.

    Raise MlverError or OSError where that cannot be done now: the plan has to stay, then.
    """
    started = intent.read_start_time(directory)
    clear_locks(repository, _list_references(plan), started)
    # Before git is asked for anything: it refuses to work with a torn index.
    _repair_index(repository, directory)
    if _has_landed(repository, plan):
        return _complete_edit(repository, plan, directory)
    _undo_edit(repository, plan)
    return RecoveryOutcome.UNDONE


def _list_references(plan: CommandIntent) -> list[str]:
    """List every reference that the plan may have moved."""
    references = _tag_references([*plan.tags, *plan.untags])
    references += kept_code.list_code_references(plan.tags)
    if plan.branch:
        references.insert(0, plan.branch)
    return references


def _tag_references(names: Iterable[str]) -> list[str]:
    return [f"refs/tags/{name}" for name in names]


def _repair_index(repository: GitRepository, directory: Path) -> None:
    """Put git's index back where a power cut left one that is empty or torn, or none."""
    path = repository.git_dir / "index"
    kept_index = intent.read_kept_index(directory)
    current_index = read_if_there(path)
    if kept_index is not None and not changes.is_whole_index(current_index or b""):
        durable.write_file(path, kept_index)
    elif current_index == b"":
        # git takes a missing index for an empty one, and refuses one without a header
        durable.remove_file(path)


def _has_landed(repository: GitRepository, plan: CommandIntent) -> bool:
    """Say whether the branch the edit was made on holds every file of the plan, byte for byte."""
    if not plan.writes:
        return bool(plan.tags)
    landed_in = plan.branch
    if plan.during is not None:
        if _is_still_merging(repository, plan):
            return False
        # the merge it settled was committed since
        landed_in = "HEAD"
    if landed_in is None:
        return False
    return all(compare_with_plan(repository, landed_in, plan))


def compare_with_plan(repository: GitRepository, commit: str, plan: CommandIntent) -> list[bool]:
    """Say for each file of the plan whether a commit holds it with the planned bytes.

    An empty `commit` stands for the index.
    """
    places = [f"{commit}:{path}" for path in plan.writes]
    digests = repository.blob_digests(places)
    compared = zip(digests, plan.writes.values(), strict=True)
    return [digest == planned for digest, planned in compared]


def _is_still_merging(repository: GitRepository, plan: CommandIntent) -> bool:
    """Say whether the merge that the plan settles is still under way, and so not committed."""
    if plan.during is None:
        return False
    merge_state = merging.find_merge_state(repository)
    if merge_state is None:
        # `resolve` also settles a merge that was committed last, before it is amended
        merge_state = merging.last_commit_state(repository)
    return merge_state is not None and merge_state.identity == plan.during


# -- completing ------------------------------------------------------------------------------------


def _complete_edit(
    repository: GitRepository, plan: CommandIntent, directory: Path
) -> RecoveryOutcome:
    outcome = RecoveryOutcome.COMPLETED
    unchanged = _find_unchanged_tags(repository, plan.untags)
    # one that gets another object keeps its name meanwhile
    given_up = {name: object_id for name, object_id in unchanged.items() if name not in plan.tags}
    changes.delete_tags(repository, given_up)
    try:
        _make_tags_twice(repository, plan, directory)
    except MlverError:
        former_seals = _find_unchanged_tags(repository, plan.untags)
        if withdraw_commit(repository, plan, former_seals):
            _undo_edit(repository, plan)
            return RecoveryOutcome.WITHDRAWN
        # `mlver tag` makes no tag of a name that is taken
        changes.delete_tags(repository, former_seals)
        outcome = RecoveryOutcome.UNTAGGED
    if plan.writes and plan.branch == f"refs/heads/{repository.head().branch}":
        # A power cut may keep a commit and lose the index that git wrote with it. Then the person's
        # next commit would undo ours.
        stale_paths = _find_stale_paths(repository, plan)
        changes.unstage_paths(repository, stale_paths)
    changes.sync_git(repository, _list_references(plan))
    return outcome


def _find_stale_paths(repository: GitRepository, plan: CommandIntent) -> list[str]:
    """Find the paths that the index holds as they were before the edit."""
    stale_paths: list[str] = []
    for entry in changes.index_entries(repository, list(plan.writes)):
        if entry.entry == plan.index[entry.path]:
            stale_paths.append(entry.path)
    return stale_paths


def _make_tags_twice(repository: GitRepository, plan: CommandIntent, directory: Path) -> None:
    """Make the plan's tags, again after a first failure; raise GitFailed where both fail."""
    try:
        _make_tags(repository, plan)
    except GitFailed:
        # git may have been killed rather than have refused: then its lock is in the way
        started = intent.read_start_time(directory)
        clear_locks(repository, _list_references(plan), started)
        _make_tags(repository, plan)


def _make_tags(repository: GitRepository, plan: CommandIntent) -> None:
    """Make the tags that are missing, and what keeps the code of their versions.

    A power cut may have kept a tag and lost the reference that was made before it. Raise MlverError
    where a tag cannot be made.
    """
    existing_tags = repository.tags_named(plan.tags)
    missing_names: list[str] = []
    replaced: dict[str, str] = {}
    for name in plan.tags:
        existing = existing_tags.get(name)
        if existing is None:
            missing_names.append(name)
        # one that it replaces seals the record that was there before
        elif existing.object_id == plan.untags.get(name):
            missing_names.append(name)
            replaced[name] = existing.object_id
    kept_tags = [name for name in plan.tags if name not in missing_names]
    names = [*missing_names, *kept_code.find_codeless(repository, kept_tags)]
    planned = kept_code.leave_lacking(repository, _plan_tags(repository, plan, names))
    kept_code.keep_code(repository, planned)
    new_tags: list[changes.NewTag] = []
    for tag in planned:
        assert tag.commit is not None
        if tag.name in missing_names:
            new_tags.append(changes.NewTag(tag.name, tag.commit, tag.message))
    changes.create_tags(repository, new_tags, replaced=replaced)


def _plan_tags(
    repository: GitRepository, plan: CommandIntent, names: Sequence[str]
) -> list[PlannedTag]:
    """Plan these tags of the plan again, from the records that git holds."""
    paths: dict[str, str] = {}
    for name in names:
        tag_name = read_tag_name(name)
        assert tag_name is not None
        paths[name] = layout.record_path(tag_name)
    if not paths:
        return []
    sealing = plan.sealing or SealSource(plan.branch or "HEAD")
    landed_by = repository.added_by(paths.values(), sealing.tip, main_line=sealing.main_line)
    # A merge that brought the record itself is no commit that added it.
    added_by = [landed_by.get(path, sealing.tip) for path in paths.values()]
    contents = repository.blobs(f"{sealing.tip}:{path}" for path in paths.values())
    first_places = zip(added_by, paths.values(), strict=True)
    first_contents = repository.blobs(f"{commit}:{path}" for commit, path in first_places)
    tags: list[PlannedTag] = []
    records = zip(paths.items(), added_by, contents, first_contents, strict=True)
    for (name, path), commit, data, first_data in records:
        tag = _plan_tag(name, path, data)
        # The first commit held other bytes where a conflict over the path was settled later.
        tags.append(replace(tag, commit=commit if first_data == data else sealing.tip))
    return tags


def _plan_tag(name: str, path: str, data: bytes | None) -> PlannedTag:
    if data is None:
        raise MlverError(f"{path} is gone, which {name} was to seal", hint="mlver tag")
    tag = planned_tags.plan_record_tag(path, data)
    if tag.name != name:
        raise MlverError(f"{path} is the record of {tag.name}", hint="mlver verify --all")
    return tag


# -- undoing ---------------------------------------------------------------------------------------


def _undo_edit(repository: GitRepository, plan: CommandIntent) -> None:
    """Put back what the edit wrote.

    Files that are committed by now stay, and so do those that were written over since.
    """
    undone_paths = _list_undone_paths(repository, plan)
    staged = compare_with_plan(repository, "", plan)
    is_staged = dict(zip(plan.writes, staged, strict=True))
    for path in undone_paths:
        _put_file_back(repository.top, path, plan)
    entries: list[changes.IndexEntry] = []
    for path in undone_paths:
        # what the person staged since is theirs
        if is_staged[path]:
            entries.append(changes.IndexEntry(path, plan.index[path]))
    changes.restore_index(repository, entries)
    _restore_tags(repository, plan.untags)
    changes.sync_git(repository, _tag_references(plan.untags))


def _list_undone_paths(repository: GitRepository, plan: CommandIntent) -> list[str]:
    """List the files of the plan that are to be as they were before it."""
    if _is_still_merging(repository, plan):
        return list(plan.writes)
    undone_paths: list[str] = []
    committed = compare_with_plan(repository, "HEAD", plan)
    for (path, digest), is_committed in zip(plan.writes.items(), committed, strict=True):
        if is_committed:
            continue
        if plan.during is not None and digest is None:
            # the merge was given up: whatever git took away since is to stay away
            continue
        undone_paths.append(path)
    return undone_paths


def _restore_tags(repository: GitRepository, tags: Mapping[str, str]) -> None:
    """Make those of `tags` again that are gone or were changed."""
    unchanged = _find_unchanged_tags(repository, tags)
    lost_tags: dict[str, str] = {}
    for name, object_id in tags.items():
        if name not in unchanged:
            lost_tags[name] = object_id
    changes.restore_tags(repository, lost_tags)


def _find_unchanged_tags(repository: GitRepository, tags: Mapping[str, str]) -> dict[str, str]:
    """Find those of `tags` that are still what the plan says."""
    if not tags:
        # without a pattern, git would list every tag
        return {}
    existing_tags = repository.tags(*_tag_references(tags))
    unchanged: dict[str, str] = {}
    for name, object_id in tags.items():
        tag = existing_tags.get(name)
        if tag is not None and tag.object_id == object_id:
            unchanged[name] = object_id
    return unchanged


def _put_file_back(top: Path, path: str, plan: CommandIntent) -> None:
    """Give a file its old bytes where it has those that the plan wrote."""
    file = paths.join_inside(top, path)
    durable.sweep_temporaries(file.parent)
    current_data = read_if_there(file)
    current_digest = None
    if current_data is not None:
        current_digest = Digest.of_bytes(current_data)
    if current_digest == plan.writes[path]:
        _write_old_bytes(file, current_data, plan.before[path])
    _remove_empty_folders(file.parent, top)


def _write_old_bytes(file: Path, current_data: bytes | None, old_data: bytes | None) -> None:
    if old_data == current_data:
        return
    if old_data is None:
        durable.remove_file(file)
        return
    durable.make_directory(file.parent)
    durable.write_file(file, old_data)


def read_if_there(path: Path) -> bytes | None:
    """Read a file's bytes; None where there is none."""
    try:
        return read_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _remove_empty_folders(directory: Path, top: Path) -> None:
    """Remove the folders that were made for a record that is gone again."""
    while directory != top:
        try:
            directory.rmdir()
        except OSError:
            # not empty: other records lie in it
            return
        directory = directory.parent
