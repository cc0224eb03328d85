"""What mlver changes in a repository: stage, commit only its own paths, tag, push, and sync it all to disk."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.errors import shell_command
from mlver.git.process import GitFailed, Process
from mlver.git.repository import Repository
from mlver.system import durable

# What a server says whose hooks or settings forbid a push (git-receive-pack(1); forges protect tags by hooks).
_FORBIDDEN = re.compile(
    r"hook declined|protected|prohibited|forbidden|permission denied|not allowed", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A path as the index held it; `entry` is git's `<mode> <object> <stage>`, None where it held no such path.

    Of a path whose merge stopped there is a line for each side.
    """

    path: str
    entry: str | None


def index_entries(repository: Repository, paths: Sequence[str]) -> tuple[IndexEntry, ...]:
    """How the index holds `paths` now, so that `restore_index` can put exactly them back."""
    out = os.fsdecode(repository.process.read(["ls-files", "--stage", "-z", "--", *paths]))
    held: dict[str, list[str]] = {}
    for entry, path in (line.split("\t", 1) for line in out.split("\0") if line):
        held.setdefault(path, []).append(entry)
    return tuple(
        IndexEntry(path, "\n".join(held[path]) if path in held else None) for path in paths
    )


def restore_index(repository: Repository, entries: Sequence[IndexEntry]) -> None:
    lines = "".join(
        f"{line}\t{e.path}\0" for e in entries if e.entry is not None for line in _lines(e.entry)
    )
    doing = "put its index back"
    repository.process.write(
        ["update-index", "-z", "--index-info"], stdin=os.fsencode(lines), doing=doing
    )
    gone = _listed([e.path for e in entries if e.entry is None])
    repository.process.write(
        ["update-index", "--force-remove", "-z", "--stdin"], stdin=gone, doing=doing
    )


def _lines(entry: str) -> list[str]:
    """What update-index takes for an entry: the sides of a merge go where nothing is (git-update-index(1))."""
    sides = entry.split("\n")
    whole = sides[0].endswith(" 0")
    return sides if whole else [f"0 {'0' * len(sides[0].split(' ')[1])}", *sides]


def stage(repository: Repository, paths: Sequence[str]) -> None:
    """Add `paths` to the index whatever a .gitignore or a sparse checkout says of them."""
    args = ["update-index", "--add", "--remove", "-z", "--stdin"]
    repository.process.write(args, stdin=_listed(paths), doing="stage the record")


def is_whole_index(data: bytes) -> bool:
    """Whether an index file ends in the checksum of the rest, or in zeros, for no checksum (gitformat-index(5))."""
    if not data.startswith(b"DIRC"):
        return False
    sums = (hashlib.sha1(data[:-20], usedforsecurity=False), hashlib.sha256(data[:-32]))
    return any(data.endswith((found.digest(), bytes(found.digest_size))) for found in sums)


def unstage(repository: Repository, paths: Sequence[str]) -> None:
    """Let the index hold `paths` as HEAD does."""
    if paths:
        args = ["reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul"]
        repository.process.write(args, stdin=_listed(paths), doing="put its index back")


def commit_only(repository: Repository, paths: Sequence[str], message: str) -> str:
    """Commit exactly `paths`, already staged; other staged work stays staged. Return the commit's id."""
    args = ["commit", "--quiet", "--only", "--cleanup=whitespace", f"--message={message}"]
    repository.process.write(
        [*args, "--pathspec-from-file=-", "--pathspec-file-nul"],
        stdin=_listed(paths),
        doing="commit the record",
        hint="mend what git or its hook names above, then run the command again; nothing was changed",
    )
    return repository.process.read(["rev-parse", "--verify", "HEAD^{commit}"]).decode().strip()


def create_tag(repository: Repository, name: str, commit: str, message: str) -> None:
    """Make an annotated tag (signed where tag.gpgSign says so). Never moves one: raise GitFailed if it exists."""
    args = ["tag", "--annotate", "--cleanup=whitespace", "--file=-", "--", name, commit]
    repository.process.write(
        args,
        stdin=message.encode(),
        doing=f"make the tag {name}",
        hint="mend what git names above, then seal the record: mlver tag",
    )


def delete_tags(repository: Repository, tags: Mapping[str, str]) -> None:
    """Delete tags, all or none, each only as long as it is still the object `tags` says."""
    lines = "".join(f"delete refs/tags/{name}\0{oid}\0" for name, oid in tags.items())
    if lines:
        repository.process.write(
            ["update-ref", "--stdin", "-z"], stdin=lines.encode(), doing="delete the old tags"
        )


def restore_tags(repository: Repository, tags: Mapping[str, str]) -> None:
    """Put deleted tags back, as the objects `tags` says, all or none."""
    lines = "".join(f"create refs/tags/{name}\0{oid}\0" for name, oid in tags.items())
    if lines:
        repository.process.write(
            ["update-ref", "--stdin", "-z"], stdin=lines.encode(), doing="put the old tags back"
        )


_A_PUSH = 3  # forges start no pipeline for more tags than this in one push


def batches(names: Sequence[str]) -> list[Sequence[str]]:
    """Tags as they are to be pushed, so that each starts a pipeline."""
    return [names[at : at + _A_PUSH] for at in range(0, len(names), _A_PUSH)]


def push_tags(repository: Repository, remote: str, names: Sequence[str]) -> None:
    """Push tags all or none; a tag the other side holds differently is refused, never overwritten."""
    refs = [f"refs/tags/{name}:refs/tags/{name}" for name in names]
    # a tag that came along of itself would be one too many, and no pipeline would start
    args = ["push", "--quiet", "--atomic", "--no-follow-tags", "--", remote, *refs]
    hint = f"if {remote} holds another tag of this name, its version is taken: register under the next one"
    try:
        repository.process.write(args, doing=f"push the tags to {remote}", hint=hint)
    except GitFailed as failed:
        if not _FORBIDDEN.search(failed.output):
            raise
        hint = f"have somebody push them who may: {shell_command('git', 'push', remote, *names[:3])}   (they are kept here)"
        raise GitFailed(
            f"push the tags, for {remote} does not let you", failed.output, hint=hint
        ) from None


def configure(repository: Repository, key: str, value: str) -> None:
    """Set one of the repository's own settings."""
    repository.process.write(["config", "--local", key, value], doing=f"set {key}")


def merge_lines(directory: Path, base: str, ours: str, theirs: str) -> bool:
    """Merge three files line by line into `ours`, as git does of itself; whether both sides are marked in it now."""
    names = ["-L", "ours", "-L", "base", "-L", "theirs"]
    return Process(directory).try_read(["merge-file", *names, "--", ours, base, theirs]).code != 0


def sync(repository: Repository, refs: Iterable[str]) -> None:
    """Make what git wrote survive a power cut: the names of new objects, and of `refs` (full names), and the index.

    git syncs the files it writes (core.fsync=all), but for the index of `commit --only`, and not the directories that
    name them, so a fresh reference or object can vanish with its directory entry.
    """
    common, own = repository.common_dir, repository.git_dir
    objects = common / "objects"
    paths = [objects / name for name in os.listdir(objects) if len(name) == 2]
    paths += [objects, own / "index"]
    for ref in refs:
        paths += [parent for parent in (common / ref).parents if parent.is_relative_to(common)]
    for path in dict.fromkeys([*paths, own]):
        _sync(path)


def _sync(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # another git process renamed or packed it meanwhile; its own write was synced by it
    try:
        with durable.naming_errors(path):
            os.fsync(handle)
    finally:
        os.close(handle)


def _listed(paths: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)
