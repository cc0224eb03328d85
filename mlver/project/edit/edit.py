"""One change to a repository, all or nothing: lock, plan, write, commit, tag, sync.

The plan (an intent) is on disk before the first file changes. Whatever stops the edit, a failing hook, a full disk or a
power cut, one rule settles it, at once or in the next command: see `mlver.project.edit.recovery`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error, shell_command
from mlver.git import changes
from mlver.git.merging import MergeState
from mlver.git.repository import GitRepository
from mlver.git.stale_locks import wait_for_index
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent, PlannedTag
from mlver.project.edit.recovery import (
    RecoveryOutcome,
    compare_with_plan,
    read_if_there,
    recover_edit,
)
from mlver.system import durable


@dataclass(slots=True)
class PlannedEdit:
    """The files one command will write, relative to the work tree; nothing is touched before `commit` or `stage`.

    `landed`: they are written, whatever stopped the command after that. `named`: fetched tags have names here.
    """

    repository: GitRepository
    directory: Path
    what: str
    writes: dict[str, bytes | None] = field(default_factory=dict)
    landed: bool = False
    named: bool = False

    def create_file(self, path: str, data: bytes) -> None:
        """Plan a new file; raise MlverError if there is one already: a record is never overwritten."""
        if path in self.writes or paths.join_inside(self.repository.top, path).exists():
            raise MlverError(
                f"{path} exists already, and records never change",
                hint=shell_command("git", "log", "--", path),
            )
        self.writes[path] = data

    def put_file(self, path: str, data: bytes) -> None:
        """Plan a file that may replace its former self: settings, or a manifest, named by its own digest."""
        self.writes[path] = data

    def remove_file(self, path: str) -> None:
        """Plan that a file is gone: one a merge brought, and that has another name now."""
        self.writes[path] = None

    def commit_files(
        self, message: str, tags: tuple[PlannedTag, ...] = (), *, otherwise: str = ""
    ) -> str:
        """Write, commit only these files, make the tags, sync. Return the commit's id once nothing can be lost.

        `otherwise` is what a person whose HEAD is detached can do without a branch.
        """
        branch = _require_branch(self.repository, otherwise)
        with self._record_plan(branch=f"refs/heads/{branch}", tags=tags) as plan:
            self._write_files()
            commit = changes.commit_only(self.repository, list(plan.writes), message)
            _check_landed(self.repository, plan, commit)
            for tag in tags:
                changes.create_tag(self.repository, tag.name, commit, tag.message)
            changes.sync_git(
                self.repository,
                [f"refs/heads/{branch}", *(f"refs/tags/{tag.name}" for tag in tags)],
            )
        return commit

    def stage_files(self) -> None:
        """Write the files and add them to the index, for the person's own commit."""
        _refuse_unfinished(self.repository)
        with self._record_plan():
            self._write_files()
            changes.sync_git(self.repository, [])

    def resolve_merge(self, meeting: MergeState, untags: Mapping[str, str]) -> None:
        """Write the files and stage them in the midst of a merge; delete the tags of what has another name now."""
        with self._record_plan(during=meeting.identity, untags=untags):
            self._write_files()
            if untags:
                changes.delete_tags(self.repository, untags)
            changes.sync_git(self.repository, [f"refs/tags/{name}" for name in untags])

    def seal_records(self, tags: tuple[PlannedTag, ...]) -> None:
        """Make tags on commits that landed long ago (each names its own), and sync them."""
        with self._record_plan(tags=tags):
            for tag in tags:
                assert tag.commit is not None
                changes.create_tag(self.repository, tag.name, tag.commit, tag.message)
            changes.sync_git(self.repository, [f"refs/tags/{tag.name}" for tag in tags])

    def name_tags(self, tags: Mapping[str, str]) -> None:
        """Give fetched tag objects their names. Stopped, this is a deletion to be undone: the names come back."""
        changes.sync_git(self.repository, [])  # a plan must not name what a power cut may take away
        self.named = True
        with self._record_plan(untags=tags):
            changes.restore_tags(self.repository, tags)
            changes.sync_git(self.repository, [f"refs/tags/{name}" for name in tags])

    @contextmanager
    def _record_plan(
        self,
        *,
        branch: str | None = None,
        tags: tuple[PlannedTag, ...] = (),
        during: str | None = None,
        untags: Mapping[str, str] | None = None,
    ) -> Iterator[CommandIntent]:
        """The plan, on disk while it is carried out; whatever stops that settles it."""
        undone = RecoveryOutcome.UNDONE.failure_outcome
        if self.named:
            undone = "the tags that were fetched stay"
        outcome = undone
        try:
            plan = replace(
                self._plan_files(), branch=branch, tags=tags, during=during, untags=untags or {}
            )
            intent.write_intent(self.directory, plan)
            intent.keep_index(self.directory, read_if_there(self.repository.git_dir / "index"))
            try:
                yield plan
            except BaseException:
                outcome = "the next mlver command here completes or undoes it"
                # where even that fails, the plan stays on disk
                with suppress(OSError, MlverError):
                    settled = recover_edit(self.repository, plan, self.directory)
                    self.landed = settled is not RecoveryOutcome.UNDONE
                    outcome = settled.failure_outcome if self.landed else undone
                    intent.drop_intent(self.directory)
                raise
            outcome, self.landed = RecoveryOutcome.COMPLETED.failure_outcome, True
            intent.drop_intent(self.directory)
        except OSError as error:
            raise refusal_error(self.what, error, outcome=outcome) from error

    def _plan_files(self) -> CommandIntent:
        """The part of the plan that is about files: what they are now, and will be."""
        wait_for_index(self.repository)
        top = self.repository.top
        before = {path: read_if_there(paths.join_inside(top, path)) for path in self.writes}
        return CommandIntent(
            what=self.what,
            top=str(top),
            git_dir=self.repository.own,
            writes={
                path: None if data is None else Digest.of_bytes(data)
                for path, data in self.writes.items()
            },
            before=before,
            index={
                entry.path: entry.entry
                for entry in changes.index_entries(self.repository, list(self.writes))
            },
        )

    def _write_files(self) -> None:
        for path, data in self.writes.items():
            where = paths.join_inside(self.repository.top, path)
            if data is not None:
                durable.make_directory(where.parent)
                durable.write_file(where, data)
            elif where.exists():
                durable.remove_file(where)
        changes.stage_paths(self.repository, list(self.writes))


def _check_landed(repository: GitRepository, plan: CommandIntent, commit: str) -> None:
    for path, is_held in zip(plan.writes, compare_with_plan(repository, commit, plan), strict=True):
        if not is_held:
            raise MlverError(
                f"a commit hook changed {path} while {plan.what} was committed, so it cannot be sealed",
                hint="git reset --soft HEAD~1, keep the hook away from .mlver/, then run the command again",
            )


def _require_branch(repository: GitRepository, otherwise: str) -> str:
    """The branch a commit would land on; refuse where one would land in somebody's half-done work, or nowhere."""
    _refuse_unfinished(repository)
    branch = repository.head().branch
    if branch is None:
        raise MlverError(
            "HEAD is detached: a commit made here would be on no branch, and easily lost",
            hint="git switch -c BRANCH, then run the command again"
            + (otherwise and f" (or {otherwise})"),
        )
    return branch


def _refuse_unfinished(repository: GitRepository) -> None:
    unfinished = repository.unfinished()
    if unfinished is not None:
        what, finish = unfinished
        raise MlverError(
            f"{what} is in progress, and a record has no place in it",
            hint=finish,
        )
