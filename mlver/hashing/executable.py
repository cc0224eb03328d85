"""Which files of an artifact may be executed: the one bit of a file's mode that git records too."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence

from mlver.hashing.walk import FoundFile

# File systems without the bit give it to every file. Where so many files have it, it says nothing,
# and a record that lists them all would hold little else.
MOST_EXECUTABLE = 1000
_NUL = b"\0"


class ExecutableFiles:
    """The paths of the files that their owner may execute, as a walk finds them."""

    def __init__(self) -> None:
        self._paths: list[bytes] = []

    def watch_walk(self, walked: Iterable[FoundFile]) -> Iterator[FoundFile]:
        """Yield the files walked, and take note of those that may be executed."""
        for found_file in walked:
            if found_file[1].st_mode & stat.S_IXUSR:
                self.add_paths(found_file[:1])
            yield found_file

    def add_paths(self, paths: Sequence[bytes]) -> None:
        # One more than are of interest shows that there are too many.
        free = MOST_EXECUTABLE + 1 - len(self._paths)
        self._paths += paths[:free]

    def list_paths(self) -> tuple[bytes, ...] | None:
        """The paths in the order of the walk; None where the bit says nothing."""
        if len(self._paths) > MOST_EXECUTABLE:
            return None
        return tuple(self._paths)

    def encode_paths(self) -> bytes:
        """Write them for another process; no path holds the NUL that ends each."""
        return b"".join(path + _NUL for path in self._paths)

    def add_encoded(self, encoded: bytes) -> None:
        self.add_paths(encoded.split(_NUL)[:-1])
