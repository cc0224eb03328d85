"""Records of the work tree, each read once for a command that asks for all of them many times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mlver.errors import MlverError
from mlver.project.registry.worktree import RecordSource, WorkTree

# What is longer is read whenever it is asked for, so that memory stays bounded by the records.
_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The files of a work tree, as they were when each was first read."""

    source: WorkTree
    _contents: dict[str, bytes] = field(init=False, default_factory=dict)

    def keep_files(self, paths: Iterable[str]) -> None:
        """Read many files at once; what cannot be read is left to whoever asks for it."""
        wanted = list(paths)
        for path, data in zip(wanted, self.source.read_files(wanted), strict=True):
            if isinstance(data, bytes):
                self._keep(path, data)

    def read_file(self, path: str) -> bytes | None:
        kept = self._contents.get(path)
        if kept is not None:
            return kept
        data = self.source.read_file(path)
        if data is not None:
            self._keep(path, data)
        return data

    def read_files(self, paths_within: Iterable[str]) -> Iterator[bytes | MlverError]:
        wanted = list(paths_within)
        unread = [path for path in wanted if path not in self._contents]
        read = dict(zip(unread, self.source.read_files(unread), strict=True))
        for path in wanted:
            yield read[path] if path in read else self._contents[path]

    def list_names(self, folder: str) -> list[str]:
        return self.source.list_names(folder)

    def _keep(self, path: str, data: bytes) -> None:
        if len(data) <= _MOST_BYTES:
            self._contents[path] = data


def keep_files(source: RecordSource, paths: Iterable[str]) -> RecordSource:
    """Read many files of a work tree at once, and keep them; any other source stays as it is."""
    if not isinstance(source, WorkTree):
        return source
    kept = KeptFiles(source)
    kept.keep_files(paths)
    return kept
