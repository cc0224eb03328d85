"""What is about to come in: the next commit, as the index holds it, or the commits of a push or a
pull request.

Only what they touch is looked at, in what git holds of it; no file of the work tree is read, and
nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git import changes_in
from mlver.git.changes_in import KnownObject
from mlver.git.main_branch import list_main_branches
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry
from mlver.policy.record_changes import RecordChange, judge_change
from mlver.project.history import renumbered
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.reporter import SilentReporter
from mlver.records import layout
from mlver.system.state import StateDatabase

_DONE: dict[RecordChange, str] = {
    "changed": "was changed",
    "deleted": "was deleted",
    "replaced": "was replaced by the other side's in a merge",
}
_NEVER = "and a record stays as it was committed"
_SQUASH = "git rebase -i"
# How much of a branch's past is nobody's to change: what has landed elsewhere; what its own commits
# added, too; or also what it had when a merge, or a push that rewinds it, would take that back.
BranchProtection = Literal["free", "own", "protected"]


@dataclass(frozen=True, slots=True)
class IncomingChanges:
    """`project` reads the records as they would be. `records` are the paths touched below
    `.mlver/`, those that are gone among them; `edits` what was done to records that should have
    stayed; `files` each content of the other files.
    """

    project: Project
    records: tuple[str, ...]
    edits: tuple[Finding, ...]
    files: tuple[tuple[str, KnownObject], ...]
    look: tuple[str, ...]  # the command that shows a touched file

    @property
    def record_tree(self) -> CommittedRecords:
        source = self.project.registry.source
        assert isinstance(source, CommittedRecords)
        return source


def read_staged(repository: GitRepository) -> IncomingChanges:
    """What a commit made now would be: the index against all the parents it would have."""
    parents = changes_in.list_parents(repository)
    differing = [
        changes_in.compare_index(repository, parent)
        for parent in (*parents, *([] if parents else [None]))
    ]
    tree = CommittedRecords.from_index(repository)
    everything = dict.fromkeys(path for changes in differing for path in changes)
    records = tuple(path for path in everything if _is_below_root(path))
    # what a merge takes over from one side was let in there
    new = {
        path: differing[0][path][1]
        for path in differing[0]
        if all(path in changes for changes in differing)
    }
    files = {
        path: entry
        for path, entry in new.items()
        if entry and entry.is_file and not layout.is_own_path(path)
    }
    edits = _find_edits(
        repository,
        tree,
        [path for path in records if layout.is_record_path(path)],
        parents,
        differing,
    )
    return IncomingChanges(
        _open_project(repository, tree),
        records,
        tuple(edits),
        _find_contents(repository, files),
        ("git", "diff", "--cached"),
    )


def read_pushed(
    repository: GitRepository,
    new: str,
    without: Sequence[str],
    *,
    landed: str | None,
    line: BranchProtection,
) -> IncomingChanges:
    """The commits of `new` that `without` lacks. `landed` is the commit whose records may not be
    touched.
    """
    tree = CommittedRecords.at_commit(repository, new)
    under = changes_in.list_changed_paths(repository, new, without, layout.ROOT)
    records = [path for path in under if layout.is_record_path(path)]
    edits = (
        dict(_find_tampered(_open_project(repository, tree), new, without, line))
        if records and line != "free"
        else {}
    )
    if landed is not None:
        # on a protected branch nothing of it may go missing, even where no new commit touched it: a
        # push can rewind
        gone = (
            list(CommittedRecords.at_commit(repository, landed).entries)
            if line == "protected"
            else records
        )
        edits |= _find_lost(
            repository, tree, landed, [path for path in gone if layout.is_record_path(path)]
        )
    project = _open_project(repository, tree)
    return IncomingChanges(project, tuple(under), tuple(edits.values()), (), ("git", "log", "-p"))


def with_brought_files(
    incoming: IncomingChanges, new: str, without: Sequence[str]
) -> IncomingChanges:
    """The same, with every file's contents that the commits bring, even where a later one takes
    them out again.
    """
    brought = changes_in.list_new_blobs(incoming.project.repository, new, without)
    files = tuple((path, found) for path, found in brought if not layout.is_own_path(path))
    return IncomingChanges(incoming.project, incoming.records, incoming.edits, files, incoming.look)


def _is_below_root(path: str) -> bool:
    return path.startswith(f"{layout.ROOT}/")


def _open_project(repository: GitRepository, tree: CommittedRecords) -> Project:
    state = StateDatabase(
        repository.common_dir / "mlver" / "state.db"
    )  # never asked: a hook trusts no cache and writes none
    return Project(repository, repository.top, SilentReporter(), state, RecordRegistry(tree))


def _find_contents(
    repository: GitRepository, files: dict[str, TreeEntry]
) -> tuple[tuple[str, KnownObject], ...]:
    known = changes_in.find_objects(repository, (entry.object_id for entry in files.values()))
    return tuple(
        (path, found) for path, found in zip(files, known, strict=True) if found is not None
    )


_Differences = Sequence[dict[str, tuple[TreeEntry | None, TreeEntry | None]]]


def _find_edits(
    repository: GitRepository,
    tree: CommittedRecords,
    records: Iterable[str],
    parents: Sequence[str],
    differing: _Differences,
) -> Iterator[Finding]:
    """Records that the next commit would have otherwise than its parents."""
    for path in records:
        new = _identify_entry(tree.entries.get(path))
        held = [
            _identify_entry(changes[path][0]) if path in changes else new for changes in differing
        ]
        deed = judge_change(new, held, ())
        if deed is None and len(parents) > 1:
            deed = judge_change(new, held, _find_landed(repository, path))
        if deed is None or (len(parents) == 1 and not _has_landed(repository, parents[0], path)):
            continue
        sides = (
            [CommittedRecords.at_commit(repository, parent) for parent in parents]
            if len(parents) > 1
            else []
        )
        if deed != "replaced" and sides and renumbered.survives_in(tree, sides, path):
            continue
        source = next(
            (
                f"{p}"
                for p, content in zip(parents, held, strict=False)
                if content not in (None, new)
            ),
            "HEAD",
        )
        back = shell_command(
            "git", "checkout", "HEAD" if source == parents[0] else source[:12], "--", path
        )
        yield Finding(
            "history",
            path,
            f"{_DONE[deed]}, {_NEVER}",
            (back,),
        )


def _identify_entry(entry: TreeEntry | None) -> str | None:
    return None if entry is None else f"{entry.mode} {entry.object_id}"


def _find_landed(repository: GitRepository, path: str) -> set[str]:
    """Find a record as main branches hold it: those of all remotes, or else, where these have no
    such record, those here.

    A main branch that is ahead of its remote's gives way to that, as any branch does.
    """
    mains = list_main_branches(repository)
    remote_references = [main.remote_reference for main in mains]
    landed = _read_entries(repository, remote_references, path)
    if landed:
        return landed
    return _read_entries(repository, [main.local_reference for main in mains], path)


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
    no other branch, tag or remote has that commit; where it was no amending, the push tells.
    """
    parents = repository.process.read(["rev-parse", f"{head}^@"]).decode().split()
    if any(changes_in.find_objects(repository, [f"{parent}:{path}" for parent in parents])):
        return True
    return bool(
        set(changes_in.list_holders(repository, head)) - {changes_in.find_own_branch(repository)}
    )


