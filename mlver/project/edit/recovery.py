"""What becomes of an edit that was stopped: completed where its commit landed, undone where it did
not.

Judged by git and the files alone. Between the stop and the settling the person may have edited,
committed or switched branches: what is theirs, by its bytes, is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.git import changes, merging
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from mlver.git.stale_locks import clear_locks
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent
from mlver.system import durable


class RecoveryOutcome(Enum):
    """What became of an interrupted edit; `told` says it of a command, `outcome` of a failure."""

    COMPLETED = (
        "completed `{}`, which had been interrupted",
        "it is done all the same, but a power cut may undo it",
    )
    UNTAGGED = (
        "`{}` is committed, but git refused its tag; make it with: mlver tag",
        "its commit landed without a tag",
    )
    UNDONE = "undid `{}`, which had not finished", "nothing was changed"

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
    clear_locks(repository, _list_references(plan), intent.read_start_time(directory))
    _repair_index(repository, directory)
    if _has_landed(repository, plan):
        return _complete_edit(repository, plan, directory)
    _undo_edit(repository, plan)
    return RecoveryOutcome.UNDONE


def _list_references(plan: CommandIntent) -> list[str]:
    branches = [plan.branch] if plan.branch else []
    return [
        *branches,
        *(f"refs/tags/{name}" for name in (*(tag.name for tag in plan.tags), *plan.untags)),
    ]


def _repair_index(repository: GitRepository, directory: Path) -> None:
    """Put git's index back where a power cut left one that is empty or torn, or none."""
    path, kept = repository.git_dir / "index", intent.read_kept_index(directory)
    found = read_if_there(path)
    if kept is not None and not changes.is_whole_index(found or b""):
        durable.write_file(path, kept)
    elif found == b"":
        durable.remove_file(path)


def _has_landed(repository: GitRepository, plan: CommandIntent) -> bool:
    """Whether the branch the edit was made on holds every file of the plan, byte for byte."""
    if not plan.writes:
        return bool(plan.tags)
    if plan.during is not None:
        # the merge it settled was committed since
        return not _is_still_merging(repository, plan) and all(
            compare_with_plan(repository, "HEAD", plan)
        )
    return plan.branch is not None and all(compare_with_plan(repository, plan.branch, plan))


def compare_with_plan(repository: GitRepository, commit: str, plan: CommandIntent) -> list[bool]:
    """For each file of the plan, whether a commit (the index, if empty) has it with the planned
    bytes.
    """
    held = repository.blob_digests(f"{commit}:{path}" for path in plan.writes)
    return [digest == wanted for digest, wanted in zip(held, plan.writes.values(), strict=True)]


def _is_still_merging(repository: GitRepository, plan: CommandIntent) -> bool:
    """Whether the merge that the plan settles is still under way, and so not committed."""
    now = merging.find_merge_state(repository) or merging.last_commit_state(repository)
    return plan.during is not None and now is not None and now.identity == plan.during


def _complete_edit(
    repository: GitRepository, plan: CommandIntent, directory: Path
) -> RecoveryOutcome:
    settled = RecoveryOutcome.COMPLETED
    changes.delete_tags(repository, _find_unchanged_tags(repository, plan.untags))
    try:
        try:
            _make_tags(repository, plan)
        except GitFailed:
            # it may have been killed and not have refused: then its lock is in the way
            clear_locks(repository, _list_references(plan), intent.read_start_time(directory))
            _make_tags(repository, plan)
    except GitFailed:
        settled = RecoveryOutcome.UNTAGGED
    if plan.writes and plan.branch == f"refs/heads/{repository.head().branch}":
        # A power cut may keep a commit and lose the index that git wrote with it. Then the person's
        # next commit would undo ours.
        held = changes.index_entries(repository, list(plan.writes))
        changes.unstage_paths(
            repository, [entry.path for entry in held if entry.entry == plan.index[entry.path]]
        )
    changes.sync_git(repository, _list_references(plan))
    return settled


def _make_tags(repository: GitRepository, plan: CommandIntent) -> None:
    unknown = [tag.path for tag in plan.tags if tag.commit is None]
    tip = plan.branch or "HEAD"
    # A merge that brought the record itself is no commit that added it.
    landed_by = repository.added_by(unknown, tip) if unknown else {}
    there = repository.tags(*(f"refs/tags/{tag.name}" for tag in plan.tags)) if plan.tags else {}
    for tag in plan.tags:
        if tag.name not in there:
            changes.create_tag(
                repository, tag.name, tag.commit or landed_by.get(tag.path, tip), tag.message
            )


def _undo_edit(repository: GitRepository, plan: CommandIntent) -> None:
    """Put back what the edit wrote: not what is committed by now, and not what was written over it
    since.
    """
    committed = compare_with_plan(repository, "HEAD", plan)
    if _is_still_merging(repository, plan):
        committed = [False] * len(committed)
    elif plan.during is not None:
        # the merge was given up: whatever git took away since is to stay away
        committed = [
            held or digest is None
            for held, digest in zip(committed, plan.writes.values(), strict=True)
        ]
    mine = [path for path, held in zip(plan.writes, committed, strict=True) if not held]
    staged = [
        path
        for path, held in zip(plan.writes, compare_with_plan(repository, "", plan), strict=True)
        if held
    ]
    for path in mine:
        _put_file_back(repository.top, path, plan)
    restored = [changes.IndexEntry(path, plan.index[path]) for path in mine if path in staged]
    changes.restore_index(repository, restored)
    there = _find_unchanged_tags(repository, plan.untags)
    changes.restore_tags(
        repository, {name: oid for name, oid in plan.untags.items() if name not in there}
    )
    changes.sync_git(repository, [f"refs/tags/{name}" for name in plan.untags])


def _find_unchanged_tags(repository: GitRepository, tags: Mapping[str, str]) -> dict[str, str]:
    """Those of `tags` that are still what the plan says."""
    found = repository.tags(*(f"refs/tags/{name}" for name in tags)) if tags else {}
    return {
        name: oid for name, oid in tags.items() if name in found and found[name].object_id == oid
    }


def _put_file_back(top: Path, path: str, plan: CommandIntent) -> None:
    where = paths.join_inside(top, path)
    durable.sweep_temporaries(where.parent)
    found = read_if_there(where)
    before = plan.before[path]
    if (None if found is None else Digest.of_bytes(found)) == plan.writes[path]:
        if before is None:
            if found is not None:
                durable.remove_file(where)
        elif found != before:
            durable.make_directory(where.parent)
            durable.write_file(where, before)
    _remove_empty_folders(where.parent, top)


def read_if_there(path: Path) -> bytes | None:
    """A file's bytes; None where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _remove_empty_folders(directory: Path, top: Path) -> None:
    """Folders made for a record that is gone again."""
    while directory != top:
        try:
            directory.rmdir()
        except OSError:
            return
        directory = directory.parent
