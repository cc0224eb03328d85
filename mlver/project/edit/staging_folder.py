"""A folder that is made beside its place and then renamed: it has everything, or is not there.

An intent tells of it meanwhile, so that the next command removes what a killed one left.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlver.errors import MlverError, shell_command
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent
from mlver.project.project import Project
from mlver.system import durable

_PREFIX = f"{durable.TEMPORARY}export-"
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def staging_folder(project: Project, what: str, target: Path) -> Iterator[Path]:
    """A new folder beside `target`, which takes its place durably at the end of the block.

    `target` is absent or empty; hold the lock. After a failure nothing of it is there. Raise
    MlverError where somebody else has the folder's name.
    """
    absent = [folder for folder in target.parents if not folder.exists()]
    staging = target.parent / f"{_PREFIX}{target.name}"
    remove_leftover(staging)
    plan = CommandIntent(
        what=what,
        top=os.fspath(project.top_folder),
        git_dir=project.repository.own,
        export=os.fspath(staging),
    )
    intent.write_intent(project.state_directory, plan)
    try:
        durable.make_directory(target.parent)
        with _hold_folder(staging):
            yield staging
            staging.rename(target)
        durable.sync_directory(target.parent)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):
            for folder in absent:
                folder.rmdir()
            intent.drop_intent(project.state_directory)
        raise
    intent.drop_intent(project.state_directory)


def remove_leftover(staging: Path) -> None:
    """Remove what a killed command left; raise MlverError where that is none of ours.

    Nothing is removed that has another name than such a folder, is a symlink, belongs to another
    user, or is being written.
    """
    if not os.path.lexists(staging):
        return
    hint = shell_command("ls", "-la", "--", staging)
    is_folder = staging.is_dir() and not staging.is_symlink()
    is_ours = is_folder and staging.stat().st_uid == os.geteuid()
    if not (is_ours and staging.name.startswith(_PREFIX)):
        raise MlverError(
            f"{staging} is in the way, and is no folder of yours; move it away", hint=hint
        )
    descriptor = os.open(staging, _FLAGS)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(staging)
    except BlockingIOError:
        raise MlverError(
            f"another command writes to {staging} now; let it finish, then run the same command"
            " again",
            hint=hint,
        ) from None
    finally:
        os.close(descriptor)


@contextmanager
def _hold_folder(staging: Path) -> Iterator[None]:
    """Make the folder, and hold it as long as something is written there."""
    staging.mkdir()
    descriptor = os.open(staging, _FLAGS)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
