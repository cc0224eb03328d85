"""HEAD's own commit: what it changed, and who else has it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mlver.git.changes_in import find_own_branch, list_holders
from mlver.git.listings import split_fields
from mlver.git.repository import GitRepository

# The references that each work tree has for itself (git-worktree(1)).
_OWN_REFS = ("refs/worktree/", "refs/bisect/", "refs/rewritten/")


def count_parents(repository: GitRepository, commit: str) -> int:
    return len(_list_parents(repository, commit))


def _list_parents(repository: GitRepository, commit: str) -> list[bytes]:
    return repository.process.read(["rev-parse", f"{commit}^@"]).split()


def is_replacement(
    repository: GitRepository, commit: str, former: str, paths: Collection[str]
) -> bool:
    """Say whether a commit has the parents of another one, and differs from it in `paths` alone."""
    if _list_parents(repository, commit) != _list_parents(repository, former):
        return False
    options = ["-r", "-z", "--name-only", "--no-renames"]
    listing = repository.process.read(["diff-tree", *options, former, commit])
    return all(path in paths for path in split_fields(listing))


def list_changed(repository: GitRepository, commit: str) -> Mapping[str, str]:
    """List the paths that a commit without a second parent changed, each with git's letter."""
    options = ["--root", "--no-commit-id", "--name-status", "-r", "-z", "--no-renames"]
    fields = iter(split_fields(repository.process.read(["diff-tree", *options, commit])))
    return {path: letter for letter, path in zip(fields, fields, strict=True)}


def list_staged(repository: GitRepository, commit: str) -> list[str]:
    """List the paths of which the index holds something else than a commit."""
    options = ["--cached", "--name-only", "-z", "--no-renames"]
    return split_fields(repository.process.read(["diff-index", *options, commit]))


def list_other_holders(repository: GitRepository, commit: str) -> Iterator[str]:
    """Name what has a commit, but for the branch that is worked on: references, other work trees.

    Remotes count as far as this clone knows: by the branches that it fetched or pushed.
    """
    own = find_own_branch(repository)
    for reference in list_holders(repository, commit):
        if reference != own:
            yield reference
    for place, head in _list_detached(repository):
        arguments = ["merge-base", "--is-ancestor", commit, head]
        if repository.process.try_read(arguments).code == 0:
            yield f"the work tree {place}"
    for git_dir in _list_other_folders(repository):
        arguments = ["for-each-ref", f"--contains={commit}", "--format=%(refname)"]
        finished = repository.process.try_read([f"--git-dir={git_dir}", *arguments, *_OWN_REFS])
        for name in finished.out.decode(errors="replace").splitlines():
            yield f"{name} of another work tree ({git_dir})"


def _list_detached(repository: GitRepository) -> Iterator[tuple[str, str]]:
    """List the other work trees whose HEAD is on no branch: the place of each, and the commit."""
    listing = repository.process.read(["worktree", "list", "--porcelain", "-z"])
    place = head = ""
    for line in split_fields(listing):
        name, _, value = line.partition(" ")
        if name == "worktree":
            place = value
        elif name == "HEAD":
            head = value
        elif name == "detached" and place != str(repository.top):
            yield place, head


def _list_other_folders(repository: GitRepository) -> Iterator[Path]:
    """List the git folders of the other work trees (gitrepository-layout(5))."""
    common = repository.common_dir
    folders = [common]
    with suppress(FileNotFoundError):
        folders += sorted((common / "worktrees").iterdir())
    for folder in folders:
        if folder.resolve() != repository.git_dir.resolve():
            yield folder
