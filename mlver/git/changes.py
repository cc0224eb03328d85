"""What mlver changes in a repository: it stages, commits its own paths, tags, pushes and syncs."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlver.errors import refusal_error, shell_command
from mlver.git import objects, references
from mlver.git.gitpython import import_gitpython
from mlver.git.hooks import find_hook
from mlver.git.listings import split_fields
from mlver.git.process import GitFailed, GitProcess
from mlver.git.repository import GitRepository
from mlver.system import durable

if TYPE_CHECKING:
    from mlver.git.transfer_progress import TransferReporter

# `remote: …`, `fatal: …`, ` ! [rejected] …`
_REMOTE_ANSWER = re.compile(r"^(?:remote:|fatal:|\s*! )", re.MULTILINE)
# How a server refuses a push by its settings or hooks (git-receive-pack(1)); forges use hooks.
_FORBIDDEN = re.compile(
    r"hook declined|protected|prohibited|forbidden|permission denied|not allowed", re.IGNORECASE
)

# Linux takes at most 128 KiB in one argument (MAX_ARG_STRLEN).
_ARGUMENT_BYTES = 64 << 10


# Fewer are made one by one, as a person would make them.
_TAGS_TOGETHER = 64
# git-config(1) takes these for false.
_OFF = ("false", "no", "off", "0")


class NewTag(NamedTuple):
    """An annotated tag to be made."""

    name: str
    commit: str
    message: str


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A path as the index held it; `entry` is git's `<mode> <object> <stage>`.

    It is None where the index held no such path. A path whose merge stopped has a line for each
    side.
    """

    path: str
    entry: str | None


def index_entries(repository: GitRepository, paths: Sequence[str]) -> tuple[IndexEntry, ...]:
    """Read how the index holds `paths` now, so that `restore_index` can put exactly them back."""
    listing = repository.process.read(["ls-files", "--stage", "-z", "--", *paths])
    entries: dict[str, str] = {}
    for line in split_fields(listing):
        entry, path = line.split("\t", 1)
        if path in entries:
            entry = f"{entries[path]}\n{entry}"
        entries[path] = entry
    return tuple(IndexEntry(path, entries.get(path)) for path in paths)


def restore_index(repository: GitRepository, entries: Sequence[IndexEntry]) -> None:
    """Let the index hold each path as its entry says."""
    lines: list[str] = []
    absent: list[str] = []
    for entry in entries:
        if entry.entry is None:
            absent.append(entry.path)
            continue
        for line in _update_lines(entry.entry):
            lines.append(f"{line}\t{entry.path}\0")
    doing = "put its index back"
    request = os.fsencode("".join(lines))
    arguments = ["update-index", "-z", "--index-info"]
    repository.process.write(arguments, stdin=request, doing=doing)
    arguments = ["update-index", "--force-remove", "-z", "--stdin"]
    repository.process.write(arguments, stdin=_join_paths(absent), doing=doing)


def _update_lines(entry: str) -> list[str]:
    """List what git-update-index(1) takes for an entry: a merge's sides go where nothing is."""
    sides = entry.split("\n")
    if sides[0].endswith(" 0"):
        return sides
    object_id = sides[0].split(" ")[1]
    removal = f"0 {'0' * len(object_id)}"
    return [removal, *sides]


def stage_paths(repository: GitRepository, paths: Sequence[str]) -> None:
    """Add `paths` to the index whatever a .gitignore or a sparse checkout says of them."""
    arguments = ["update-index", "--add", "--remove", "-z", "--stdin"]
    repository.process.write(arguments, stdin=_join_paths(paths), doing="stage the record")


def is_whole_index(data: bytes) -> bool:
    """Say whether an index file ends in the checksum of the rest, or in zeros where it has none.

    gitformat-index(5) describes the format.
    """
    if not data.startswith(b"DIRC"):
        return False
    sha1 = hashlib.sha1(data[:-20], usedforsecurity=False)
    sha256 = hashlib.sha256(data[:-32])
    for checksum in (sha1, sha256):
        zeros = bytes(checksum.digest_size)
        if data.endswith((checksum.digest(), zeros)):
            return True
    return False


def unstage_paths(repository: GitRepository, paths: Sequence[str]) -> None:
    """Let the index hold `paths` as HEAD does."""
    if not paths:
        return
    arguments = ["reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul"]
    repository.process.write(arguments, stdin=_join_paths(paths), doing="put its index back")


