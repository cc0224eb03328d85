"""Which parent a version means: after a rebase its number may be another version's."""

from __future__ import annotations

from mlver.git.repository import Repository
from mlver.policy.renumber import essence
from mlver.project.registry.registry import Registry, decoded_version
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.version import Version


def parent_now(repository: Repository, side: Registry, record: VersionRecord) -> Version | None:
    """The number its parent has on `side`, where another record has that number there than where it was registered."""
    if record.parent is None or record.code.commit is None:
        return None
    path = layout.version(record.model, record.parent)
    (meant,) = repository.blobs([f"{record.code.commit}:{path}"])
    if meant is None or meant == side.read(path):
        return None
    lost = essence(decoded_version(meant, path))
    versions = side.versions(record.model)
    return next((number for number in versions if essence(side.version(record.model, number)[0]) == lost), None)
