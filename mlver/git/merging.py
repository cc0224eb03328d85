"""A merge, rebase or cherry-pick that stopped: which commits meet, and which side has landed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mlver.errors import MlverError
from mlver.git.listings import split_fields
from mlver.git.repository import GitRepository

What = Literal["merge", "rebase", "cherry-pick", "squash", "commit"]
_TIP = re.compile(r"^commit ([0-9a-f]{40}|[0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MergeState:
    """`ours` is HEAD, `theirs` what comes on top of it, `base` what both come from (None: nothing).

    A `commit` is no meeting of branches but the last commit, on top of the one before.
    """

    what: What
    ours: str
    theirs: str
    base: str | None

    @property
    def finish(self) -> str:
        """The command that goes on once all is settled."""
        last = {"squash": "git commit", "commit": "git commit --amend --no-edit"}
        return last.get(self.what, f"git {self.what} --continue")

    @property
    def identity(self) -> str:
        """The same as long as this very meeting is under way."""
        return f"{self.what} {self.ours} {self.theirs}"


def find_merge_state(repository: GitRepository) -> MergeState | None:
    """Find what meets here now; None where nothing does."""
    head = repository.head().commit
    if head is None:
        return None
    if _is_rebasing(repository):
        rebased = _resolve_commit(repository, "REBASE_HEAD")
        if rebased is None:
            return None
        return _pick_state(repository, "rebase", head, rebased)
    picked = _resolve_commit(repository, "CHERRY_PICK_HEAD")
    if picked:
        return _pick_state(repository, "cherry-pick", head, picked)
    merged = _read_merge_head(repository)
    if merged:
        return _merge_state(repository, "merge", head, merged)
    squashed = _read_squash_message(repository)
    if squashed:
        return _merge_state(repository, "squash", head, squashed)
    return None


def _is_rebasing(repository: GitRepository) -> bool:
    folders = ("rebase-merge", "rebase-apply")
    return any((repository.git_dir / folder).exists() for folder in folders)


def last_commit_state(repository: GitRepository) -> MergeState | None:
    """Describe HEAD on top of its (first) parent, where it has one."""
    head = repository.head().commit
    if head is None:
        return None
    before = list_commit_parents(repository, head)
    if not before:
        return None
    return MergeState("commit", before[0], head, before[0])


def _pick_state(repository: GitRepository, what: What, head: str, commit: str) -> MergeState:
    # the commit that git replays may be a root, which comes from nothing
    base = None
    parents = list_commit_parents(repository, commit)
    if parents:
        base = parents[0]
    return MergeState(what, head, commit, base)


def _merge_state(repository: GitRepository, what: What, head: str, commit: str) -> MergeState:
    finished = repository.process.try_read(["merge-base", head, commit])
    bases = finished.out.decode().split("\n", 1)
    return MergeState(what, head, commit, bases[0] or None)


def _read_merge_head(repository: GitRepository) -> str | None:
    path = repository.git_dir / "MERGE_HEAD"
    if not path.exists():
        return None
    if len(path.read_text().split()) > 1:
        raise MlverError(
            "several branches are merged at once; merge them one at a time",
            hint="git merge --abort",
        )
    return _resolve_commit(repository, "MERGE_HEAD")


def _read_squash_message(repository: GitRepository) -> str | None:
    """Read the tip of the branch that `git merge --squash` was told to bring."""
    path = repository.git_dir / "SQUASH_MSG"
    if not path.exists():
        return None
    squashed_tip = _TIP.search(path.read_text(errors="replace"))
    if squashed_tip is None:
        return None
    return _resolve_commit(repository, squashed_tip[1])


def _resolve_commit(repository: GitRepository, name: str) -> str | None:
    options = ["--quiet", "--verify", "--end-of-options"]
    finished = repository.process.try_read(["rev-parse", *options, f"{name}^{{commit}}"])
    if finished.code != 0:
        return None
    return finished.out.decode().strip()


def list_commit_parents(repository: GitRepository, commit: str) -> list[str]:
    """List the ids of a commit's parents."""
    listing = repository.process.read(["rev-list", "--no-walk", "--parents", commit])
    return listing.decode().split()[1:]


def list_unmerged(repository: GitRepository) -> set[str]:
    """List the paths of which the index holds both sides."""
    listing = repository.process.read(["ls-files", "--unmerged", "-z", "--full-name"])
    paths: set[str] = set()
    for line in split_fields(listing):
        _, _, path = line.partition("\t")
        paths.add(path)
    return paths


def is_ancestor(repository: GitRepository, tip: str, commit: str) -> bool:
    """Say whether a commit is part of the history that leads to `tip`, a full reference or id."""
    arguments = ["merge-base", "--is-ancestor", commit, tip]
    return repository.process.try_read(arguments).code == 0
