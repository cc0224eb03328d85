"""One walk through a history: all that its commits did to some folders, for many questions.

git reads a whole folder again for each commit that adds a file to it, so where a folder is wide,
each further pass over the same history is costly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import BinaryIO, NamedTuple

from mlver.git.changes_in import is_absent
from mlver.git.commit_log import HEADER_FORMAT, CommitEntry, build_entry, split_commits
from mlver.git.history import PathChanges
from mlver.git.process import LISTING_BYTES, build_endless_error
from mlver.git.repository import GitRepository
from mlver.policy.ancestry import CommitAncestry, build_ancestry

_PIECE_BYTES = 1 << 16
# What `judge_changes` asks for: changed, deleted, and made into another kind of file.
_LOSSES = frozenset("DMT")
_Differences = Sequence[tuple[str, str]]  # what git says of a file, and its path


@dataclass(frozen=True, slots=True)
class HistoryWalk:
    """What all commits of a history did below some folders.

    `entries` are those of `read_commit_log`, children before parents, and `ancestry` is their
    order. `losses` is what commits changed or deleted, each against every parent. `constant` has,
    by path, the object id of each file that has these contents wherever the history has it, and
    that no commit deleted; `additions` has the commits that added each file.
    """

    entries: Sequence[CommitEntry]
    ancestry: CommitAncestry
    losses: Sequence[PathChanges]
    constant: Mapping[str, str]
    additions: Mapping[str, Sequence[str]]

    def find_contents(self, commit: str, path: str) -> str | None:
        """Find the object id of what a commit has at a path; None where this does not tell.

        A file that never had other contents, and was never deleted, is as it was added, in every
        commit that comes after one that added it.
        """
        object_id = self.constant.get(path)
        if object_id is None or commit not in self.ancestry.order:
            return None
        for addition in self.additions.get(path, ()):
            if self.ancestry.is_ancestor(addition, commit):
                return object_id
        return None


def walk_history(
    repository: GitRepository,
    tip: str,
    *under: str,
    limit: int = LISTING_BYTES,
    is_narrow: bool = False,
) -> HistoryWalk:
    """Walk once through all of `tip`'s history.

    `is_narrow`: few of its commits changed anything there, and git lists only those. What is told
    of merges is not the same then.

    Raise MlverError where git fails, or where its list of changes is longer than `limit`.
    """
    options = ["-z", "--encoding=UTF-8", HEADER_FORMAT, "--raw", "--no-renames", "--no-abbrev"]
    # Without `--sparse`, git compares each commit twice: to choose it, and to show it.
    choice = "--parents" if is_narrow else "--sparse"
    options += ["-m", "--full-history", choice, "--topo-order"]
    kept: list[tuple[list[str], list[str], dict[str, str | None]]] = []
    losses: list[PathChanges] = []
    contents = _ContentIndex()
    links = _ParentLinks()
    with repository.process.streamed(["log", *options, tip, "--", *under]) as stream:
        fields = _bound_changes(_split_stream(stream), limit)
        for header, comparisons in _join_comparisons(fields):
            commit, parents = header[0], header[1].split()
            changes = _gather_changes(comparisons)
            if not changes and len(parents) < 2:
                links.skip_commit(commit, parents)
                continue
            own = _select_own(changes, max(len(parents), 1))
            kept.append((header, links.keep_commit(commit, parents), own))
            losses += _list_losses(commit, len(parents), changes)
            contents.add_changes(changes)
    entries: list[CommitEntry] = []
    for header, nearest, own in kept:
        entries.append(build_entry(header, list(dict.fromkeys(filter(None, nearest))), own))
    ancestry = build_ancestry({entry.commit: entry.parents for entry in entries})
    constant = contents.select_constant()
    return HistoryWalk(entries, ancestry, losses, constant, _index_additions(entries))


# -- reading what git lists ------------------------------------------------------------------------


def _split_stream(stream: BinaryIO) -> Iterator[bytes]:
    """Split a log into its fields as it comes: it names every commit, so it may be long."""
    pieces: list[bytes] = []
    while piece := stream.read(_PIECE_BYTES):
        first, *others = piece.split(b"\0")
        pieces.append(first)
        if others:
            yield b"".join(pieces)
            yield from others[:-1]
            pieces = [others[-1]]
    yield b"".join(pieces)


def _bound_changes(fields: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Pass fields on until the changes among them have more than `limit` bytes."""
    size = 0
    is_path = False
    for text in fields:
        starts_change = text.lstrip(b"\n").startswith(b":")
        if starts_change or is_path:
            size += len(text)
        if size > limit:
            raise build_endless_error("log", limit)
        is_path = starts_change
        yield text


