"""Which commit came before which, for many questions about one history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommitAncestry:
    """The order of the commits of one history.

    The longest way from its newest commit to its oldest is its spine. `reached` is the position of
    the oldest commit of the spine that comes after a commit (or is it), `rests` that of the newest
    one that comes before it (or is it). So most questions are answered by two numbers, and only
    what lies on one side branch is walked.
    """

    parents: Mapping[str, Sequence[str]]
    order: Mapping[str, int]
    reached: Mapping[str, int]
    rests: Mapping[str, int]

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Say whether `older` is `newer`, or came before it; both are commits of the history."""
        if older == newer:
            return True
        if self.reached[older] <= self.rests[newer]:
            return True
        oldest = self.order[older]
        waiting = [newer]
        seen = {newer}
        while waiting:
            for parent in self.parents[waiting.pop()]:
                if parent == older:
                    return True
                if parent not in seen and self.order.get(parent, -1) > oldest:
                    seen.add(parent)
                    waiting.append(parent)
        return False


def build_ancestry(parents: Mapping[str, Sequence[str]]) -> CommitAncestry:
    """Build the order of commits from their parents; children come before their parents."""
    commits = list(parents)
    commits.reverse()
    order = {commit: number for number, commit in enumerate(commits)}
    spine = _find_spine(parents, commits)
    positions = {commit: position for position, commit in enumerate(spine)}
    rests: dict[str, int] = {}
    for commit in commits:
        below = [rests[parent] for parent in parents[commit] if parent in rests]
        rests[commit] = positions.get(commit, max(below, default=-1))
    reached: dict[str, int] = {}
    for position, commit in enumerate(spine):
        waiting = [commit]
        while waiting:
            member = waiting.pop()
            if member not in reached and member in order:
                reached[member] = position
                waiting.extend(parents[member])
    for commit in commits:
        # Nothing of the spine comes after what another newest commit leads to.
        reached.setdefault(commit, len(spine))
    return CommitAncestry(parents, order, reached, rests)


def _find_spine(parents: Mapping[str, Sequence[str]], commits: Sequence[str]) -> list[str]:
    """Find the longest way through a history, oldest first.

    `commits` are in an order in which parents come before their children.
    """
    lengths: dict[str, int] = {}
    for commit in commits:
        known = [lengths[parent] for parent in parents[commit] if parent in lengths]
        lengths[commit] = 1 + max(known, default=0)
    spine: list[str] = []
    following = max(lengths, key=lengths.__getitem__, default=None)
    while following is not None:
        spine.append(following)
        known_parents = [parent for parent in parents[following] if parent in lengths]
        following = max(known_parents, key=lengths.__getitem__, default=None)
    spine.reverse()
    return spine
