"""Records that came and went without anybody here who could read them: those of a newer format.

What such a record said cannot be judged here, nor whether anything was lost with it. A newer mlver
judges it like any other. A record that was of a known format before it was of a newer one was
changed, and that is told like any other change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.git import objects
from mlver.git.history import RecordTampering
from mlver.git.repository import GitRepository
from mlver.project.registry.newer_formats import find_newer_format
from mlver.records import layout

_DEEDS = {"D": "deleted in commit", "M": "changed in commit", "R": "replaced in the merge"}


def find_unread_changes(
    repository: GitRepository, changes: Iterable[RecordTampering]
) -> list[RecordTampering]:
    """Find the changes that took away a record of a newer format."""
    wanted = [change for change in changes if change.before and layout.is_sealed_path(change.path)]
    limits = [(change.before, layout.find_byte_limit(change.path)) for change in wanted]
    if not limits:
        return []
    contents = objects.read_beginnings(repository.process, limits)
    unread: list[RecordTampering] = []
    for change, data in zip(wanted, contents, strict=True):
        if data is not None and find_newer_format(change.path, data) is not None:
            unread.append(change)
    return unread


def find_unread_objects(repository: GitRepository, landed: Mapping[str, str]) -> set[str]:
    """Find the paths at which these objects, by their ids, are records of a newer format."""
    changes = [RecordTampering("", "D", path, before) for path, before in landed.items()]
    return {change.path for change in find_unread_changes(repository, changes)}


def describe_unread(change: RecordTampering) -> Finding:
    """Describe a record that is gone, and that nobody here could read."""
    commit = change.commit[:10]
    message = (
        f"was {_DEEDS[change.kind]} {commit}; it was of a newer format,"
        " so nobody here can tell what it said"
    )
    options = ("-m",) if change.yielded else ()
    show_command = shell_command("git", "show", *options, commit, "--", change.path)
    return Finding("unconfirmed", change.path, message, (show_command,))