def _join_comparisons(fields: Iterator[bytes]) -> Iterator[tuple[list[str], list[_Differences]]]:
    """Join what git lists of a commit once for each parent that it differs from."""
    for _, listed in groupby(split_commits(fields), key=lambda listing: listing[0][0]):
        commits = list(listed)
        yield commits[0][0], [differences for _, differences in commits]


class _FileChange(NamedTuple):
    """What a commit did to a file, against one parent: the kind, and the contents before and after.

    `after` is None for a deletion.
    """

    kind: str
    before: str
    after: str | None


_Changes = Mapping[str, Sequence[_FileChange]]


def _gather_changes(comparisons: Iterable[_Differences]) -> _Changes:
    """Gather what a commit did to each path, against each parent that it differs from there."""
    changes: dict[str, list[_FileChange]] = {}
    for differences in comparisons:
        for line, path in differences:
            _, _, before, after, kind = line.split(" ")
            held = None if is_absent(after) else after
            changes.setdefault(path, []).append(_FileChange(kind[0], before, held))
    return changes


# -- what a commit did -----------------------------------------------------------------------------


def _select_own(changes: _Changes, parent_count: int) -> dict[str, str | None]:
    """Select the contents that a commit took from no parent."""
    own: dict[str, str | None] = {}
    for path, against in changes.items():
        if len(against) >= parent_count:
            own[path] = against[-1].after
    return own


def _list_losses(commit: str, parent_count: int, changes: _Changes) -> Iterator[PathChanges]:
    for path, against in changes.items():
        lost = [(change.kind, change.before) for change in against if change.kind in _LOSSES]
        if lost:
            yield PathChanges(commit, path, parent_count, lost)


def _index_additions(entries: Iterable[CommitEntry]) -> dict[str, list[str]]:
    """Index by path the commits that have what no parent has there."""
    additions: dict[str, list[str]] = {}
    for entry in entries:
        for path in entry.contents:
            additions.setdefault(path, []).append(entry.commit)
    return additions


@dataclass(slots=True)
class _ContentIndex:
    """The only contents that each path ever had; None where it had several, or was deleted."""

    _known: dict[str, str | None] = field(default_factory=dict)

    def add_changes(self, changes: _Changes) -> None:
        for path, against in changes.items():
            for change in against:
                if self._known.setdefault(path, change.after) != change.after:
                    self._known[path] = None

    def select_constant(self) -> dict[str, str]:
        return {path: held for path, held in self._known.items() if held is not None}


@dataclass(slots=True)
class _ParentLinks:
    """The nearest commits that are kept, before each that is; children come before parents.

    A child that waits for a skipped commit waits for its parent: a list of parents, and the place
    in it.
    """

    _waiting: dict[str, list[tuple[list[str], int]]] = field(default_factory=dict)

    def keep_commit(self, commit: str, parents: Sequence[str]) -> list[str]:
        """Keep a commit; return the list that will hold its nearest parents (or empty text)."""
        for nearest, place in self._waiting.pop(commit, ()):
            nearest[place] = commit
        own_nearest = [""] * len(parents)
        for place, parent in enumerate(parents):
            self._waiting.setdefault(parent, []).append((own_nearest, place))
        return own_nearest

    def skip_commit(self, commit: str, parents: Sequence[str]) -> None:
        """Skip a commit that has one parent, or none."""
        waiting = self._waiting.pop(commit, [])
        for parent in parents:
            self._waiting.setdefault(parent, []).extend(waiting)
