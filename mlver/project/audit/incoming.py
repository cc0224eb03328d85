"""What is about to come in: the next commit, as the index holds it, or the commits of a push or a
pull request.

Only what they touch is looked at, in what git holds of it; no file of the work tree is read, and
nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mlver.errors import MlverError, printable_name, shell_command
from mlver.findings import Finding
from mlver.git import changes_in
from mlver.git.changes_in import KnownObject
from mlver.git.history import RecordTampering
from mlver.git.main_branch import list_main_branches
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry
from mlver.policy.record_changes import RecordChange, judge_change
from mlver.project.audit.kept_files import choose_kept
from mlver.project.edit.replaced_seals import list_replaced_seals
from mlver.project.history import renumbered
from mlver.project.history.renumbered import PlannedMerge
from mlver.project.history.unknown_formats import find_taken_back, find_unread_changes
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.reporter import SilentReporter
from mlver.project.tags.seen_tags import SeenTags
from mlver.records import layout
from mlver.system.state import StateDatabase

_CHANGE_WORDS: dict[RecordChange, str] = {
    "changed": "was changed",
    "deleted": "was deleted",
    "replaced": "was replaced by the other side's in a merge",
}
_NEVER = "and a record stays as it was committed"
_SQUASH = "git rebase -i"
# How much of a branch's past is nobody's to change: what has landed elsewhere; what its own commits
# added, too; or also what it had when a merge, or a push that rewinds it, would take that back.
BranchProtection = Literal["free", "own", "protected"]
# Who judges: a pipeline or a person, the clone that pushes, or the repository that is pushed to.
IncomingJudge = Literal["check", "pre-push", "pre-receive"]

# How the index differs from each parent: old and new entry, by path.
_Differences = Sequence[dict[str, tuple[TreeEntry | None, TreeEntry | None]]]


@dataclass(frozen=True, slots=True)
class IncomingChanges:
    """`project` reads the records as they would be. `records` are the paths touched below
    `.mlver/`, those that are gone among them; `edits` what was done to records that should have
    stayed; `files` each content of the other files. `base` is the commit that it is to land on,
    `without` what rev-list takes for what was there before.
    """

    project: Project
    records: tuple[str, ...]
    edits: tuple[Finding, ...]
    files: tuple[tuple[str, KnownObject], ...]
    look: tuple[str, ...]  # the command that shows a touched file
    tip: str | None = None  # the last of the commits that come in; None for the index
    base: str | None = None  # None for a merge that is still to be made
    without: tuple[str, ...] = ()
    asked_by: IncomingJudge = "check"
    # The object of each tag that the same push brings, by name; None for one that goes.
    pushed_tags: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def replaced_seals(self) -> tuple[str, ...]:
        """The tags that go once the index is committed: those that `register --amend` replaces."""
        return tuple(self.pushed_tags) if self.tip is None else ()

    @property
    def seen_tags(self) -> SeenTags:
        return SeenTags(self.project, self.pushed_tags, in_hook=True)

    @property
    def record_tree(self) -> CommittedRecords:
        source = self.project.registry.source
        assert isinstance(source, CommittedRecords)
        return source


def read_staged(repository: GitRepository) -> IncomingChanges:
    """Read what a commit made now would be: the index against all the parents it would have."""
    parents = changes_in.list_parents(repository)
    # The first commit differs from nothing.
    compared: Sequence[str | None] = parents or [None]
    differences = [changes_in.compare_index(repository, parent) for parent in compared]
    tree = CommittedRecords.from_index(repository)
    touched: dict[str, None] = {}
    for changes in differences:
        for record_path in changes:
            if record_path.startswith(f"{layout.ROOT}/"):
                touched[record_path] = None
    record_paths = [record_path for record_path in touched if layout.is_record_path(record_path)]
    edits = _find_edits(repository, tree, record_paths, parents, differences)
    # The commit of `register --amend` is made before its seal is replaced.
    replaced = list_replaced_seals(repository) if record_paths else []
    return IncomingChanges(
        _open_project(repository, tree),
        tuple(touched),
        tuple(edits),
        _find_contents(repository, _select_new_files(differences)),
        ("git", "diff", "--cached"),
        base=parents[0] if len(parents) == 1 else None,
        pushed_tags=dict.fromkeys(replaced),
    )


def _select_new_files(differences: _Differences) -> dict[str, TreeEntry]:
    """Select the files, mlver's own left out, that are new beside every parent.

    What a merge takes over from one side was let in there.
    """
    first, *others = differences
    files: dict[str, TreeEntry] = {}
    for file_path, (_, tree_entry) in first.items():
        if tree_entry is None or not tree_entry.is_file or layout.is_own_path(file_path):
            continue
        if all(file_path in changes for changes in others):
            files[file_path] = tree_entry
    return files


def read_pushed(
    repository: GitRepository,
    new: str,
    without: Sequence[str],
    *,
    landed: str | None,
    line: BranchProtection,
) -> IncomingChanges:
    """Read the commits of `new` that `without` lacks.

    `landed` is the commit whose records may not be touched.
    """
    tree = CommittedRecords.at_commit(repository, new)
    project = _open_project(repository, tree)
    touched = changes_in.list_changed_paths(repository, new, without, layout.ROOT)
    record_paths = [record_path for record_path in touched if layout.is_record_path(record_path)]
    edits: dict[str, Finding] = {}
    if record_paths and line != "free":
        edits.update(_find_tampered(project, new, without))
    if landed is not None:
        if line == "protected":
            # A push can rewind: nothing may go missing, even where no new commit touched it.
            entries = CommittedRecords.at_commit(repository, landed).entries
            record_paths = [
                record_path for record_path in entries if layout.is_record_path(record_path)
            ]
        edits.update(_find_lost(repository, tree, landed, record_paths, tip=new))
    return IncomingChanges(
        project,
        tuple(touched),
        tuple(edits.values()),
        (),
        ("git", "log", "-p"),
        new,
        landed,
        tuple(without),
    )


def with_brought_files(
    incoming: IncomingChanges, new: str, without: Sequence[str]
) -> IncomingChanges:
    """Add every file's contents that the commits bring, even where a later one takes them out."""
    blobs = changes_in.list_new_blobs(incoming.project.repository, new, without)
    files = [(file_path, blob) for file_path, blob in blobs if not layout.is_own_path(file_path)]
    return replace(incoming, files=tuple(files))


