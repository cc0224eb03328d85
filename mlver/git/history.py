"""What history did to files that should only ever have been added."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mlver.git.listings import parse_changes
from mlver.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class RecordTampering:
    """A commit that changed (`M`) or deleted (`D`) a path that should only ever have been added.

    `R`: a merge on the main line replaced what that line held by what the merged branch had in its
    place.
    """

    commit: str
    kind: str
    path: str


def find_tampering(
    repository: GitRepository, *under: str, tip: str = "HEAD", without: Sequence[str] = ()
) -> list[RecordTampering]:
    """Find where `tip`'s history changed or deleted a file below `under`.

    Merges are looked at from every parent. A merge that took one parent's file and not the other's
    has settled a conflict and is not reported, unless it took from the line that leads to `tip`,
    from first parent to first parent, what that line had landed. Commits that are reachable from
    `without` are not looked at.
    """
    reach = [tip]
    if without:
        reach += ["--not", *without, "--not"]
    # a dictionary, to name each change once and in the order of history
    edits: dict[tuple[str, str, str], None] = {}
    for commit, letter, path in repository.log("-m", "--diff-filter=DMT", *reach, "--", *under):
        # a record that became a symlink (T) is changed like any other
        kind = "D" if letter == "D" else "M"
        edits[commit, kind, path] = None
    modifying = {commit for commit, kind, _ in edits if kind == "M"}
    verdicts = _judge_merges(repository, modifying, under, reach)
    reported: list[RecordTampering] = []
    for commit, kind, path in edits:
        verdict = kind
        if kind == "M":
            verdict = verdicts.get((commit, path), kind)
        if verdict:
            reported.append(RecordTampering(commit, verdict, path))
    return reported


def _judge_merges(
    repository: GitRepository, commits: Collection[str], under: Sequence[str], reach: Sequence[str]
) -> dict[tuple[str, str], str]:
    """Judge what the merges among `commits` did to each path they changed.

    It is `M` or `R`, as in RecordTampering, or empty where the merge only settled a conflict.
    """
    merges = _find_merges(repository, commits)
    if not merges:
        return {}
    listing = repository.process.read(["rev-list", "--first-parent", *reach])
    main_line = set(listing.decode().split())
    verdicts: dict[tuple[str, str], str] = {}
    for commit, parents in merges.items():
        differences = [_compare_trees(repository, parent, commit, under) for parent in parents]
        landed = differences[0] if commit in main_line else {}
        for path in dict.fromkeys(itertools.chain(*differences)):
            verdicts[commit, path] = _judge_path(path, differences, landed)
    return verdicts


def _judge_path(
    path: str, differences: Sequence[Mapping[str, str]], landed: Mapping[str, str]
) -> str:
    """Judge what a merge did to a path; `landed` is how it differs from the main line it is on."""
    if all(path in difference for difference in differences):
        return "M"
    # a path that a parent has not (A) is not that parent's to vouch for
    if landed.get(path, "A") != "A":
        return "R"
    return ""


def _find_merges(repository: GitRepository, commits: Collection[str]) -> dict[str, list[str]]:
    """Find the merges among `commits`, each with its parents."""
    if not commits:
        return {}
    request = "".join(f"{commit}\n" for commit in commits)
    arguments = ["rev-list", "--no-walk", "--parents", "--min-parents=2", "--stdin"]
    listing = repository.process.read(arguments, stdin=request.encode())
    merges: dict[str, list[str]] = {}
    for line in listing.decode().splitlines():
        commit, *parents = line.split()
        merges[commit] = parents
    return merges


def _compare_trees(
    repository: GitRepository, old: str, new: str, under: Sequence[str]
) -> dict[str, str]:
    """List the kind of each difference between two commits, by path."""
    arguments = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"]
    listing = repository.process.read([*arguments, old, new, "--", *under])
    return {path: kind for _, kind, path in parse_changes(listing)}
