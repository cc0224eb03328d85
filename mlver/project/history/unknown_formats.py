"""Records that came and went without anybody here who could read them: those of a newer format.

What such a record said cannot be judged here, nor whether anything was lost with it. A newer mlver
judges it like any other. Only a commit that deletes it takes it back: one that puts other contents
in its place changed a record, and that is told like any other change. So is what made a record of a
known format one of a newer one.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.git import history, objects
from mlver.git.history import RecordTampering
from mlver.git.repository import GitRepository
from mlver.project.registry.newer_formats import find_newer_format
from mlver.records import byte_limits, layout


def find_unread_changes(
    repository: GitRepository, changes: Iterable[RecordTampering]
) -> list[RecordTampering]:
    """Find the deletions of a record of a newer format."""
    deletions = [change for change in changes if change.before and change.kind == "D"]
    wanted = [change for change in deletions if layout.is_sealed_path(change.path)]
    limits = [(change.before, byte_limits.find_byte_limit(change.path)) for change in wanted]
    if not limits:
        return []
    contents = objects.read_beginnings(repository.process, limits)
    unread: list[RecordTampering] = []
    for change, data in zip(wanted, contents, strict=True):
        if data is not None and find_newer_format(change.path, data) is not None:
            unread.append(change)
    return unread


def find_taken_back(
    repository: GitRepository, paths: Iterable[str], tip: str
) -> set[tuple[str, str]]:
    """Find the records of a newer format that commits of `tip`'s history deleted at these paths.

    Each is its path and its object id. What a merge took from a parent alone is not among them.
    """
    places = list(paths)
    if not places:
        return set()
    changes = history.find_tampering(repository, *places, tip=tip)
    unread = find_unread_changes(repository, changes)
    return {(change.path, change.before) for change in unread if not change.yielded}


def describe_unread(change: RecordTampering) -> Finding:
    """Describe a record that is gone, and that nobody here could read."""
    commit = change.commit[:10]
    message = (
        f"was deleted in commit {commit}; it was of a newer format,"
        " so nobody here can tell what it said"
    )
    options = ("-m",) if change.yielded else ()
    show_command = shell_command("git", "show", *options, commit, "--", change.path)
    return Finding("unconfirmed", change.path, message, (show_command,))
