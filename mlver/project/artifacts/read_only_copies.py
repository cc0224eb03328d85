"""Read-only copies of what is measured, which share blocks with the store where that is possible.

They are never hard links: whoever may write into those writes into the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.artifacts import measuring, modes, storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.system.folders import FolderTree, walk_folder

_READ_ONLY, _READ_ONLY_PROGRAM = 0o444, 0o555
_ANY_EXECUTABLE = 0o100


@dataclass(frozen=True, slots=True)
class ReadOnlyCopy:
    """The files of an artifact at `path`, which had this digest when they were put there."""

    path: Path
    digest: Digest

    def is_untouched(self) -> bool:
        """Read every byte again, and say whether they are the same."""
        try:
            return measuring.measure_path(self.path).digest == self.digest
        except (MlverError, OSError):
            # What was removed, or made unreadable, was touched.
            return False


@dataclass(slots=True)
class _PlacedFiles:
    """Where the files of an artifact go; a `WantedFiles` of the object store."""

    entries: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[tuple[Digest, str]]:
        for path, hexadecimal in self.entries:
            yield Digest(hexadecimal), path


def put_read_only(project: Project, artifact: Artifact, folder: Path) -> ReadOnlyCopy:
    """Put the files of a stored artifact into a new folder, under their own names, every byte
    proven.

    Raise ObjectMissing or ObjectDamaged where the store does not have them whole.
    """
    name = artifact.path.rpartition("/")[2]
    programs = modes.pinned_executable(artifact) or frozenset()
    executable: set[str] = set()
    files = _PlacedFiles([])
    checked: set[str] = set()
    folder.mkdir()
    with FolderTree.open_top(folder) as tree:
        for inner, hexadecimal in measuring.pinned_files(project, artifact):
            path = join_name(name, inner)
            paths.join_inside_as_text(folder, path, checked=checked)
            files.entries.append((f"{tree.top}/{path}", hexadecimal))
            if inner in programs:
                executable.add(f"{tree.top}/{path}")
        storing.open_store(project).export_objects(files, tree=tree, executable=executable)
    _make_read_only(folder)
    return ReadOnlyCopy(folder / name, artifact.digest)


def _make_read_only(top: Path) -> None:
    for folder, entries in walk_folder(top):
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                is_program = entry.stat().st_mode & _ANY_EXECUTABLE
                Path(entry.path).chmod(_READ_ONLY_PROGRAM if is_program else _READ_ONLY)
        Path(folder).chmod(_READ_ONLY_PROGRAM)
