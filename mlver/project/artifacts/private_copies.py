"""Copies of artifacts below `<git dir>/mlver/checkouts`, for programs: proven each time."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error, shell_command
from mlver.project.artifacts import measuring, modes, storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.system import durable, lock
from mlver.system.folders import FolderTree, walk_folder

_CHECKOUTS = "checkouts"
# A private copy waits for another process that makes one, and that may be a large one.
_PATIENCE_S = 3600.0


def make_private_copy(project: Project, artifact: Artifact) -> Path:
    """An artifact below `<git dir>/mlver/checkouts`, made or proven again.

    It is for programs, beside the work tree.

    It keeps its own name, for there are libraries that go by a file's suffix. Raise MlverError when
    an object it needs is missing or damaged. Several processes may ask for it at once.
    """
    common = project.repository.common_dir
    folder = f"{project.state_directory.name}/{_CHECKOUTS}"
    checkouts = paths.join_inside(common, folder)
    copy_path = f"{folder}/{artifact.digest.hex}/{PurePosixPath(artifact.path).name}"
    location = paths.join_inside(common, copy_path)
    if _is_sound_copy(location, artifact):
        return location
    try:
        durable.make_directory(checkouts)
    except OSError as error:
        raise refusal_error(f"making {checkouts}", error) from error
    with lock.hold_lock(checkouts, _PATIENCE_S):
        if _is_sound_copy(location, artifact):  # another process made it meanwhile
            return location
        for directory, _ in walk_folder(checkouts):
            durable.sweep_temporaries(Path(directory))
        _export_copy(project, artifact, copy_path)
        if measuring.measure_path(location).digest != artifact.digest:
            raise MlverError(
                f"{location} holds files that do not belong to {artifact.path};"
                " move it away, then run the command again",
                hint=shell_command("mv", "--", location.parent, f"{location.parent}.other"),
            )
    return location


def _export_copy(project: Project, artifact: Artifact, copy_path: str) -> None:
    """Write an artifact's files to a path below the git directory."""
    common = project.repository.common_dir
    wanted = []
    executable_names = modes.pinned_executable(artifact) or frozenset()
    executable: set[str] = set()
    checked: set[str] = set()
    for name, hexadecimal in measuring.pinned_files(project, artifact):
        path = join_name(copy_path, name)
        target = paths.join_inside_as_text(common, path, link_last=True, checked=checked)
        wanted.append((Digest(hexadecimal), target))
        if name in executable_names:
            executable.add(target)
    with FolderTree.open_top(common) as tree:
        storing.open_store(project).export_objects(wanted, tree=tree, executable=executable)


def _is_sound_copy(location: Path, artifact: Artifact) -> bool:
    try:
        return (
            not measuring.has_no_files(location)
            and measuring.measure_path(location).digest == artifact.digest
        )
    except MlverError:  # it cannot be read whole, or another process is just making it
        return False
