"""Small files of many commits, read in few processes: a repository may have thousands of tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mlver.project.project import Project

# So many commits' files are in memory together.
BATCH = 64


@dataclass(frozen=True, slots=True)
class CommittedFiles:
    """Reads files as commits hold them; those of one batch of commits are kept."""

    project: Project
    _contents: dict[tuple[str, str], bytes | None] = field(default_factory=dict)

    def fetch_batch(self, commits: Iterable[str], names: Sequence[str]) -> None:
        """Read these files of each commit, and forget those of the batch before."""
        self._contents.clear()
        self._fetch([(commit, name) for commit in dict.fromkeys(commits) for name in names])

    def read_files(self, commit: str, names: Iterable[str]) -> dict[str, bytes | None]:
        """The contents of each file in a commit, by name; None where it has no such file."""
        places = {name: (commit, name) for name in names}
        self._fetch([place for place in places.values() if place not in self._contents])
        return {name: self._contents[place] for name, place in places.items()}

    def _fetch(self, places: Sequence[tuple[str, str]]) -> None:
        if not places:
            return
        blobs = self.project.repository.blobs(f"{commit}:{name}" for commit, name in places)
        for place, blob in zip(places, blobs, strict=True):
            self._contents[place] = blob
