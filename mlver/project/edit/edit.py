"""One change to a repository, all or nothing: lock, plan, write, commit, tag, sync.

The plan (an intent) is on disk before the first file changes. Whatever stops the edit, a failing
hook, a full disk or a power cut, one rule settles it, at once or in the next command: see
`mlver.project.edit.recovery`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error, shell_command
from mlver.git import changes, trees
from mlver.git.merging import MergeState
from mlver.git.repository import GitRepository
from mlver.git.stale_locks import wait_for_index
from mlver.project.edit import intent, kept_code
from mlver.project.edit.intent import CommandIntent, PlannedTag, SealSource
from mlver.project.edit.recovery import (
    RecoveryOutcome,
    compare_with_plan,
    read_if_there,
    recover_edit,
)
from mlver.records import layout
from mlver.system import durable


@dataclass(slots=True)
class PlannedEdit:
    """The files one command will write, relative to the work tree.

    Nothing is touched before one of the methods below carries the plan out. `what` names the
    command. `landed` says in words what is written for good, whatever stopped the command after
    that. `named`: fetched tags have names here. `follow_up` does what belongs to a commit and its
    tags once these are made, as long as the plan is on disk; it raises no MlverError. `besides`
    says what the command had changed elsewhere, which the undoing of an edit leaves as it is.
    """

    repository: GitRepository
    directory: Path
    what: str
    writes: dict[str, bytes | None] = field(default_factory=dict)
    landed: str | None = None
    named: bool = False
    follow_up: Callable[[], None] | None = None
    besides: str | None = None

    def create_file(self, path: str, data: bytes) -> None:
        """Plan a new file.

        Raise MlverError if there is one already: a record is never overwritten.
        """
        file = paths.join_inside(self.repository.top, path)
        if path in self.writes or file.exists():
            raise MlverError(
                f"{path} exists already, and records never change",
                hint=shell_command("git", "log", "--", path),
            )
        self.writes[path] = data

    def put_file(self, path: str, data: bytes) -> None:
        """Plan a file that may replace an older one: settings, or a manifest."""
        self.writes[path] = data

    def remove_file(self, path: str) -> None:
        """Plan to remove a file that a merge brought, and that has another name now."""
        self.writes[path] = None

    def commit_files(
        self,
        message: str,
        tags: tuple[PlannedTag, ...] = (),
        *,
        otherwise: str = "",
        description: str = "",
        replaced: Mapping[str, str] | None = None,
    ) -> str:
        """Write, commit only these files, make the tags, sync.

        Return the commit's id once nothing can be lost. `otherwise` is what a person whose HEAD is
        detached can do without a branch. `description` names the command more exactly than `what`
        could when the edit began. With `replaced`, the commit takes the place of HEAD's, and the
        new tags that of these, each with its object's id. The hooks know them by the plan.
        """
        branch, former = require_branch(self.repository, otherwise)
        untags = replaced or {}
        with self._record_plan(
            branch=branch, tags=tags, untags=untags, description=description
        ) as plan:
            self._write_files()
            commit = changes.commit_only(
                self.repository, list(plan.writes), message, amend=replaced is not None
            )
            _check_landed(self.repository, plan, commit, former)
            kept_code.keep_code(self.repository, tags)
            changes.create_tags(
                self.repository,
                [changes.NewTag(tag.name, commit, tag.message) for tag in tags],
                replaced=untags,
            )
            references = [branch, *_list_references(tags)]
            changes.sync_git(self.repository, references)
            self._follow_up()
        return commit

    def stage_files(self, *, description: str = "") -> None:
        """Write the files and add them to the index, for the person's own commit."""
        refuse_unfinished(self.repository)
        with self._record_plan(description=description):
            self._write_files()
            changes.sync_git(self.repository, [])

    def resolve_merge(self, meeting: MergeState, untags: Mapping[str, str]) -> None:
        """Write the files and stage them in the midst of a merge.

        The tags `untags` are deleted: their records have other names now.
        """
        with self._record_plan(during=meeting.identity, untags=untags):
            self._write_files()
            if untags:
                changes.delete_tags(self.repository, untags)
            changes.sync_git(self.repository, _tag_references(untags))

    def seal_records(self, tags: tuple[PlannedTag, ...], source: SealSource) -> None:
        """Make tags on commits that landed long ago (each names its own), and sync them.

        `source` tells a recovery where to look for the records again.
        """
        with self._record_plan(tags=tags, sealing=source):
            kept_code.keep_code(self.repository, kept_code.leave_lacking(self.repository, tags))
            new_tags: list[changes.NewTag] = []
            for tag in tags:
                assert tag.commit is not None
                new_tags.append(changes.NewTag(tag.name, tag.commit, tag.message))
            changes.create_tags(self.repository, new_tags)
            changes.sync_git(self.repository, _list_references(tags))

    def name_tags(self, tags: Mapping[str, str]) -> None:
        """Give fetched tag objects their names.

        Where that is stopped, it is undone like a deletion of the tags: the names come back.
        """
        # A plan must not name what a power cut may take away.
        changes.sync_git(self.repository, [])
        self.named = True
        with self._record_plan(untags=tags):
            changes.restore_tags(self.repository, tags)
            changes.sync_git(self.repository, _tag_references(tags))

    def take_over_tags(self, tags: Mapping[str, tuple[str, str]]) -> None:
        """Let tags name the fetched objects that the remote has: each the old, and the new one.

        Both seal the same record, so wherever that is stopped, each record keeps a seal.
        """
        changes.sync_git(self.repository, [])
        self.named = True
        changes.move_tags(self.repository, tags)
        changes.sync_git(self.repository, _tag_references(tags))

    @contextmanager
    def _record_plan(
        self,
        *,
        branch: str | None = None,
        tags: tuple[PlannedTag, ...] = (),
        sealing: SealSource | None = None,
        during: str | None = None,
        untags: Mapping[str, str] | None = None,
        description: str = "",
    ) -> Iterator[CommandIntent]:
        """Keep the plan on disk while it is carried out; where that fails, recover at once."""
        what = description or self.what
        outcome = self._describe_undone()
        try:
            plan = replace(
                self._plan_files(what),
                branch=branch,
                tags=tuple(tag.name for tag in tags),
                sealing=sealing,
                during=during,
                untags=untags or {},
            )
            intent.write_intent(self.directory, plan)
            index_data = read_if_there(self.repository.git_dir / "index")
            intent.keep_index(self.directory, index_data)
            try:
                yield plan
            except BaseException as error:
                outcome = self._recover_plan(plan, error)
                raise
            self.landed = what
            outcome = RecoveryOutcome.COMPLETED.failure_outcome
            intent.drop_intent(self.directory)
        except OSError as error:
            raise refusal_error(what, error, outcome=outcome) from error

    def _recover_plan(self, plan: CommandIntent, error: BaseException) -> str:
        """Recover after an error, and say in it what landed all the same; return the outcome."""
        outcome = "the next mlver command here completes or undoes it"
        # Where even the recovery fails, the plan stays on disk for the next command.
        with suppress(OSError, MlverError):
            recovery = recover_edit(self.repository, plan, self.directory)
            self.landed = None
            outcome = self._describe_undone()
            if recovery.has_landed:
                self.landed = plan.what
                outcome = recovery.failure_outcome
                self._follow_up()
            if recovery is not RecoveryOutcome.UNDONE and isinstance(error, MlverError):
                error.message = f"{error.message}\n{recovery.describe_edit(plan.what)}"
            intent.drop_intent(self.directory)
        return outcome

    def _follow_up(self) -> None:
        if self.follow_up is not None:
            self.follow_up()

    def _describe_undone(self) -> str:
        # The undoing of a plan that names tags gives them their names: they are here to stay.
        if self.named:
            return "the tags that were fetched stay"
        if self.besides is not None:
            return self.besides
        return RecoveryOutcome.UNDONE.failure_outcome

    def _plan_files(self, what: str) -> CommandIntent:
        """Plan what is about files: what they are now, and will be."""
        # Another git may be at work: what the index holds meanwhile is not what stays in it.
        wait_for_index(self.repository)
        top = self.repository.top
        writes: dict[str, Digest | None] = {}
        before: dict[str, bytes | None] = {}
        for path, data in self.writes.items():
            writes[path] = None
            if data is not None:
                writes[path] = Digest.of_bytes(data)
            file = paths.join_inside(top, path)
            before[path] = read_if_there(file)
        entries = changes.index_entries(self.repository, list(self.writes))
        return CommandIntent(
            what=what,
            top=str(top),
            git_dir=self.repository.own,
            writes=writes,
            before=before,
            index={entry.path: entry.entry for entry in entries},
        )

    def _write_files(self) -> None:
        for path, data in self.writes.items():
            file = paths.join_inside(self.repository.top, path)
            if data is not None:
                durable.make_directory(file.parent)
                durable.write_file(file, data)
            elif file.exists():
                durable.remove_file(file)
        changes.stage_paths(self.repository, list(self.writes))


