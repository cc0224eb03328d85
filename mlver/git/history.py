"""What history did to files that should only ever have been added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlver.git.repository import Repository, changed


@dataclass(frozen=True, slots=True)
class Tampering:
    """A commit that changed (`M`) or deleted (`D`) a path that should only ever have been added.

    `R`: a merge on the main line replaced what that line held by what the merged branch had in its place.
    """

    commit: str
    kind: str
    path: str


def tampering(
    repository: Repository, *under: str, tip: str = "HEAD", without: Sequence[str] = ()
) -> list[Tampering]:
    """Where `tip`'s history changed or deleted a file below `under`, merges looked at from every parent.

    A merge that took one parent's file and not the other's has settled a conflict and is not reported, unless it
    took from the line that leads to `tip`, from first parent to first parent, what that line had landed. Commits
    that are reachable from `without` are not looked at.
    """
    seen: dict[tuple[str, str, str], None] = {}
    reach = [tip, *(["--not", *without, "--not"] if without else [])]
    for commit, kind, path in repository.log("-m", "--diff-filter=DMT", *reach, "--", *under):
        # a record that became a symlink (T) is changed like any other
        seen[commit, "D" if kind == "D" else "M", path] = None
    edited = {commit for commit, kind, _ in seen if kind == "M"}
    settled = _settled(repository, edited, under, reach) if edited else {}
    return [
        Tampering(commit, settled.get((commit, path), kind) if kind == "M" else kind, path)
        for commit, kind, path in seen
        if kind == "D" or settled.get((commit, path), kind)
    ]


def _settled(
    repository: Repository, commits: Iterable[str], under: Sequence[str], reach: Sequence[str]
) -> dict[tuple[str, str], str]:
    """What merges among `commits` did to each path they changed: `M`, `R`, or nothing to complain of (empty)."""
    asked = "".join(f"{commit}\n" for commit in commits).encode()
    listed = repository.process.read(
        ["rev-list", "--no-walk", "--parents", "--min-parents=2", "--stdin"], stdin=asked
    )
    merges = {commit: parents for commit, *parents in map(str.split, listed.decode().splitlines())}
    if not merges:
        return {}
    line = set(repository.process.read(["rev-list", "--first-parent", *reach]).decode().split())
    found: dict[tuple[str, str], str] = {}
    for commit, parents in merges.items():
        # what differs from each parent; a path that a parent has not (A) is not that parent's to vouch for
        differing = [_differing(repository, parent, commit, under) for parent in parents]
        for path in dict.fromkeys(path for changes in differing for path in changes):
            taken = any(path not in changes for changes in differing)
            lost = commit in line and differing[0].get(path, "A") != "A"
            found[commit, path] = ("R" if lost else "") if taken else "M"
    return found


def _differing(repository: Repository, old: str, new: str, under: Sequence[str]) -> dict[str, str]:
    args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new, "--", *under]
    return {path: kind for _, kind, path in changed(repository.process.read(args))}
