"""A commit checked out apart from its repository, for the time of one piece of work.

It is a small repository of its own, which borrows the objects of the other one: nothing is written
there, so nothing that is killed leaves a lock or a work tree behind in it.
"""

from __future__ import annotations

import os
from pathlib import Path

from mlver.errors import MlverError
from mlver.git.process import GitProcess
from mlver.git.repository import GitRepository
from mlver.system.durable import naming_errors

_WITHOUT_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
# One that names part of the files only says what a person wants to see in their own work tree.
_WHOLE = ("-c", "core.sparseCheckout=false")


def check_out_apart(repository: GitRepository, commit: str, folder: Path) -> None:
    """Check a commit out into a new folder, on no branch; the filters of the repository apply."""
    kind = repository.process.read(["rev-parse", "--show-object-format"]).decode().strip()
    doing = f"check out {commit[:10]} apart from the work tree"
    made = ["init", "--quiet", "--template=", f"--object-format={kind}", os.fspath(folder)]
    repository.process.write(made, doing=doing)
    apart = GitProcess(folder)
    _borrow_objects(repository, folder / ".git")
    apart.write(["update-ref", "--no-deref", "HEAD", commit], doing=doing)
    # git-lfs and others keep contents in the repository itself, so it is asked for the files.
    index = {"GIT_INDEX_FILE": os.fspath(folder / ".git/index")}
    places = (f"--git-dir={repository.git_dir}", f"--work-tree={folder}", *_WITHOUT_HOOKS, *_WHOLE)
    repository.process.write([*places, "read-tree", commit], doing=doing, env=index)
    writing = ["checkout-index", "--all", "--force", "--quiet", "--index"]
    repository.process.write([*places, *writing], doing=doing, env=index)


def _borrow_objects(repository: GitRepository, git_dir: Path) -> None:
    objects = os.fsencode(repository.common_dir.resolve() / "objects")
    if b"\n" in objects:
        raise MlverError(
            "the repository's path has a line break, so nothing can borrow its objects"
        )
    if objects.startswith((b'"', b"#")):
        objects = b"./" + os.path.relpath(objects, os.fsencode(git_dir / "objects"))
    place = git_dir / "objects/info"
    place.mkdir(parents=True, exist_ok=True)
    alternates = place / "alternates"
    with naming_errors(alternates):
        alternates.write_bytes(objects + b"\n")


def apply_changes(folder: Path, diff: bytes) -> None:
    """Apply a diff to the files of a checked-out commit; raise GitFailed where it does not fit.

    git refuses paths that lead out of it, or through a link.
    """
    applying = [*_WITHOUT_HOOKS, "apply", "--binary", "--whitespace=nowarn", "-"]
    GitProcess(folder).write(applying, stdin=diff, doing="apply the uncommitted changes of the run")
