"""What brings an object back that is missing or damaged: a working file, or another clone."""

from __future__ import annotations

from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts import measuring, storing
from mlver.project.project import Project
from mlver.storage.store import suggest_copying

# It stores what a working file still holds, and sets damaged copies aside in any case.
RESTORE = "mlver doctor --fix"


def suggest_recovery(project: Project, digest: Digest, *, is_aside: bool) -> tuple[str, ...]:
    """The commands that bring an object from a clone, to be typed in this order."""
    packs = storing.open_store(project).find_packs(digest)
    hints: tuple[str, ...] = ()
    if not is_aside:
        # What stands in its place would keep a good copy away.
        hints += (RESTORE,)
    hints += suggest_copying(project.state_directory, packs)
    return hints


def find_working_copy(project: Project, path: str, digest: Digest) -> Path | None:
    """The working file at `path`, where it still holds the bytes."""
    try:
        location = paths.join_inside(project.top_folder, path, link_last=True)
        if location.is_file() and measuring.measure_path(location).digest == digest:
            return location
    except (MlverError, OSError):  # a file that cannot be read holds nothing for us
        return None
    return None