def _find_tampered(
    project: Project, new: str, without: Sequence[str], line: BranchProtection
) -> Iterator[tuple[str, Finding]]:
    """Records that were changed within the commits themselves."""
    deeds: dict[str, RecordChange] = {"M": "changed", "D": "deleted", "R": "replaced"}
    for change in renumbered.find_tampering(
        project, layout.MODELS, layout.MANIFESTS, tip=new, without=without
    ):
        if layout.is_record_path(change.path) and (change.kind != "R" or line == "protected"):
            said = (
                f"{_DONE[deeds[change.kind]]} in commit {change.commit[:10]}, {_NEVER}: "
                "squash it into the commit "
                "that added the record, or, where that has landed, add a new record"
            )
            yield change.path, Finding("history", change.path, said, (_SQUASH,))


def _find_lost(
    repository: GitRepository, tree: CommittedRecords, landed: str, records: Sequence[str]
) -> dict[str, Finding]:
    """Records that are not as `landed` has them."""
    found: dict[str, Finding] = {}
    held = changes_in.find_objects(repository, [f"{landed}:{path}" for path in records])
    for path, before in zip(records, held, strict=True):
        entry = tree.entries.get(path)
        if before is not None and (entry is None or entry.object_id != before.object_id):
            what = "is deleted, though it" if entry is None else "is not the record that"
            back = shell_command("git", "checkout", landed[:12], "--", path)
            found[path] = Finding("history", path, f"{what} landed in {landed[:10]}", (back,))
    return found


def resolve_commit(repository: GitRepository, revision: str) -> str:
    """The commit a person's `--from` or `--to` names; raise MlverError where it names none."""
    found = changes_in.find_commit(repository, revision)
    if found is None:
        raise MlverError(
            f"`{revision}` names no commit here, "
            "where a CI job may have checked out only a part of the history",
            hint="git fetch --unshallow",
        )
    return found
