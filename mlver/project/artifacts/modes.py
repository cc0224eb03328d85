"""The executable bit of an artifact's files: what a record says of it, and what the files have."""

from __future__ import annotations

import os

from mlver.hashing.measure import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import WHOLE_FILE, Artifact

_FILE_MODE = "^core[.]filemode$"


def list_executable(measured: MeasuredArtifact) -> tuple[str, ...] | None:
    """The paths of the executable files as a record names them, sorted; None where there are none.

    A name that is not UTF-8 cannot be written there.
    """
    paths: list[str] = []
    for name in measured.executable or ():
        try:
            paths.append(name.decode() or WHOLE_FILE)
        except UnicodeDecodeError:
            continue
    return tuple(sorted(paths)) or None


def pin_executable(
    project: Project, measured: MeasuredArtifact, before: Artifact | None
) -> tuple[str, ...] | None:
    """What a new record says of the files that may be executed.

    It says that there are none only where the version before said anything: most artifacts never
    have one.
    """
    executable = list_executable(measured)
    if executable is not None and has_modes(project):
        return executable
    if before is None or before.executable is None or measured.executable is None:
        return None
    return () if has_modes(project) else before.executable


def pinned_executable(artifact: Artifact) -> frozenset[bytes] | None:
    """The files that a record says may be executed, by name inside the artifact.

    None where it says nothing.
    """
    if artifact.executable is None:
        return None
    names = map(os.fsencode, artifact.executable)
    return frozenset(b"" if name == WHOLE_FILE.encode() else name for name in names)


def find_other_modes(
    project: Project, pinned: frozenset[bytes] | None, present: tuple[bytes, ...] | None
) -> frozenset[bytes]:
    """The files of which only one side says that they may be executed.

    There are none where a side says nothing, or where git does not believe the bit here either.
    """
    if pinned is None or present is None:
        return frozenset()
    different = pinned.symmetric_difference(present)
    return different if different and has_modes(project) else frozenset()


def has_modes(project: Project) -> bool:
    """Say whether the file system here keeps the bit, as git found when the clone was made."""
    settings = project.repository.settings(_FILE_MODE)
    return not settings or settings[-1][2].lower() not in ("false", "no", "off", "0")
