"""Another work tree of the same repository, for the time of one piece of work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlver.errors import MlverError
from mlver.git.repository import GitRepository

# What a repository's own hooks do after a checkout is for the people who work there.
_WITHOUT_HOOKS = ("-c", f"core.hooksPath={os.devnull}")


@contextmanager
def detached_work_tree(repository: GitRepository, folder: Path, commit: str) -> Iterator[Path]:
    """Check a commit out into a new folder, as a work tree on no branch, and remove it again."""
    process = repository.process
    # Those whose folders are gone, such as one that a killed command left.
    process.write(["worktree", "prune"], doing="forget work trees that are gone")
    process.write(
        [*_WITHOUT_HOOKS, "worktree", "add", "--detach", "--quiet", os.fspath(folder), commit],
        doing=f"check out {commit[:10]} beside the work tree",
    )
    try:
        yield folder
    finally:
        # Where it cannot be removed, whoever looks next finds that its folder is gone.
        with suppress(MlverError):
            process.write(
                ["worktree", "remove", "--force", "--force", os.fspath(folder)],
                doing="remove a work tree",
            )
