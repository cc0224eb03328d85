"""What brings an object back that is missing or damaged: a working file, or another clone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.project.artifacts import measuring, storing
from mlver.project.artifacts.bringing import has_remotes
from mlver.project.project import Project
from mlver.storage.store import RepositoryStore, StoreProblem, suggest_copying

# It stores what a working file still holds, and sets damaged copies aside in any case.
RESTORE = "mlver doctor --fix"


@dataclass(frozen=True, slots=True)
class LossRemedies:
    """Finds what brings objects back; a working file is hashed once, however many are looked for.

    Keep it for one look at the repository only.
    """

    project: Project
    store: RepositoryStore
    _digests: dict[str, Digest | None] = field(default_factory=dict)

    @classmethod
    def open_for(cls, project: Project) -> LossRemedies:
        return cls(project, storing.open_store(project))

    def suggest_recovery(self, path: str, problem: StoreProblem, ref: str) -> tuple[str, ...]:
        """The commands that bring an object back, to be typed in this order.

        `path` is where the version that needs it, named by `ref`, had the file.
        """
        if problem.digest is None or self.find_working_copy(path, problem.digest) is not None:
            return (RESTORE,)
        hints: tuple[str, ...] = ()
        if problem.path is not None:
            # What stands in its place would keep a good copy away.
            hints += (RESTORE,)
        packs = self.store.find_packs(problem.digest)
        if has_remotes(self.project):
            hints += (shell_command("mlver", "pull", ref),)
        else:
            hints += suggest_copying(self.project.state_directory, packs)
        return hints

    def find_working_copy(self, path: str, digest: Digest) -> Path | None:
        """The working file at `path`, where it still holds the bytes."""
        if path not in self._digests:
            self._digests[path] = self._hash_file(path)
        if self._digests[path] != digest:
            return None
        return self._locate(path)

    def _hash_file(self, path: str) -> Digest | None:
        try:
            location = self._locate(path)
            if location.is_file():
                return measuring.measure_path(location).digest
        except (MlverError, OSError):  # a file that cannot be read holds nothing for us
            return None
        return None

    def _locate(self, path: str) -> Path:
        return paths.join_inside(self.project.top_folder, path, link_last=True)


def describe_absence(count: int, missing: Sequence[Finding]) -> Finding:
    """Describe a clone that lacks these of `count` objects, in one line, with what brings them."""
    hints: tuple[str, ...] = ()
    for finding in missing:
        hints = finding.hints
        # What the working files still hold need not be copied.
        if hints == (RESTORE,):
            break
    here = count - len(missing)
    if any(hint.startswith("mlver pull") for hint in hints):
        message = f"{here:,} of {count:,} here; mlver pull brings what is in use from a remote"
        if here:
            return Finding("object", "objects", message, ("mlver pull", "mlver pull --all"))
        return Finding("object", "objects", message, ("mlver pull",))
    message = f"0 of {count:,} here; copy them from a clone that has them"
    return Finding("object", "objects", message, hints)
