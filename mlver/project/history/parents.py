"""Which parent a version means: after a rebase its number may be another version's."""

from __future__ import annotations

from mlver.git.repository import GitRepository
from mlver.policy.renumber import strip_numbering
from mlver.project.registry.registry import RecordRegistry, decode_version
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.version import Version


def find_renumbered_parent(
    repository: GitRepository, side: RecordRegistry, record: VersionRecord
) -> Version | None:
    """The number its parent has on `side`, where another record has that number there than where it
    was registered.
    """
    if record.parent is None or record.code.commit is None:
        return None
    path = layout.version_path(record.model, record.parent)
    (meant,) = repository.blobs([f"{record.code.commit}:{path}"])
    if meant is None or meant == side.read_file(path):
        return None
    lost = strip_numbering(decode_version(meant, path))
    versions = side.list_versions(record.model)
    return next(
        (
            number
            for number in versions
            if strip_numbering(side.read_version(record.model, number)[0]) == lost
        ),
        None,
    )
