"""GitPython, imported only to speak to another repository, or for a program's own `git.Repo`.

The import runs `git version` twice and loads a hundred modules, which takes 60 ms and more. So
commands that only look, and hooks, do without it, and whatever uses `mlver.git.transfer` imports it
where it is needed, after `import_gitpython`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mlver.errors import MlverError, UsageError, shell_command
from mlver.git.process import hidden_environment, unstartable

if TYPE_CHECKING:
    from git import Repo

    # For type checkers alone: at run time, naming `Repo` would import GitPython.
    GitRepo: TypeAlias = Repo
    Place: TypeAlias = str | os.PathLike[str] | GitRepo


def import_gitpython() -> None:
    """Import GitPython in the environment that git gets; raise MlverError where there is no git."""
    with hidden_environment():
        try:
            import git  # noqa: F401
        except ImportError as error:
            if "git executable" not in str(error):
                raise
            raise unstartable(Path()) from None


def folder_of(place: Place) -> Path:
    """Find the folder of a path or a `git.Repo`.

    Raise MlverError for a bare repository and for text that is no path, TypeError for what is
    neither.
    """
    if isinstance(place, str | os.PathLike):
        if "\0" in os.fspath(place):
            raise UsageError(f"{os.fspath(place)!r} is not a path; name a folder")
        return Path(place).absolute()
    if not hasattr(place, "working_tree_dir"):
        raise TypeError(f"path takes a path or a git.Repo, not {place!r:.80}")
    tree = place.working_tree_dir
    if tree is None:
        raise MlverError(
            f"{place.git_dir} is a bare repository, which has no files to register;"
            " run mlver in a clone of it",
            hint=shell_command("git", "clone", place.git_dir),
        )
    return Path(tree)


def open_repo(folder: Path) -> GitRepo:
    """Open a `git.Repo` of the work tree at `folder`, for programs; they close it."""
    import_gitpython()
    from mlver.git import transfer_process

    return transfer_process.open_repo(folder)
