"""The clone in which `watch` works: made once, followed, and never a person's own.

What a person works on is never moved, so `watch` takes no clone that it did not make itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlver.errors import MlverError, refusal_error, shell_command
from mlver.git import own_clones, remotes
from mlver.project.project import Project
from mlver.project.remote.git_half import perform_git_half, plan_git_half
from mlver.project.transaction import locking, settle_interrupted
from mlver.system import durable, lock
from mlver.system.user_folder import name_user_folder

# Below the folder of objects: what tells a clone of ours, its lock, and the evidence.
_FOLDER, _MARK, _EVIDENCE = "watch", "clone", "evidence"
_ATTEMPTS = 3


@contextmanager
def hold_clone(project: Project, given: str | None) -> Iterator[Project]:
    """Open the clone for one `watch`, and make it first where there is none.

    Raise MlverError where another one works in it, and for a folder that `watch` did not make.
    """
    folder = _choose_folder(project, given)
    if not os.path.lexists(folder):
        _make_clone(project, folder)
    clone = replace(Project.find_from(folder, project.reporter), wait=project.wait)
    own = find_watch_folder(clone)
    if clone.top_folder.resolve() != folder.resolve() or not (own / _MARK).is_file():
        raise MlverError(
            f"{folder} was not made by mlver watch, and it works in no folder of anybody else:"
            " name one that does not exist yet",
            hint=shell_command("mlver", "watch", "MODEL", "--stage", "STAGE", "--clone", "DIR"),
        )
    with lock.hold_lock(own, wait=0):
        yield clone


def find_watch_folder(clone: Project) -> Path:
    """Find where `watch` keeps what is its own in a clone."""
    return clone.state_directory / _FOLDER


def _choose_folder(project: Project, given: str | None) -> Path:
    if given is not None:
        return Path(os.path.normpath(project.start / given))
    if (find_watch_folder(project) / _MARK).is_file():
        return project.top_folder
    base = name_user_folder()
    if base is None:
        raise MlverError(
            "there is no home to keep a clone in", hint="mlver watch MODEL --stage S --clone DIR"
        )
    digest = hashlib.sha256(os.fsencode(project.top_folder.resolve())).hexdigest()
    return base / "watch" / f"{project.top_folder.name}-{digest[:12]}"


def _make_clone(project: Project, folder: Path) -> None:
    """Clone what the repository's remote has; a half that a killed `watch` left is made again."""
    remote = remotes.default_remote(project.repository)
    if remote is None:
        raise MlverError(
            "this repository has no remote of git, so there is nobody to tell what watch did",
            hint="git remote add origin URL",
        )
    half = folder.with_name(f".{folder.name}.half")
    try:
        durable.make_directory(folder.parent)
        shutil.rmtree(half, ignore_errors=True)
        own_clones.clone_repository(own_clones.find_address(project.repository, remote), half)
        own = find_watch_folder(Project.find_from(half))
        durable.make_directory(own)
        durable.replace_group([(durable.write_temporary(own, b"mlver watch\n"), own / _MARK)])
        half.rename(folder)
        durable.sync_directory(folder.parent)
    except OSError as error:
        raise refusal_error(f"making the clone {folder}", error) from error


def keep_evidence(clone: Project, name: str, data: bytes) -> None:
    """Keep the bytes of evidence by the digest that records name it by."""
    folder = find_watch_folder(clone) / _EVIDENCE
    try:
        durable.make_directory(folder)
        if not (folder / name).exists():
            durable.replace_group([(durable.write_temporary(folder, data), folder / name)])
    except OSError as error:
        raise refusal_error("keeping the evidence", error) from error


def follow_remote(clone: Project, *, publishes: bool = True) -> bool:
    """Settle, publish what landed here, and take what others published; say whether anything went.

    Without `publishes`, nothing is pushed. What was recorded here while somebody else was faster is
    left behind, and so is what somebody took back there by rewriting the branch: it was decided on
    what is no longer so. Raise MlverError where git or the remote fail.
    """
    settle_interrupted(clone, "watch")
    with locking(clone, "watch") as holding:
        own_clones.restore_files(holding.repository)
        # What a kill left of evidence: no other watch works here.
        durable.sweep_temporaries(find_watch_folder(clone) / _EVIDENCE)
    for _ in range(_ATTEMPTS - 1):
        try:
            return _exchange(clone, publishes=publishes)
        except MlverError:
            # Somebody may have pushed at the same moment; then the next look is another one.
            continue
    return _exchange(clone, publishes=publishes)


def _exchange(clone: Project, *, publishes: bool) -> bool:
    repository = clone.repository
    head = repository.head()
    if head.branch is None:
        raise MlverError(f"{clone.top_folder} is on no branch", hint="git switch main")
    remote = remotes.choose_remote(repository, None)
    known = own_clones.find_fetched(repository, remote, head.branch)
    there = own_clones.fetch_branch(repository, remote, head.branch)
    own = own_clones.list_unpublished(repository, there)
    is_rewritten = known is not None and own_clones.was_taken_back(repository, known, there)
    if own and not is_rewritten and not own_clones.lacks_commits(repository, there):
        if not publishes:
            return False
        perform_git_half(clone, plan_git_half(clone, remote))
        return True
    if head.commit != there:
        with locking(clone, "watch") as holding:
            own_clones.leave_behind(holding.repository, own, there)
    own_clones.fetch_tags(repository, remote)
    return False