def _open_project(repository: GitRepository, tree: CommittedRecords) -> Project:
    # Never asked: a hook trusts no cache and writes none.
    state = StateDatabase(repository.common_dir / "mlver" / "state.db")
    return Project(repository, repository.top, SilentReporter(), state, RecordRegistry(tree))


def _find_contents(
    repository: GitRepository, files: Mapping[str, TreeEntry]
) -> tuple[tuple[str, KnownObject], ...]:
    object_ids = [tree_entry.object_id for tree_entry in files.values()]
    blobs = changes_in.find_objects(repository, object_ids)
    contents: list[tuple[str, KnownObject]] = []
    for file_path, blob in zip(files, blobs, strict=True):
        if blob is not None:
            contents.append((file_path, blob))
    return tuple(contents)


def _find_edits(
    repository: GitRepository,
    tree: CommittedRecords,
    record_paths: Iterable[str],
    parents: Sequence[str],
    differences: _Differences,
) -> Iterator[Finding]:
    """Find records that the next commit would have otherwise than its parents."""
    is_merge = len(parents) > 1
    merge: PlannedMerge | None = None
    for record_path in record_paths:
        new = _identify_entry(tree.entries.get(record_path))
        contents: list[str | None] = []
        for changes in differences:
            contents.append(
                _identify_entry(changes[record_path][0]) if record_path in changes else new
            )
        change = judge_change(new, contents)
        if change is None:
            continue
        if len(parents) == 1 and not _has_landed(repository, parents[0], record_path):
            continue
        dropped = [content for content in contents if content not in (None, new)]
        if is_merge and _find_landed(repository, record_path).isdisjoint(dropped):
            # What has landed keeps its number; any other record may live on under another one.
            if merge is None:
                sides = [CommittedRecords.at_commit(repository, parent) for parent in parents]
                merge = PlannedMerge(tree, tuple(sides))
            if merge.has_moved(record_path):
                continue
        # Taking the one side's record again would replace the other's.
        hint = "mlver resolve"
        if change != "replaced":
            source = _find_source(parents, contents, new)
            hint = shell_command("git", "checkout", source, "--", record_path)
        yield Finding("history", record_path, f"{_CHANGE_WORDS[change]}, {_NEVER}", (hint,))


def _find_source(parents: Sequence[str], contents: Sequence[str | None], new: str | None) -> str:
    """Name the first parent that has the record otherwise: where to take it from again."""
    for parent, content in zip(parents, contents, strict=False):
        if content is not None and content != new:
            return "HEAD" if parent == parents[0] else parent[:12]
    return "HEAD"


def _identify_entry(entry: TreeEntry | None) -> str | None:
    return None if entry is None else f"{entry.mode} {entry.object_id}"


def _find_landed(repository: GitRepository, path: str) -> set[str]:
    """Find a record as main branches hold it: those of all remotes, or else, where there are none,
    those here.

    A main branch that is ahead of its remote's gives way to that, as any branch does.
    """
    mains = list_main_branches(repository)
    references = [main.remote_reference for main in mains]
    if not any(references):
        references = [main.local_reference for main in mains]
    return _read_entries(repository, references, path)


