"""Records read from git: what a commit, or the index, holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlver.errors import MlverError, shell_command
from mlver.git import trees
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry
from mlver.project.registry.worktree import require_file
from mlver.records import byte_limits, layout


@dataclass(frozen=True, slots=True)
class CommittedRecords:
    """What git holds below `.mlver/`; `folders` has the names in each folder.

    A file is read in a process of its own, unless `fetch_files` read it with others.
    """

    repository: GitRepository
    entries: dict[str, TreeEntry]
    folders: dict[str, list[str]]
    _read: dict[str, bytes] = field(init=False, default_factory=dict)

    @classmethod
    def at_commit(cls, repository: GitRepository, commit: str) -> CommittedRecords:
        """The records of a commit, named by its full id or reference."""
        entries = trees.committed_files(repository, commit, layout.ROOT)
        return cls(repository, entries, list_folders(entries))

    @classmethod
    def from_index(cls, repository: GitRepository) -> CommittedRecords:
        """The records of the index: what a commit made now would hold."""
        entries = trees.staged_files(repository, layout.ROOT)
        return cls(repository, entries, list_folders(entries))

    def fetch_files(self, wanted: Iterable[str]) -> None:
        """Read many files at once; those there are not do no harm."""
        lacking: dict[str, TreeEntry] = {}
        for record_path in wanted:
            entry = self.entries.get(record_path)
            if entry is not None and record_path not in self._read:
                lacking[record_path] = entry
        # One byte more, which tells what is too long from what is just not.
        limits = {
            record_path: byte_limits.find_byte_limit(record_path) + 1 for record_path in lacking
        }
        self._read.update(trees.read_beginnings(self.repository, lacking, limits))

    def read_file(self, path: str) -> bytes | None:
        entry = self.entries.get(path)
        if entry is None:
            return None
        if not entry.is_file:
            raise MlverError(
                f"{path} is a symlink, which no record is",
                hint=shell_command("git", "log", "--", path),
            )
        self.fetch_files([path])
        record_bytes = self._read.get(path)
        if record_bytes is None:
            raise MlverError(
                f"this clone lacks the contents of {path}",
                hint="git fetch --unshallow",
            )
        byte_limits.check_length(path, record_bytes)
        return record_bytes

    def read_files(self, paths_within: Iterable[str]) -> Iterator[bytes | MlverError]:
        wanted = list(paths_within)
        self.fetch_files(wanted)
        for path in wanted:
            try:
                yield require_file(self.read_file(path), path)
            except MlverError as error:
                yield error

    def list_names(self, folder: str) -> list[str]:
        return self.folders.get(folder, [])


def list_folders(paths: Iterable[str]) -> dict[str, list[str]]:
    """The names in each folder that these files lie in."""
    folders: dict[str, list[str]] = {}
    known = {""}
    for record_path in paths:
        inner_path = record_path
        while inner_path not in known:
            known.add(inner_path)
            parent, _, file_name = inner_path.rpartition("/")
            folders.setdefault(parent, []).append(file_name)
            inner_path = parent
    return folders
