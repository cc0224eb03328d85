"""What a commit that is about to be made, or a range of commits, touches: no file is looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.git.kept import stream_answers
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry

_MERGED = "GITHEAD_"


@dataclass(frozen=True, slots=True)
class KnownObject:
    """An object as git knows it: `kind` is blob, tree, commit or tag."""

    object_id: str
    kind: str
    size: int


def is_absent(object_id: str) -> bool:
    """Say whether an id stands for nothing, as where a reference is made or deleted."""
    return not object_id.strip("0")


def list_parents(repository: GitRepository) -> list[str]:
    """List the commits that the next commit here will have for parents; none before the first."""
    head = repository.head().commit
    if head is None:
        return []
    parents = [head]
    for commit in dict.fromkeys(_merging_commits(repository)):
        if repository.has_commit(commit):
            parents.append(commit)
    return parents


def _merging_commits(repository: GitRepository) -> list[str]:
    merge_head = repository.git_dir / "MERGE_HEAD"
    if merge_head.exists():
        return merge_head.read_text().split()
    if not repository.hooked:
        return []
    # git merge runs its hook before it writes the file, and names what it merges in the environment
    variables = [name for name in os.environ if name.startswith(_MERGED)]
    return [name.removeprefix(_MERGED) for name in variables]


def compare_index(
    repository: GitRepository, commit: str | None
) -> dict[str, tuple[TreeEntry | None, TreeEntry | None]]:
    """Compare the index with a commit (None: with nothing): old and new entry, by path."""
    if commit is None:
        empty_tree = repository.process.read(["hash-object", "-t", "tree", "--stdin"])
        commit = empty_tree.decode().strip()
    arguments = ["diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", commit]
    listing = repository.process.read(arguments, doing="compare the index with HEAD")
    fields = iter(listing.split(b"\0"))
    differences: dict[str, tuple[TreeEntry | None, TreeEntry | None]] = {}
    for field in fields:
        if not field:
            continue
        words = field.decode().removeprefix(":").split(" ")
        old_mode, new_mode, old_id, new_id, _ = words
        old_entry = _make_entry(old_mode, old_id)
        new_entry = _make_entry(new_mode, new_id)
        path = os.fsdecode(next(fields))
        differences[path] = old_entry, new_entry
    return differences


def _make_entry(mode: str, object_id: str) -> TreeEntry | None:
    if int(mode) == 0:
        return None
    return TreeEntry(mode, object_id)


def list_changed_paths(
    repository: GitRepository, new: str, without: Sequence[str], *under: str
) -> list[str]:
    """List every path below `under` that a commit of `new` touched, and none of `without`.

    Merges are compared with every parent.
    """
    options = ["-z", "-m", "--format=", "--name-only", "--no-renames"]
    reach = [new, *_excluding(without)]
    listing = repository.process.read(["log", *options, *reach, "--", *under])
    paths: dict[str, None] = {}
    for field in listing.split(b"\0"):
        path = field.lstrip(b"\n")
        if path:
            paths[os.fsdecode(path)] = None
    return list(paths)


def list_new_blobs(
    repository: GitRepository, new: str, without: Sequence[str]
) -> list[tuple[str, KnownObject]]:
    """List the file contents that only the history of `new` has, each with (one of) its paths.

    What the history of a commit in `without` has is left out.
    """
    reach = [new, *_excluding(without)]
    # It names each object once, so it is as long as the repository, and a first push may be large.
    listing = repository.process.read(["rev-list", "--objects", *reach], limit=None)
    object_ids: list[str] = []
    paths: list[str] = []
    for line in listing.splitlines():
        object_id, space, path = line.partition(b" ")
        if space:
            object_ids.append(object_id.decode())
            paths.append(os.fsdecode(path))
    known_objects = find_objects(repository, object_ids)
    blobs: list[tuple[str, KnownObject]] = []
    for blob_path, known in zip(paths, known_objects, strict=True):
        if known is not None and known.kind == "blob":
            blobs.append((blob_path, known))
    return blobs


def has_blob(repository: GitRepository, data: bytes) -> bool:
    """Say whether git has a file of these bytes; in a fresh clone, only of what history has."""
    object_id = repository.process.read(["hash-object", "--stdin"], stdin=data)
    (found,) = find_objects(repository, [object_id.decode().strip()])
    return found is not None


def find_objects(repository: GitRepository, names: Iterable[str]) -> list[KnownObject | None]:
    """Find what each name (an object's id, or `<commit>:<path>`) stands for; None where nothing."""
    lines: list[bytes] = []
    for name in names:
        encoded = os.fsencode(name)
        # a name that would be two lines asks for nothing
        if b"\n" in encoded:
            encoded = b""
        lines.append(encoded + b"\n")
    if not lines:
        return []
    arguments = ["cat-file", "--batch-check"]
    with stream_answers(repository.process, arguments, b"".join(lines)) as stream:
        return [_parse_object(stream.readline().rstrip(b"\n")) for _ in lines]


def find_commits(repository: GitRepository, object_ids: Iterable[str]) -> set[str]:
    """Find which of these ids are commits that are here."""
    wanted = list(dict.fromkeys(object_ids))
    commits: set[str] = set()
    for object_id, known in zip(wanted, find_objects(repository, wanted), strict=True):
        if known is not None and known.kind == "commit":
            commits.add(object_id)
    return commits


def _parse_object(line: bytes) -> KnownObject | None:
    """Read `<id> <kind> <size>`; `<name> missing` and `<name> ambiguous` are None."""
    words = line.rsplit(b" ", 2)
    if len(words) != 3 or not words[2].isdigit():
        return None
    object_id, kind, size = words
    return KnownObject(object_id.decode(), kind.decode(), int(size))


def list_holders(repository: GitRepository, commit: str) -> list[str]:
    """List the references, in full, whose history holds a commit."""
    listing = repository.process.read(
        ["for-each-ref", f"--contains={commit}", "--format=%(refname)"]
    )
    return listing.decode(errors="replace").splitlines()


def list_dropped(repository: GitRepository, commits: Sequence[str]) -> set[str]:
    """List those of these commits, all of which are here, that no reference leads to."""
    if not commits:
        return set()
    request = "".join(f"{commit}\n" for commit in commits)
    arguments = ["rev-list", "--stdin", "--not", "--all"]
    listing = repository.process.read(arguments, stdin=request.encode())
    return set(commits).intersection(listing.decode().split())


def find_own_branch(repository: GitRepository) -> str | None:
    """Find the full reference of the branch that is worked on: HEAD's, or the one being rebased."""
    branch = repository.head().branch
    if branch is not None:
        return f"refs/heads/{branch}"
    for folder in ("rebase-merge", "rebase-apply"):
        rebased: Path = repository.git_dir / folder / "head-name"
        if rebased.exists():
            return rebased.read_text().strip()
    return None


def find_commit(repository: GitRepository, revision: str) -> str | None:
    """Find the full id of the commit that a person's `--from` or `--to` names; None where none."""
    options = ["--quiet", "--verify", "--end-of-options"]
    finished = repository.process.try_read(["rev-parse", *options, f"{revision}^{{commit}}"])
    return finished.out.decode().strip() or None


def _excluding(commits: Sequence[str]) -> list[str]:
    """Build the arguments that leave out what `commits` hold, which may be options like `--all`."""
    if not commits:
        return []
    return ["--not", *commits, "--not"]