def _read_entries(
    repository: GitRepository, references: Iterable[str | None], path: str
) -> set[str]:
    """Read what lies at a path in each of these references, written as `_identify_entry` does."""
    places = [f"{reference}:{path}" for reference in references if reference is not None]
    entries: set[str] = set()
    for known in changes_in.find_objects(repository, places):
        if known is not None:
            entries.add(f"100644 {known.object_id}")
    return entries


def _has_landed(repository: GitRepository, head: str, path: str) -> bool:
    """Whether what HEAD has at a path is more than the work of the one commit that may be amended
    now.

    git does not say that it amends. So a record that HEAD's own commit added may change as long as
    no other branch, tag or remote has that commit; where it was no amending, the push tells. The
    seal that `register --amend` replaces is no other.
    """
    parents = repository.process.read(["rev-parse", f"{head}^@"]).decode().split()
    places = [f"{parent}:{path}" for parent in parents]
    if any(changes_in.find_objects(repository, places)):
        return True
    holders = set(changes_in.list_holders(repository, head))
    holders.discard(changes_in.find_own_branch(repository) or "")
    if holders:
        holders.difference_update(f"refs/tags/{name}" for name in list_replaced_seals(repository))
    return bool(holders)


def _find_tampered(
    project: Project, new: str, without: Sequence[str]
) -> Iterator[tuple[str, Finding]]:
    """Find records that were changed within the commits themselves."""
    deeds = {"M": "was changed", "D": "was deleted", "R": "was replaced"}
    for change in renumbered.find_tampering(
        project, *layout.RECORD_FOLDERS, tip=new, without=without
    ):
        if not layout.is_record_path(change.path):
            continue
        if change.yielded and layout.parse_kept_path(change.path) is not None:
            continue  # which side of a merge is believed, records pin
        commit = change.commit[:10]
        message = f"{deeds[change.kind]} in commit {commit}, {_NEVER}: "
        if change.yielded:
            message += "merge again, and let `mlver resolve` give one side another number"
            hint = shell_command("git", "show", "-m", commit, "--", change.path)
        else:
            message += (
                "squash it into the commit that added the record, or, where that has landed, "
                "add a new record"
            )
            hint = _SQUASH
        yield change.path, Finding("history", change.path, message, (hint,))


def _find_lost(
    repository: GitRepository,
    tree: CommittedRecords,
    landed: str,
    record_paths: Sequence[str],
    *,
    tip: str,
) -> Iterator[tuple[str, Finding]]:
    """Find records that are not as `landed` has them; `tree` is what `tip` has."""
    places = [f"{landed}:{record_path}" for record_path in record_paths]
    landed_objects = changes_in.find_objects(repository, places)
    lost: dict[str, str] = {}
    for record_path, before in zip(record_paths, landed_objects, strict=True):
        tree_entry = tree.entries.get(record_path)
        if before is None or (tree_entry is not None and tree_entry.object_id == before.object_id):
            continue
        lost[record_path] = before.object_id
    excused = _find_excused(repository, tree, lost, tip)
    for record_path in (path for path in lost if path not in excused):
        is_deleted = tree.entries.get(record_path) is None
        state = "is deleted, though it" if is_deleted else "is not the record that"
        restore = shell_command("git", "checkout", landed[:12], "--", record_path)
        yield (
            record_path,
            Finding("history", record_path, f"{state} landed in {landed[:10]}", (restore,)),
        )


def _find_excused(
    repository: GitRepository, tree: CommittedRecords, lost: Mapping[str, str], tip: str
) -> set[str]:
    """Find what nobody here could read, and whoever brought it took back; and what was kept of the
    same bytes and says more now.

    `lost` has the object id of each record that is not as it landed. What another record takes the
    place of was taken back before that.
    """
    deleted = [path for path in lost if tree.entries.get(path) is None]
    changes = [RecordTampering("", "D", path, lost[path]) for path in deleted]
    excused = {change.path for change in find_unread_changes(repository, changes)}
    replaced = [path for path in lost if path not in deleted]
    for path, before in find_taken_back(repository, replaced, tip):
        if lost.get(path) == before:
            excused.add(path)
    for path in replaced:
        if layout.parse_kept_path(path) is not None:
            before_data, now = repository.blobs([lost[path], f"{tip}:{path}"])
            if before_data and now and choose_kept(path, before_data, now) == now:
                excused.add(path)
    return excused


def resolve_commit(repository: GitRepository, revision: str) -> str:
    """Find the commit a person's `--from` or `--to` names; raise MlverError for no commit."""
    commit = changes_in.find_commit(repository, revision)
    if commit is not None:
        return commit
    shown = printable_name(revision)
    if repository.is_shallow():
        raise MlverError(
            f"`{shown}` names no commit here, "
            "where a CI job may have checked out only a part of the history",
            hint="git fetch --unshallow",
        )
    message = f"there is no commit `{shown}` here"
    if revision and not revision.strip("0"):
        message += "; where a forge gives that for a new branch, compare with the main branch"
    raise MlverError(message, hints=("git fetch", "git branch --all"))
