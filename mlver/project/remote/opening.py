"""The remote that a command line names: by its name in the settings, or by its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver.errors import UsageError
from mlver.project.project import Project
from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.open import open_blobs, parse_address


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """Where a remote is; `scheme` is empty for a path."""

    url: str
    scheme: str
    options: Mapping[str, str] = field(default_factory=dict)

    def open_blobs(self) -> BlobStore:
        """Open it. Nothing has been asked of it yet."""
        return open_blobs(self.url, self.options)


def find_place(project: Project, named: str) -> RemotePlace:
    """Find the remote; raise UsageError for what is neither a name nor an address."""
    del project
    scheme = parse_address(named, {}).scheme
    if not scheme and "/" not in named:
        raise UsageError(
            f"there is no remote `{named}`; name one of the settings, or a path with a slash, or an"
            " address such as s3://bucket/models"
        )
    return RemotePlace(named, scheme)
