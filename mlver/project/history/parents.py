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
    """Find the number that a version's parent has on `side`.

    None where the parent kept the number that it had when the version was registered.
    """
    commit = record.code.commit
    if record.parent is None or commit is None:
        return None
    path = layout.version_path(record.model, record.parent)
    # The commit that the version was trained from holds the parent that was meant then.
    (parent_data,) = repository.blobs([f"{commit}:{path}"])
    if parent_data is None or parent_data == side.read_file(path):
        return None
    parent = strip_numbering(decode_version(parent_data, path))
    for number in side.list_versions(record.model):
        candidate, _ = side.read_version(record.model, number)
        if strip_numbering(candidate) == parent:
            return number
    return None
