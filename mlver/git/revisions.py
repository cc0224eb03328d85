"""Commits that people name, where two lines of history meet, and which of them has landed."""

from __future__ import annotations

from mlver.errors import MlverError, printable_name
from mlver.git.repository import GitRepository


def resolve_revision(repository: GitRepository, name: str) -> str:
    """The id of the commit a person means by anything git takes for one; raise MlverError where there is none."""
    args = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}"]
    done = repository.process.try_read(args)
    if done.code != 0:
        raise MlverError(
            f"git knows no commit `{printable_name(name)}` here; a branch of origin's is called "
            f"{printable_name(f'origin/{name}')} here",
            hints=("git fetch", "git branch --all"),
        )
    return done.out.decode().strip()


def find_merge_base(repository: GitRepository, one: str, other: str) -> str:
    """The commit two commits (full ids) both come from; raise MlverError where this clone knows of none."""
    finished = repository.process.try_read(["merge-base", one, other])
    if finished.code == 0:
        return finished.out.decode().split("\n", 1)[0]
    message = f"{one[:10]} and {other[:10]} have no commit in common"
    if repository.is_shallow():
        raise MlverError(f"{message} in this clone, which is shallow", hint="git fetch --unshallow")
    raise MlverError(message, hint="compare them directly: two dots instead of three")
