"""Which versions a version means by those that it follows: after a rebase a number may be another
version's.
"""

from __future__ import annotations

from mlver.git.repository import GitRepository
from mlver.policy.renumber import strip_numbering
from mlver.project.registry.registry import RecordRegistry, decode_version
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.version import Version


def find_renumbered_version(
    repository: GitRepository, side: RecordRegistry, record: VersionRecord, followed: str
) -> Version | None:
    """Find the number that a version which `record` follows has on `side`.

    `followed` is its number in the record: the one before it, or its parent. None where it kept
    the number that it had when the record was made.
    """
    commit = record.code.commit
    if commit is None:
        return None
    path = layout.version_path(record.model, followed)
    # The commit that the version was trained from holds the one that was meant then.
    (followed_data,) = repository.blobs([f"{commit}:{path}"])
    if followed_data is None or followed_data == side.read_file(path):
        return None
    content = strip_numbering(decode_version(followed_data, path))
    for number in side.list_versions(record.model):
        candidate, _ = side.read_version(record.model, number)
        if strip_numbering(candidate) == content:
            return number
    return None
