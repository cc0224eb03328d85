"""Commits that people name, where two lines of history meet, and which of them has landed."""

from __future__ import annotations

from mlver.errors import MlverError, printable_name, shell_command
from mlver.git.repository import GitRepository


def resolve_revision(repository: GitRepository, name: str) -> str:
    """Resolve a person's words to a commit's id; raise MlverError where git knows none."""
    options = ["--quiet", "--verify", "--end-of-options"]
    finished = repository.process.try_read(["rev-parse", *options, f"{name}^{{commit}}"])
    if finished.code != 0:
        tracking_name = printable_name(f"origin/{name}")
        raise MlverError(
            f"git knows no commit `{printable_name(name)}` here; a branch of origin's is called "
            f"{tracking_name} here",
            hints=("git fetch", "git branch --all"),
        )
    return finished.out.decode().strip()


def find_merge_base(repository: GitRepository, first: str, second: str) -> str:
    """Find the commit that two commits (full ids) come from; raise MlverError if none is known."""
    finished = repository.process.try_read(["merge-base", first, second])
    if finished.code == 0:
        return finished.out.decode().split("\n", 1)[0]
    message = f"{first[:10]} and {second[:10]} have no commit in common"
    if repository.is_shallow():
        raise MlverError(f"{message} in this clone, which is shallow", hint="git fetch --unshallow")
    direct = shell_command("mlver", "diff", f"{first[:10]}..{second[:10]}")
    raise MlverError(f"{message}; compare them directly, with two dots", hint=direct)


def read_commit_time(repository: GitRepository) -> int | None:
    """Read which date git would give a commit now, in seconds since 1970; None where it cannot."""
    finished = repository.process.try_read(["var", "GIT_COMMITTER_IDENT"])
    if finished.code != 0:
        return None
    # behind the mail address stand the time and the time zone
    return int(finished.out.rsplit(b" ", 2)[1])