def commit_only(
    repository: GitRepository, paths: Sequence[str], message: str, *, amend: bool = False
) -> str:
    """Commit exactly `paths`, already staged, and nothing else; return the commit's id.

    With `amend`, the commit takes the place of HEAD's, and is its committer's own.
    """
    arguments = ["commit", "--quiet", "--only", "--cleanup=whitespace"]
    if amend:
        arguments += ["--amend", "--reset-author"]
    arguments += ["--pathspec-from-file=-", "--pathspec-file-nul"]
    with _pass_message(message) as option:
        repository.process.write(
            [*arguments, option],
            stdin=_join_paths(paths),
            doing="commit the record, so nothing was changed",
            hint="git status",
        )
    commit = objects.find_object_id(repository.process, "HEAD^{commit}")
    if commit is None:
        raise GitFailed("read the commit that it made", "")
    return commit


@contextmanager
def _pass_message(message: str) -> Iterator[str]:
    """Give the option of `git commit` that has this message."""
    if len(message.encode()) <= _ARGUMENT_BYTES:
        yield f"--message={message}"
        return
    # The paths are on standard input already.
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(message)
            file.flush()
            yield f"--file={file.name}"
    except OSError as error:
        raise refusal_error("writing the commit's message", error) from error


def create_tag(
    repository: GitRepository, name: str, commit: str, message: str, *, replace: bool = False
) -> None:
    """Make an annotated tag (signed where tag.gpgSign says so).

    Raise GitFailed if it exists, unless it is to `replace` that.
    """
    options = ["--annotate", "--cleanup=whitespace", "--file=-"]
    hint = "mlver tag"
    if replace:
        options.append("--force")
        # the caller gives the former commit its place back, and that has its tag
        hint = "git config --show-origin --get-regexp '^(tag|gpg|core.hookspath)'"
    repository.process.write(
        ["tag", *options, "--", name, commit],
        stdin=message.encode(),
        doing=f"make the tag {name}",
        hint=hint,
    )


def create_tags(
    repository: GitRepository, tags: Sequence[NewTag], replaced: Mapping[str, str] | None = None
) -> None:
    """Make annotated tags: many of them in few processes, where none is to be signed.

    Those of the names `replaced` may exist, and take the place of these objects. Raise GitFailed
    where another one is there by now.
    """
    replaced = replaced or {}
    if not replaced and create_tags_together(repository, tags):
        return
    names = [tag.name for tag in tags]
    expected = {name: replaced[name] for name in names if name in replaced}
    # git makes no tag on this condition, so nobody can be kept from moving it after this
    _update_tags(repository, "verify", expected, doing="find the old tags as they were")
    for tag in tags:
        create_tag(repository, tag.name, tag.commit, tag.message, replace=tag.name in replaced)


def create_tags_together(repository: GitRepository, tags: Sequence[NewTag]) -> bool:
    """Make many annotated tags in two processes, all or none; raise GitFailed if one exists.

    Return False, with none made, where there are few, or where each is to be signed.
    """
    if len(tags) < _TAGS_TOGETHER:
        return False
    settings = repository.settings(r"^tag\.(gpgsign|forcesignannotated)$")
    if any(value.lower() not in _OFF for _, _, value in settings):
        return False
    identity = repository.process.read(["var", "GIT_COMMITTER_IDENT"]).strip()
    with tempfile.TemporaryDirectory() as folder:
        files: list[str] = []
        for number, tag in enumerate(tags):
            file = Path(folder, str(number))
            header = f"object {tag.commit}\ntype commit\ntag {tag.name}\ntagger "
            message = _clean_message(tag.message)
            file.write_bytes(header.encode() + identity + b"\n\n" + message.encode())
            files.append(f"{file}\n")
        arguments = ["hash-object", "-t", "tag", "-w", "--no-filters", "--stdin-paths"]
        request = os.fsencode("".join(files))
        ids = repository.process.write(arguments, stdin=request, doing="make the tags").split()
    objects = dict(zip((tag.name for tag in tags), map(bytes.decode, ids), strict=True))
    _update_tags(repository, "create", objects, doing="make the tags")
    return True


def create_unsigned_tags(repository: GitRepository, tags: Sequence[tuple[NewTag, str]]) -> None:
    """Make annotated tags, each with its tagger, all or none; raise GitFailed if one exists.

    A tagger is `Kim <kim@example.org> 1767323045 +0000`: who made it, and when.
    """
    objects: dict[str, str] = {}
    for tag, tagger in tags:
        header = f"object {tag.commit}\ntype commit\ntag {tag.name}\ntagger {tagger}\n"
        data = f"{header}\n{_clean_message(tag.message)}".encode()
        arguments = ["hash-object", "-t", "tag", "-w", "--stdin"]
        object_id = repository.process.write(arguments, stdin=data, doing="make the tags")
        objects[tag.name] = object_id.decode().strip()
    _update_tags(repository, "create", objects, doing="make the tags")


