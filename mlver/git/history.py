"""What history did to files that should only ever have been added."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlver.git.listings import parse_differences
from mlver.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class RecordTampering:
    """A commit that changed (`M`) or deleted (`D`) a path that should only ever have been added.

    `R`: a merge replaced what one of its parents held. `before` is the id of the contents that
    were there. `yielded`: the merge has another parent that has nothing else than the merge there,
    so that one record may have given way to another.
    """

    commit: str
    kind: str
    path: str
    before: str = ""
    yielded: bool = False


@dataclass(frozen=True, slots=True)
class PathChanges:
    """What one commit did to one path: the kind of change and the contents before, by parent."""

    commit: str
    path: str
    parents: int
    changes: Sequence[tuple[str, str]]


def find_tampering(
    repository: GitRepository, *under: str, tip: str = "HEAD", without: Sequence[str] = ()
) -> list[RecordTampering]:
    """Find where `tip`'s history changed or deleted a file below `under`.

    Every merge is compared with each of its parents, whatever their order: a person who pushes a
    branch chooses which parent is the first. So whatever any commit of the history had, and `tip`
    has not, is found. Commits that are reachable from `without` are not looked at.
    """
    reach = [tip]
    if without:
        reach += ["--not", *without, "--not"]
    # `--full-history --sparse`: every commit is compared, also those of branches from which a merge
    # took nothing.
    options = ["-m", "--full-history", "--sparse", "--diff-filter=DMT"]
    listing = repository.process.read(
        [
            "log",
            *("-z", "--format=%H %P", "--raw", "--no-renames", "--no-abbrev"),
            *options,
            *reach,
            "--",
            *under,
        ]
    )
    return judge_changes(_group_by_path(listing))


def has_held(repository: GitRepository, tips: Sequence[str], path: str, object_id: str) -> bool:
    """Say whether some commit of the history of `tips` holds this very file at `path`."""
    if not tips:
        return False
    # `--root`: a person's settings may leave out what the first commit added.
    options = ["--max-count=1", "--format=%H", "--root", "-m", "--full-history", "--no-renames"]
    arguments = ["log", *options, f"--find-object={object_id}", "--stdin", "--", path]
    # By standard input, because a command line holds only so many.
    request = "\n".join([*tips, ""]).encode()
    return bool(repository.process.read(arguments, stdin=request).strip())


def list_changed(repository: GitRepository, before: str, after: str, under: str) -> list[str]:
    """List the files below `under` that both commits hold, with other contents."""
    options = ["-r", "-z", "--name-only", "--no-renames", "--diff-filter=MT"]
    listing = repository.process.read(["diff-tree", *options, before, after, "--", under])
    return [os.fsdecode(path) for path in listing.split(b"\0") if path]


def judge_changes(changes: Iterable[PathChanges]) -> list[RecordTampering]:
    """Judge what commits did to paths: all of a history's changes and deletions (`D`, `M`, `T`)."""
    reported: list[RecordTampering] = []
    for path_changes in changes:
        reported += _judge_path(path_changes)
    # A merge with an older branch repeats what a commit before it did.
    edited = {(change.path, change.before) for change in reported if not change.yielded}
    return [
        change
        for change in reported
        if not change.yielded or (change.path, change.before) not in edited
    ]


def _group_by_path(listing: bytes) -> Iterator[PathChanges]:
    """Gather what a listing says of each path of a commit, in the order of the listing."""
    # git lists a merge once for each parent.
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for header, kind, before, path in parse_differences(listing):
        groups.setdefault((header, path), []).append((kind, before))
    for (header, path), changes in groups.items():
        commit, *parents = header.split()
        yield PathChanges(commit, path, len(parents), changes)


def _judge_path(change: PathChanges) -> Iterator[RecordTampering]:
    """Name each content that a commit took from a path, once."""
    # What every parent held otherwise was taken from none of them.
    yielded = len(change.changes) < change.parents
    for letter, before in dict.fromkeys(change.changes):
        kind = "R" if yielded else "M"  # a record that became a symlink (T) is changed like any
        if letter == "D":
            kind = "D"
        yield RecordTampering(change.commit, kind, change.path, before, yielded)
