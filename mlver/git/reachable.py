"""Every file below a folder that anything in a repository leads to, in all of its history.

References of any kind, stashes, the logs of references, and the indexes and heads of all work trees
count. So do commits of other repositories, once they were fetched beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from urllib.parse import urlsplit

from mlver.errors import MlverError, printable_name, shell_command
from mlver.git import changes_in, objects
from mlver.git.gitpython import import_gitpython
from mlver.git.listings import split_fields
from mlver.git.process import GitProcess, build_lacking_error
from mlver.git.repository import GitRepository

_SCHEMES = ("", "file", "git", "http", "https", "ssh", "git+ssh")
# No record is larger, and few manifests are.
_SMALL = 16 << 20
# What is read at once: of records, so many; of other files, so many bytes.
_GROUP_FILES = 2000
_GROUP_BYTES = 32 << 20
_EVERYTHING = ("--all", "--reflog", "--indexed-objects")


def list_reachable(
    repository: GitRepository, folder: str, extra: Sequence[str] = ()
) -> dict[str, str]:
    """List the ids of all files below a folder, each with a path that it has or had.

    `extra` are commits besides. Raise GitFailed where git cannot walk all of the history.
    """
    files = _list_walked(repository, folder, extra)
    files |= _list_committed(repository, folder, extra)
    files |= _list_indexed(repository, folder)
    return files


def _list_walked(repository: GitRepository, folder: str, extra: Sequence[str]) -> dict[str, str]:
    """What git finds by itself: it also knows tags on trees, and what only an index has."""
    options = ["--objects", "--full-history", "--missing=error", *_EVERYTHING, *extra]
    listing = repository.process.read(
        ["rev-list", *options, "--", folder], doing="list all of the history", limit=None
    )
    return _parse_objects(listing, f"{folder}/", "")


def _list_committed(repository: GitRepository, folder: str, extra: Sequence[str]) -> dict[str, str]:
    """What the folder held in each commit, one by one.

    Git leaves out branches that a merge dropped, and names an object once, by whatever path it met
    first, which may be outside of the folder.
    """
    listing = repository.process.read(
        ["rev-list", "--missing=error", "--all", "--reflog", *extra],
        doing="list all commits",
        limit=None,
    )
    commits = listing.decode().split()
    trees: dict[str, None] = {}
    for known in changes_in.find_objects(repository, (f"{commit}:{folder}" for commit in commits)):
        if known is not None:
            trees[known.object_id] = None
    if not trees:
        return {}
    request = "".join(f"{tree}\n" for tree in trees)
    listing = repository.process.read(
        ["rev-list", "--objects", "--missing=error", "--stdin"],
        stdin=request.encode(),
        doing="list what the commits hold",
        limit=None,
    )
    return _parse_objects(listing, "", f"{folder}/")


def _list_indexed(repository: GitRepository, folder: str) -> dict[str, str]:
    """What the index of each work tree holds below the folder."""
    files: dict[str, str] = {}
    for work_tree in list_work_trees(repository):
        # One that cannot be read ends gc elsewhere, which says so.
        if not os.path.lexists(work_tree / ".git"):
            continue
        arguments = ["ls-files", "--stage", "-z", "--full-name", "--", folder]
        listing = GitProcess(work_tree).read(arguments, doing="read an index", limit=None)
        for line in split_fields(listing):
            description, _, path = line.partition("\t")
            files[description.split(" ")[1]] = path
    return files


def _parse_objects(listing: bytes, below: str, prefix: str) -> dict[str, str]:
    """The objects of `rev-list --objects` whose paths begin so, with a prefix for each path."""
    files: dict[str, str] = {}
    for line in listing.decode(errors="surrogateescape").splitlines():
        object_id, _, path = line.partition(" ")
        if path and path.startswith(below):
            files[object_id] = f"{prefix}{path}"
    return files


def read_files(repository: GitRepository, files: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Read files by their ids, a group at a time; what is no file is left out.

    Raise MlverError where this clone lacks one.
    """
    for group in _divide_files((object_id, 0) for object_id in files):
        yield from _read_group(repository, group)