def _clean_message(message: str) -> str:
    """Clean a message as git does with --cleanup=whitespace."""
    lines: list[str] = []
    # git knows no other line end, and no other white space
    for line in message.split("\n"):
        stripped = line.rstrip(" \t\r")
        if stripped or (lines and lines[-1]):
            lines.append(stripped)
    return "\n".join(lines).rstrip("\n") + "\n"


def delete_tags(repository: GitRepository, tags: Mapping[str, str]) -> None:
    """Delete tags, all or none, each only as long as it is still the object `tags` says."""
    _update_tags(repository, "delete", tags, doing="delete the old tags")


def restore_tags(repository: GitRepository, tags: Mapping[str, str]) -> None:
    """Put deleted tags back, as the objects `tags` says, all or none."""
    _update_tags(repository, "create", tags, doing="put the old tags back")


def move_tags(repository: GitRepository, tags: Mapping[str, tuple[str, str]]) -> None:
    """Let each tag name its second object, where it names the first one now; all or none."""
    requests: dict[str, str] = {}
    for name, (old, new) in tags.items():
        requests[name] = f"{new}\0{old}"
    _update_tags(repository, "update", requests, doing="take over the tags")


def _update_tags(
    repository: GitRepository, verb: str, tags: Mapping[str, str], *, doing: str
) -> None:
    by_reference = {f"refs/tags/{name}": object_id for name, object_id in tags.items()}
    references.update_references(repository, verb, by_reference, doing=doing)


def push_tags(
    repository: GitRepository,
    remote: str,
    names: Sequence[str],
    reporter: TransferReporter | None = None,
) -> None:
    """Push tags all or none; one that the other side holds differently is refused."""
    import_gitpython()
    from mlver.git import transfer

    refspecs = [f"refs/tags/{name}:refs/tags/{name}" for name in names]
    hint = shell_command("git", "ls-remote", "--tags", "--", remote)
    doing = f"push the tags to {remote} (where it has another of that name, the number is taken)"
    try:
        transfer.push_references(
            repository, remote, refspecs, doing=doing, hint=hint, reporter=reporter
        )
    except GitFailed as failed:
        _explain_local_refusal(repository, remote, failed)
        if not _FORBIDDEN.search(failed.output):
            raise
        push = shell_command("git", "push", remote, *names[: references.PUSH_SIZE])
        doing = f"push the tags, for {remote} does not let you"
        raise GitFailed(doing, failed.output, hint=push) from None


def _explain_local_refusal(repository: GitRepository, remote: str, failed: GitFailed) -> None:
    """Raise GitFailed where a push did not come as far as the remote."""
    if "--mirror can't be combined" in failed.output:
        doing = f"push single tags to {remote}, which is set up to be mirrored to"
        unset = shell_command("git", "config", "--unset", f"remote.{remote}.mirror")
        raise GitFailed(doing, failed.output, hint=unset) from None
    hook = find_hook(repository.process, "pre-push")
    # what the remote says comes with its name, and what it refuses with a mark
    if hook is not None and not _REMOTE_ANSWER.search(failed.output):
        doing = f"push the tags to {remote}, perhaps because the hook {hook} did not let it"
        raise GitFailed(doing, failed.output, hint=shell_command("cat", "--", hook)) from None


def merge_lines(directory: Path, base: str, ours: str, theirs: str) -> bool:
    """Merge three files line by line into `ours`, as git does; return whether it has conflicts."""
    labels = ["-L", "ours", "-L", "base", "-L", "theirs"]
    arguments = ["merge-file", *labels, "--", ours, base, theirs]
    return GitProcess(directory).try_read(arguments).code != 0


def sync_git(repository: GitRepository, refs: Iterable[str]) -> None:
    """Make what git wrote survive a power cut: new objects, `refs` (full names) and the index.

    git syncs the files it writes (core.fsync=all), but for the index of `commit --only`, and not
    the directories that name them, so a fresh reference or object can vanish with its entry.
    """
    common = repository.common_dir
    own = repository.git_dir
    objects = common / "objects"
    paths = [objects / name for name in os.listdir(objects) if len(name) == 2]
    paths += [objects, objects / "pack", own / "index"]
    for ref in refs:
        parents = (common / ref).parents
        paths += [parent for parent in parents if parent.is_relative_to(common)]
    for path in dict.fromkeys([*paths, own]):
        _sync(path)


def _sync(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        # another git process renamed or packed it meanwhile, and synced what it wrote
        return
    except NotADirectoryError:
        # a reference is in the way of another's folder: git made nothing below it
        return
    try:
        with durable.naming_errors(path):
            os.fsync(handle)
    finally:
        os.close(handle)


def _join_paths(paths: Sequence[str]) -> bytes:
    request = "".join(f"{path}\0" for path in paths)
    return os.fsencode(request)
