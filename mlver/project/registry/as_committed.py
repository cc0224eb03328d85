"""Records that decide something must be those that were committed, not what is left of them."""

from __future__ import annotations

from mlver.errors import MlverError, shell_command
from mlver.git.repository import GitRepository
from mlver.project.registry.registry import RecordRegistry


def require_as_committed(repository: GitRepository, registry: RecordRegistry, folder: str) -> None:
    """Raise MlverError where a record in `folder` that HEAD has is missing here, or is another.

    Without it, removing a file of the work tree for a moment would take back what the record says,
    and the next record would get its number.
    """
    if repository.head().commit is None:
        return
    record_paths = repository.files_at("HEAD", folder)
    contents = repository.blobs(f"HEAD:{path}" for path in record_paths)
    for record_path, data in zip(record_paths, contents, strict=True):
        if registry.read_file(record_path) != data:
            raise MlverError(
                f"{record_path} is not what HEAD has there, and what it says counts",
                hint=shell_command("git", "checkout", "--", record_path),
            )


def list_committed(repository: GitRepository, folder: str) -> frozenset[str]:
    """List the paths in `folder` that HEAD has: what only the work tree has, nobody else finds."""
    if repository.head().commit is None:
        return frozenset()
    return frozenset(repository.files_at("HEAD", folder))