def _list_references(tags: Iterable[PlannedTag]) -> list[str]:
    """List the references of these tags, and of the code commits that go with them."""
    names = [tag.name for tag in tags]
    return [*_tag_references(names), *kept_code.list_code_references(names)]


def _tag_references(names: Iterable[str]) -> list[str]:
    return [f"refs/tags/{name}" for name in names]


def _check_landed(
    repository: GitRepository, plan: CommandIntent, commit: str, former: str | None
) -> None:
    """Raise MlverError where the commit holds other bytes than the plan: no tag may seal them.

    The branch was on the commit `former` before.
    """
    agreements = compare_with_plan(repository, commit, plan)
    hint = shell_command("git", "update-ref", "-d", "HEAD")
    if former is not None:
        hint = shell_command("git", "reset", "--soft", former)
    for path, agrees in zip(plan.writes, agreements, strict=True):
        if not agrees:
            raise MlverError(
                f"a commit hook, or a filter that a .gitattributes names, changed {path} while"
                f" {plan.what} was committed, so it cannot be sealed; keep both away from .mlver/,"
                " then undo that commit and run the command again",
                hint=hint,
            )


def require_branch(repository: GitRepository, otherwise: str) -> tuple[str, str | None]:
    """Find the branch that a commit would land on, in full, and the commit that it is on now.

    Raise MlverError where it would land in somebody's half-done work, or on no branch.
    """
    refuse_unfinished(repository)
    head = repository.head()
    if head.branch is None:
        advice = "switch to a branch"
        if otherwise:
            advice = f"{advice}, or {otherwise}"
        raise MlverError(
            "HEAD is detached: a commit made here would be on no branch, and easily lost;"
            f" {advice}, then run the command again",
            hint="git switch -c BRANCH",
        )
    return f"refs/heads/{head.branch}", head.commit


def refuse_unfinished(repository: GitRepository) -> None:
    """Raise MlverError where a merge or the like has to be finished before a commit."""
    unfinished = find_unfinished(repository)
    if unfinished is None:
        return
    operation, finish_command = unfinished
    raise MlverError(
        f"{operation} is in progress, and a record has no place in it",
        hint=finish_command,
    )


def find_unfinished(repository: GitRepository) -> tuple[str, str] | None:
    """Name what is half done here (`a merge`) and the next command towards its end, or None."""
    unfinished = repository.unfinished()
    if unfinished is None:
        return None
    operation, finish_command = unfinished
    # git refuses to go on while a file has two sides, and which record gives way is our question.
    if trees.has_unmerged_files(repository, layout.ROOT):
        finish_command = "mlver resolve"
    return operation, finish_command
