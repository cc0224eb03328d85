"""What a commit that is about to be made, or a range of commits, touches: told by the index and by history alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """Whether an id stands for nothing, as where a reference is made or deleted (SHA-1 or SHA-256)."""
    return not object_id.strip("0")


def list_parents(repository: GitRepository) -> list[str]:
    """The commits that the next commit here will have for parents; none before the first."""
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
    return [name.removeprefix(_MERGED) for name in os.environ if name.startswith(_MERGED)]


def compare_index(
    repository: GitRepository, commit: str | None
) -> dict[str, tuple[TreeEntry | None, TreeEntry | None]]:
    """How the index differs from a commit (None: from nothing at all): the entry before and now, by path."""
    if commit is None:
        commit = repository.process.read(["hash-object", "-t", "tree", "--stdin"]).decode().strip()
    arguments = ["diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", commit]
    listing = repository.process.read(arguments, doing="compare the index with HEAD")
    fields = iter(listing.split(b"\0"))
    differences: dict[str, tuple[TreeEntry | None, TreeEntry | None]] = {}
    for field in fields:
        if not field:
            continue
        words = field.decode().removeprefix(":").split(" ")
        old_mode, new_mode, old_id, new_id, _ = words
        path = os.fsdecode(next(fields))
        differences[path] = _make_entry(old_mode, old_id), _make_entry(new_mode, new_id)
    return differences


def _make_entry(mode: str, object_id: str) -> TreeEntry | None:
    return TreeEntry(mode, object_id) if int(mode) else None


def list_changed_paths(
    repository: GitRepository, new: str, without: Sequence[str], *under: str
) -> list[str]:
    """Every path below `under` that a commit of `new` touched, and none of `without`; merges from every parent."""
    options = ["-z", "-m", "--format=", "--name-only", "--no-renames"]
    listing = repository.process.read(["log", *options, new, *_excluding(without), "--", *under])
    paths: dict[str, None] = {}
    for field in listing.split(b"\0"):
        path = field.lstrip(b"\n")
        if path:
            paths[os.fsdecode(path)] = None
    return list(paths)


def list_new_blobs(
    repository: GitRepository, new: str, without: Sequence[str]
) -> list[tuple[str, KnownObject]]:
    """The file contents that `new` has in its history and none of `without` has, each with (one of) its paths."""
    listing = repository.process.read(["rev-list", "--objects", new, *_excluding(without)])
    object_ids: list[str] = []
    paths: list[str] = []
    for line in listing.splitlines():
        object_id, space, path = line.partition(b" ")
        if space:
            object_ids.append(object_id.decode())
            paths.append(os.fsdecode(path))
    contents: list[tuple[str, KnownObject]] = []
    for path_name, found in zip(paths, find_objects(repository, object_ids), strict=True):
        if found is not None and found.kind == "blob":
            contents.append((path_name, found))
    return contents


def find_objects(repository: GitRepository, names: Iterable[str]) -> list[KnownObject | None]:
    """What each name (an object's id, or `<commit>:<path>`) stands for; None where there is nothing."""
    lines: list[bytes] = []
    for name in names:
        encoded = os.fsencode(name)
        # a name that would be two lines asks for nothing
        lines.append(b"" if b"\n" in encoded else encoded)
    if not lines:
        return []
    listing = repository.process.read(
        ["cat-file", "--batch-check"], stdin=b"\n".join(lines) + b"\n"
    )
    return [_parse_object(line) for line in listing.splitlines()]


def _parse_object(line: bytes) -> KnownObject | None:
    """Read `<id> <kind> <size>`; `<name> missing` and `<name> ambiguous` are None."""
    words = line.rsplit(b" ", 2)
    if len(words) != 3 or not words[2].isdigit():
        return None
    object_id, kind, size = words
    return KnownObject(object_id.decode(), kind.decode(), int(size))


def list_holders(repository: GitRepository, commit: str) -> list[str]:
    """The references, in full, whose history holds a commit."""
    listing = repository.process.read(
        ["for-each-ref", f"--contains={commit}", "--format=%(refname)"]
    )
    return listing.decode(errors="replace").splitlines()


def find_own_branch(repository: GitRepository) -> str | None:
    """The full reference of the branch that is worked on: HEAD's, or the one that is being rebased."""
    branch = repository.head().branch
    if branch is not None:
        return f"refs/heads/{branch}"
    for folder in ("rebase-merge", "rebase-apply"):
        rebased: Path = repository.git_dir / folder / "head-name"
        if rebased.exists():
            return rebased.read_text().strip()
    return None


def find_commit(repository: GitRepository, revision: str) -> str | None:
    """The full id of the commit that a person's `--from` or `--to` names; None where it names none."""
    arguments = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}"]
    return repository.process.try_read(arguments).out.decode().strip() or None


def _excluding(commits: Sequence[str]) -> list[str]:
    """The arguments that leave out what `commits` hold; options such as `--all` pass as they are."""
    return ["--not", *commits, "--not"] if commits else []
