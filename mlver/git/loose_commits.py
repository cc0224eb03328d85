"""Commits that no branch holds: a few files each, under a reference of their own.

Such a reference is made once and never moves. The work tree, the index and every branch stay as
they are, and no hook runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.errors import refusal_error, shell_command
from mlver.git import changes, objects, references, stale_locks
from mlver.git.repository import GitRepository

_STORING = "store what was recorded"
_LIST_HINT = shell_command("git", "for-each-ref", "refs/mlver")
_MODE = b"100644"
# Its message repeats a record's, and its tree has a few names: neither is large.
_LARGEST = 8 << 20
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundCommit:
    """What a reference that others made names: the `kind` of object, and of a commit how many
    `parents` it has. `files` are the names in its tree, as often as they are there; None where it
    holds anything but plain files, or more than is ever made here.
    """

    kind: str
    parents: int = 0
    files: tuple[str, ...] | None = None


def keep_commit(
    repository: GitRepository,
    reference: str,
    files: Mapping[str, bytes],
    message: str,
    moment: str,
) -> str:
    """Make a commit of these files and a new reference to it; return its id once both are durable.

    `moment` is the commit's date. Whatever stops this, the reference names all of it or is not
    there. Raise GitFailed where there is a reference of that name already.
    """
    entries = bytearray()
    for name, data in sorted(files.items()):
        entries += b"100644 %b\0" % name.encode()
        entries += bytes.fromhex(_store_object(repository, "blob", data))
    tree = _store_object(repository, "tree", bytes(entries))
    dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
    made = repository.process.write(
        ["commit-tree", "--no-gpg-sign", tree], stdin=message.encode(), doing=_STORING, env=dates
    )
    commit = made.decode().strip()
    take_references(repository, {reference: commit}, doing="name what was recorded")
    return commit


def _store_object(repository: GitRepository, kind: str, data: bytes) -> str:
    """Store an object, synced; return its id.

    `git mktree` would not do for trees: it reads no settings, `core.fsync` among them.
    """
    storing = ["hash-object", "-w", "-t", kind, "--no-filters", "--stdin"]
    return repository.process.write(storing, stdin=data, doing=_STORING).decode().strip()


def take_references(
    repository: GitRepository,
    commits: Mapping[str, str],
    *,
    doing: str = "name what was fetched",
) -> None:
    """Make new references to commits that are here, all or none, durably."""
    # A reference must not name what a power cut may take away.
    changes.sync_git(repository, [])
    for name in commits:
        # Of a git that was killed.
        stale_locks.clear_reference(repository, name)
    references.update_references(repository, "create", commits, doing=doing, hint=_LIST_HINT)
    try:
        changes.sync_git(repository, commits)
    except OSError as error:
        outcome = "they have their names, which a power cut could take"
        raise refusal_error("naming what was recorded", error, outcome=outcome) from error


def drop_references(repository: GitRepository, commits: Mapping[str, str]) -> None:
    """Delete references that still name these commits, all or none, durably."""
    for name in (*commits, "packed-refs"):
        # Of a git that was killed.
        stale_locks.clear_reference(repository, name)
    references.update_references(
        repository, "delete", commits, doing="remove what was recorded", hint=_LIST_HINT
    )
    try:
        changes.sync_git(repository, commits)
    except OSError as error:
        outcome = "they are removed, but a power cut could bring them back"
        raise refusal_error("removing what was recorded", error, outcome=outcome) from error


def inspect_commit(repository: GitRepository, object_id: str) -> FoundCommit:
    """Look at what others made as it is stored: git itself follows a tag to its commit, and shows
    a name once that a tree has twice.
    """
    commit = objects.read_small_object(repository.process, object_id, _LARGEST)
    if commit is None or commit.kind != b"commit":
        return FoundCommit("missing object" if commit is None else commit.kind.decode())
    header = commit.data.partition(b"\n\n")[0].split(b"\n")
    parents = sum(line.startswith(b"parent ") for line in header)
    tree = None
    if header[0].startswith(b"tree "):
        name = header[0].removeprefix(b"tree ").decode(errors="replace")
        tree = objects.read_small_object(repository.process, name, _LARGEST)
    if tree is None or tree.kind != b"tree":
        return FoundCommit("commit", parents)
    entries = tuple(objects.list_entries(tree))
    if any(entry.mode != _MODE for entry in entries):
        return FoundCommit("commit", parents)
    names = tuple(entry.name.decode(errors="replace") for entry in entries)
    return FoundCommit("commit", parents, names)


def read_diff(repository: GitRepository, paths: Sequence[str], limit: int) -> bytes | None:
    """Read how these files differ from HEAD, as `git apply` takes it; nothing of theirs is run.

    None where that is longer than `limit` bytes: no more is ever in memory.
    """
    options = ["--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"]
    command = ["diff", *options, "HEAD", "--", *paths]
    output = bytearray()
    with repository.disarmed.streamed(command) as stream:
        while piece := stream.read(_PIECE):
            if len(output) <= limit:
                output += piece
    return bytes(output) if len(output) <= limit else None
