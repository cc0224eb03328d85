"""A merge, rebase or cherry-pick that stopped: which commits meet in it, and which side has landed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from mlver.errors import MlverError
from mlver.git import remotes
from mlver.git.repository import Repository

What = Literal["merge", "rebase", "cherry-pick", "squash", "commit"]
_TIP = re.compile(r"^commit ([0-9a-f]{40}|[0-9a-f]{64})$", re.MULTILINE)
_USUAL = ("main", "master")


@dataclass(frozen=True, slots=True)
class Meeting:
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


def under_way(repository: Repository) -> Meeting | None:
    """What meets here now; None where nothing does."""
    head = repository.head().commit
    if head is None:
        return None
    rebasing = any(
        (repository.git_dir / name).exists() for name in ("rebase-merge", "rebase-apply")
    )
    if rebasing:
        found = _commit(repository, "REBASE_HEAD")
        return _picked(repository, "rebase", head, found) if found else None
    found = _commit(repository, "CHERRY_PICK_HEAD")
    if found:
        return _picked(repository, "cherry-pick", head, found)
    what: What = "merge"
    found = _merged(repository)
    if found is None:
        what, found = "squash", _squashed(repository)
    if found is None:
        return None
    done = repository.process.try_read(["merge-base", head, found])
    return Meeting(what, head, found, done.out.decode().split("\n", 1)[0] or None)


def last_commit(repository: Repository) -> Meeting | None:
    """HEAD on top of its (first) parent, where it has one."""
    head = repository.head().commit
    before = parents(repository, head) if head else []
    return Meeting("commit", before[0], head, before[0]) if head and before else None


def _picked(repository: Repository, what: What, head: str, commit: str) -> Meeting:
    before = parents(repository, commit)
    return Meeting(what, head, commit, before[0] if before else None)


def _merged(repository: Repository) -> str | None:
    path = repository.git_dir / "MERGE_HEAD"
    if not path.exists():
        return None
    if len(path.read_text().split()) > 1:
        raise MlverError(
            "several branches are merged at once",
            hint="git merge --abort, then merge one at a time",
        )
    return _commit(repository, "MERGE_HEAD")


def _squashed(repository: Repository) -> str | None:
    """The tip of the branch that `git merge --squash` was told to bring."""
    path = repository.git_dir / "SQUASH_MSG"
    found = _TIP.search(path.read_text(errors="replace")) if path.exists() else None
    return _commit(repository, found[1]) if found else None


def _commit(repository: Repository, name: str) -> str | None:
    done = repository.process.try_read(
        ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}"]
    )
    return done.out.decode().strip() if done.code == 0 else None


def parents(repository: Repository, commit: str) -> list[str]:
    """The ids of a commit's parents."""
    return (
        repository.process.read(["rev-list", "--no-walk", "--parents", commit]).decode().split()[1:]
    )


def unmerged(repository: Repository) -> set[str]:
    """Paths of which the index holds both sides."""
    out = repository.process.read(["ls-files", "--unmerged", "-z", "--full-name"])
    return {os.fsdecode(line.partition(b"\t")[2]) for line in out.split(b"\0") if line}


def contains(repository: Repository, tip: str, commit: str) -> bool:
    """Whether a commit is part of the history that leads to `tip`, a full reference or id."""
    return repository.process.try_read(["merge-base", "--is-ancestor", commit, tip]).code == 0


def landing(repository: Repository) -> str | None:
    """The full reference of the remote branch that work lands on: the remote's HEAD, else its main or master."""
    remote = remotes.default(repository)
    if remote is None:
        return None
    told = repository.process.try_read(["symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD"])
    names = (
        [told.out.decode().strip()]
        if told.code == 0
        else [f"refs/remotes/{remote}/{name}" for name in _USUAL]
    )
    return next((name for name in names if _commit(repository, name)), None)


def main_branch(repository: Repository) -> str | None:
    """The full reference of the branch here that work lands on: the one the remote's is called, else main or master."""
    remote = landing(repository)
    usual = (
        [f"refs/heads/{remote.split('/', 3)[3]}"]
        if remote
        else [f"refs/heads/{name}" for name in _USUAL]
    )
    return next((name for name in usual if _commit(repository, name)), None)
