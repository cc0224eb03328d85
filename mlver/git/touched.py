"""What a commit that is about to be made, or a range of commits, touches: told by the index and by history alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.git.repository import Repository
from mlver.git.trees import Entry

_MERGED = "GITHEAD_"


@dataclass(frozen=True, slots=True)
class Found:
    """An object as git knows it: `kind` is blob, tree, commit or tag."""

    object_id: str
    kind: str
    size: int


def is_absent(object_id: str) -> bool:
    """Whether an id stands for nothing, as where a reference is made or deleted (SHA-1 or SHA-256)."""
    return not object_id.strip("0")


def parents_to_be(repository: Repository) -> list[str]:
    """The commits that the next commit here will have for parents; none before the first."""
    head = repository.head().commit
    if head is None:
        return []
    merging = repository.git_dir / "MERGE_HEAD"
    # git merge runs its hook before it writes the file, and names what it merges so
    told = [name.removeprefix(_MERGED) for name in os.environ if name.startswith(_MERGED)]
    others = merging.read_text().split() if merging.exists() else told if repository.hooked else []
    return [head, *(commit for commit in dict.fromkeys(others) if repository.has_commit(commit))]


def staged_against(
    repository: Repository, commit: str | None
) -> dict[str, tuple[Entry | None, Entry | None]]:
    """What the index has otherwise than a commit (None: than nothing at all): what was and what is there, by path."""
    if commit is None:
        commit = repository.process.read(["hash-object", "-t", "tree", "--stdin"]).decode().strip()
    args = ["diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", commit]
    fields = iter(repository.process.read(args, doing="compare the index with HEAD").split(b"\0"))
    found: dict[str, tuple[Entry | None, Entry | None]] = {}
    for field in fields:
        if field:
            old_mode, mode, old_id, object_id, _ = field.decode().removeprefix(":").split(" ")
            found[os.fsdecode(next(fields))] = _entry(old_mode, old_id), _entry(mode, object_id)
    return found


def _entry(mode: str, object_id: str) -> Entry | None:
    return Entry(mode, object_id) if int(mode) else None


def paths_between(
    repository: Repository, new: str, without: Sequence[str], *under: str
) -> list[str]:
    """Every path below `under` that a commit of `new`, and of none of `without`, touched; merges from every parent."""
    args = [
        "log",
        "-z",
        "-m",
        "--format=",
        "--name-only",
        "--no-renames",
        new,
        *_not(without),
        "--",
        *under,
    ]
    out = repository.process.read(args)
    return list(
        dict.fromkeys(
            os.fsdecode(path.lstrip(b"\n")) for path in out.split(b"\0") if path.strip(b"\n")
        )
    )


def brought(repository: Repository, new: str, without: Sequence[str]) -> list[tuple[str, Found]]:
    """The file contents that `new` has in its history and none of `without` has, each with (one of) its paths."""
    listed = repository.process.read(["rev-list", "--objects", new, *_not(without)]).splitlines()
    named = [
        (line.partition(b" ")[0].decode(), os.fsdecode(line.partition(b" ")[2]))
        for line in listed
        if b" " in line
    ]
    found = objects(repository, [object_id for object_id, _ in named])
    return [
        (path, thing)
        for (_, path), thing in zip(named, found, strict=True)
        if thing is not None and thing.kind == "blob"
    ]


def objects(repository: Repository, names: Iterable[str]) -> list[Found | None]:
    """What each name (an object's id, or `<commit>:<path>`) stands for; None where there is nothing."""
    asked = [os.fsencode(name) for name in names]
    if not asked:
        return []
    lines = b"".join((b"" if b"\n" in name else name) + b"\n" for name in asked)
    out = repository.process.read(["cat-file", "--batch-check"], stdin=lines)
    found: list[Found | None] = []
    for line in out.splitlines():
        words = line.rsplit(b" ", 2)
        known = len(words) == 3 and words[2].isdigit()
        found.append(Found(words[0].decode(), words[1].decode(), int(words[2])) if known else None)
    return found


def holders(repository: Repository, commit: str) -> list[str]:
    """The references, in full, whose history holds a commit."""
    out = repository.process.read(["for-each-ref", f"--contains={commit}", "--format=%(refname)"])
    return out.decode(errors="replace").splitlines()


def main_branches(repository: Repository) -> list[str]:
    """The references that stand for what has landed: where a remote's HEAD leads, and main branches by their names."""
    named = (
        repository.process.try_read(["config", "--get", "init.defaultBranch"]).out.decode().strip()
    )
    wanted = [name for name in dict.fromkeys((named, "main", "master", "trunk")) if name]
    patterns = [f"refs/heads/{name}" for name in wanted] + [
        f"refs/remotes/*/{name}" for name in (*wanted, "HEAD")
    ]
    return (
        repository.process.read(["for-each-ref", "--format=%(refname)", *patterns])
        .decode()
        .splitlines()
    )


def own_branch(repository: Repository) -> str | None:
    """The full reference of the branch that is worked on: HEAD's, or the one that is being rebased."""
    branch = repository.head().branch
    if branch is not None:
        return f"refs/heads/{branch}"
    for folder in ("rebase-merge", "rebase-apply"):
        rebased: Path = repository.git_dir / folder / "head-name"
        if rebased.exists():
            return rebased.read_text().strip()
    return None


def commit_of(repository: Repository, revision: str) -> str | None:
    """The full id of the commit that a person's `--from` or `--to` names; None where it names none."""
    args = ["rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}"]
    return repository.process.try_read(args).out.decode().strip() or None


def _not(commits: Sequence[str]) -> list[str]:
    """The arguments that leave out what `commits` hold; options such as `--all` pass as they are."""
    return ["--not", *commits, "--not"] if commits else []