def read_sized_files(
    repository: GitRepository, sizes: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    """Read files by their ids, of these sizes in bytes, and hold few of them at any time."""
    for group in _divide_files(sizes.items()):
        yield from _read_group(repository, group)


def _divide_files(sizes: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    group: list[str] = []
    total = 0
    for object_id, size in sizes:
        if group and (total + size > _GROUP_BYTES or len(group) == _GROUP_FILES):
            yield group
            group, total = [], 0
        group.append(object_id)
        total += size
    if group:
        yield group


def _read_group(repository: GitRepository, wanted: list[str]) -> Iterator[tuple[str, bytes]]:
    found = objects.read_objects(repository.process, wanted)
    for object_id, entry in zip(wanted, found, strict=True):
        if entry is None:
            raise build_lacking_error()
        if entry.kind == b"blob":
            yield object_id, entry.data


def list_work_trees(repository: GitRepository) -> list[Path]:
    """List the work trees of the repository. Raise MlverError for one that is not there."""
    listing = repository.process.read(["worktree", "list", "--porcelain", "-z"])
    folders: list[Path] = []
    bare = False
    for field in listing.decode(errors="surrogateescape").split("\0"):
        key, _, value = field.partition(" ")
        if key == "worktree":
            folders.append(Path(value))
        bare = bare or key == "bare"
    for folder in folders:
        if not bare and not folder.is_dir():
            raise MlverError(
                f"the work tree {folder} is not there, so nobody can tell what it needs;"
                " bring it back, or give it up",
                hint="git worktree prune",
            )
    return folders


@contextmanager
def opened_beside(repository: GitRepository, folder: Path) -> Iterator[GitRepository]:
    """Make an empty repository below `folder` that borrows the objects of another one.

    It lasts as long as this.
    """
    folder.mkdir(parents=True, exist_ok=True)
    top = Path(mkdtemp(prefix="refs-", dir=folder))
    try:
        GitProcess(top).write(["init", "--quiet", "--bare", "."], doing="make a repository")
        alternates = top / "objects" / "info" / "alternates"
        alternates.write_text(f"{os.fspath(repository.common_dir / 'objects')}\n")
        yield replace(GitRepository.hosted(top), timings=repository.timings)
    finally:
        rmtree(top, ignore_errors=True)


def fetch_everything(beside: GitRepository, place: str, number: int) -> None:
    """Fetch all references from a place to `refs/read/<number>`.

    Raise MlverError where they cannot be read, also where it is a shallow repository: git leaves
    out those of its references that have no whole history.
    """
    _check_address(place)
    import_gitpython()
    from mlver.git import transfer

    hint = shell_command("git", "ls-remote", place)
    doing = f"list the references of {place}"
    listing = transfer.list_references(beside, ["--refs", "--", place], doing=doing, hint=hint)
    transfer.fetch_references(beside, place, [f"+refs/*:refs/read/{number}/*"], hint=hint)
    arguments = ["for-each-ref", "--format=%(refname)", f"refs/read/{number}/"]
    # Both lists have names of any bytes.
    fetched = set(beside.process.read(arguments, limit=None).decode(errors="replace").splitlines())
    for line in listing.splitlines():
        name = line.partition("\t")[2]
        if f"refs/read/{number}/{name.removeprefix('refs/')}" not in fetched:
            raise MlverError(
                f"its {printable_name(name)} was not fetched: either that repository is shallow,"
                " or the reference has just been deleted",
                hint=hint,
            )


def list_fetched_roots(beside: GitRepository, number: int) -> set[str]:
    """List the commits without parents that the references of one place lead to."""
    options = ["--max-parents=0", f"--glob=refs/read/{number}"]
    return set(beside.process.read(["rev-list", *options], limit=None).decode().split())


def _check_address(address: str) -> None:
    """Raise MlverError for what git would take for an option, or for a command to run."""
    try:
        scheme = urlsplit(address).scheme if "://" in address else ""
    except ValueError:
        scheme = "wrong"
    is_odd = address in ("", ".") or address.startswith("-") or "::" in address
    if is_odd or not address.isprintable() or scheme not in _SCHEMES:
        raise MlverError(
            f"{printable_name(address)} is no address that git reads a repository from"
        )


def list_small_files(repository: GitRepository, most: int = _SMALL) -> dict[str, int]:
    """List all files that this clone has, reachable or not, of at most so many bytes.

    By their ids, with their sizes in bytes.
    """
    options = ["--batch-all-objects", "--batch-check=%(objecttype) %(objectsize) %(objectname)"]
    listing = repository.process.read(["cat-file", *options, "--unordered"], limit=None)
    found: dict[str, int] = {}
    for line in listing.decode().splitlines():
        kind, size, object_id = line.split(" ")
        if kind == "blob" and int(size) <= most:
            found[object_id] = int(size)
    return found
