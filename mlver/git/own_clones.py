"""Clones that a program has for itself: made, and brought to what the remote's branch has.

Nobody works in such a clone, so that what is only there may be left behind.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlver.git import changes, merging, references, remotes, stale_locks
from mlver.git.process import GitProcess
from mlver.git.repository import GitRepository


def clone_repository(address: str, folder: Path) -> None:
    """Clone what lies at an address into a new folder; raise GitFailed where that fails."""
    arguments = ["clone", "--quiet", "--", address, os.fspath(folder)]
    GitProcess(folder.parent).write(arguments, doing=f"clone {address}")


def find_address(repository: GitRepository, remote: str) -> str:
    """Find where a remote lies; a folder by its whole path."""
    address = repository.process.read(["remote", "get-url", "--", remote]).decode().rstrip("\n")
    here = repository.top / address
    return os.fspath(here.resolve()) if here.is_dir() else address


def fetch_branch(repository: GitRepository, remote: str, branch: str) -> str:
    """Fetch a branch; return its commit there."""
    tracking = f"refs/remotes/{remote}/{branch}"
    remotes.fetch_refs(repository, remote, [f"+refs/heads/{branch}:{tracking}"])
    return references.list_references(repository, f"refs/remotes/{remote}")[tracking]


def find_fetched(repository: GitRepository, remote: str, branch: str) -> str | None:
    """Find the commit of a branch that was fetched last; None where none was."""
    found = references.list_references(repository, f"refs/remotes/{remote}")
    return found.get(f"refs/remotes/{remote}/{branch}")


def was_taken_back(repository: GitRepository, commit: str, tip: str) -> bool:
    """Say whether the history that leads to `tip` has a commit no longer that was in it before."""
    return not merging.is_ancestor(repository, tip, commit)


def fetch_tags(repository: GitRepository, remote: str) -> None:
    """Fetch the tags that are not here; raise GitFailed where one here is another there."""
    remotes.fetch_refs(repository, remote, ["refs/tags/*:refs/tags/*"])


def list_unpublished(repository: GitRepository, commit: str) -> Sequence[str]:
    """List the commits of HEAD that another commit has not, the newest first."""
    return repository.process.read(["rev-list", "HEAD", f"^{commit}"]).decode().split()


def lacks_commits(repository: GitRepository, commit: str) -> bool:
    """Say whether a commit has commits before it, or is one, that HEAD has not."""
    return not merging.is_ancestor(repository, "HEAD", commit)


def restore_files(repository: GitRepository) -> None:
    """Remove the locks that a killed git left, and give each file the bytes that HEAD has of it.

    A power cut may have taken them. Hold mlver's lock. Raise MlverError while a git is at work.
    """
    stale_locks.clear_locks(repository, (), 0.0)
    stale_locks.clear_references(repository, "refs")
    if repository.head().commit is None:
        return
    # Files that are as they should be are not written: git would not sync them.
    if repository.process.read(["status", "--porcelain", "--untracked-files=no"]):
        repository.process.write(["reset", "--quiet", "--hard"], doing="restore the files")


def leave_behind(repository: GitRepository, unpublished: Sequence[str], commit: str) -> None:
    """Move the branch to a commit, files and all, and delete the tags on what is left behind."""
    for own in unpublished:
        names = repository.process.read(["tag", "--points-at", own]).decode().split()
        ids = references.list_references(repository, "refs/tags")
        changes.delete_tags(repository, {name: ids[f"refs/tags/{name}"] for name in names})
    repository.process.write(["reset", "--quiet", "--hard", commit], doing="follow the remote")
