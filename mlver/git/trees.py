"""What a commit or the index holds below some paths: the files, their kinds and contents."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlver.errors import MlverError, shell_command
from mlver.git import objects
from mlver.git.listings import split_fields
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository

_SYMLINK, _SUBMODULE, _FOLDER = "120000", "160000", "040000"
_EXECUTABLE = "100755"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file as git holds it: its mode, such as `100644`, and the id of its contents."""

    mode: str
    object_id: str

    @property
    def is_file(self) -> bool:
        return self.mode not in (_SYMLINK, _SUBMODULE, _FOLDER)

    @property
    def is_executable(self) -> bool:
        return self.mode == _EXECUTABLE

    @property
    def is_submodule(self) -> bool:
        return self.mode == _SUBMODULE

    @property
    def is_symlink(self) -> bool:
        return self.mode == _SYMLINK


def committed_files(repository: GitRepository, commit: str, *under: str) -> dict[str, TreeEntry]:
    """List the files of a commit (a full id or reference) below `under`, by path."""
    arguments = ["ls-tree", "-r", "-z", "--full-tree", commit, "--", *under]
    return _parse_entries(repository.process.read(arguments))


def _parse_entries(listing: bytes) -> dict[str, TreeEntry]:
    entries: dict[str, TreeEntry] = {}
    for line in split_fields(listing):
        description, _, path = line.partition("\t")
        mode, _, object_id = description.split(" ")
        entries[path] = TreeEntry(mode, object_id)
    return entries


def compute_tree_without(repository: GitRepository, commit: str, folder: str) -> str:
    """Compute the id that a commit's tree would have without one folder of its top.

    Nothing is written. `commit` is a full id, which tells what kind of digest the repository has.
    """
    (tree,) = objects.read_objects(repository.process, [f"{commit}^{{tree}}"])
    if tree is None:
        raise GitFailed(f"read the tree of {commit}", "")
    contents = bytearray()
    for entry in objects.list_entries(tree):
        if entry.name == folder.encode():
            continue
        mode = _normalise_mode(int(entry.mode, 8))
        contents += b"%o %b\0" % (mode, entry.name) + bytes.fromhex(entry.id)
    algorithm = "sha256" if len(commit) == 64 else "sha1"
    digest = hashlib.new(algorithm, b"tree %d\0" % len(contents), usedforsecurity=False)
    digest.update(contents)
    return digest.hexdigest()


def _normalise_mode(mode: int) -> int:
    """Turn what other programs and the oldest gits wrote into the mode that git writes."""
    if stat.S_ISREG(mode):
        return 0o100755 if mode & stat.S_IXUSR else 0o100644
    if stat.S_ISLNK(mode):
        return stat.S_IFLNK
    return stat.S_IFDIR if stat.S_ISDIR(mode) else int(_SUBMODULE, 8)


def staged_files(repository: GitRepository, *under: str) -> dict[str, TreeEntry]:
    """List the files of the index below `under`, by path.

    Raise MlverError where one holds both sides of a merge.
    """
    arguments = ["ls-files", "--stage", "-z", "--full-name", "--", *under]
    listing = repository.process.read(arguments)
    entries: dict[str, TreeEntry] = {}
    for line in split_fields(listing):
        description, _, path = line.partition("\t")
        mode, object_id, side = description.split(" ")
        if side != "0":
            raise MlverError(
                f"{path} holds both sides of a merge that was never settled",
                hint=shell_command("git", "status", "--", path),
            )
        entries[path] = TreeEntry(mode, object_id)
    return entries


def has_unmerged_files(repository: GitRepository, folder: str) -> bool:
    """Say whether a merge left a file below a folder with both of its sides."""
    arguments = ["ls-files", "--unmerged", "-z", "--full-name", "--", folder]
    return bool(repository.process.read(arguments))


def read_contents(repository: GitRepository, entries: Mapping[str, TreeEntry]) -> dict[str, bytes]:
    """Read the bytes of files, by path, in one process.

    Files whose contents this clone lacks are left out.
    """
    if not entries:
        return {}
    object_ids = [entry.object_id for entry in entries.values()]
    return _pair_contents(entries, repository.whole_blobs(object_ids))


def read_beginnings(
    repository: GitRepository, entries: Mapping[str, TreeEntry], limits: Mapping[str, int]
) -> dict[str, bytes]:
    """Read the same, but of each path at most as many bytes as `limits` says."""
    if not entries:
        return {}
    wanted = [(entry.object_id, limits[path]) for path, entry in entries.items()]
    return _pair_contents(entries, objects.read_beginnings(repository.process, wanted))


def _pair_contents(paths: Iterable[str], blobs: Iterable[bytes | None]) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for path, blob in zip(paths, blobs, strict=True):
        if blob is not None:
            contents[path] = blob
    return contents


def find_entry(repository: GitRepository, commit: str, path: str) -> tuple[str, TreeEntry] | None:
    """Find what a commit holds at `path`, or else the symlink or submodule on the way there.

    None where there is neither. A folder has the mode `040000`.
    """
    parts = path.split("/")
    for end in range(len(parts), 0, -1):
        name = "/".join(parts[:end])
        # one at a time: asked for both a folder and a path in it, git lists all of the folder
        arguments = ["ls-tree", "-z", "--full-tree", commit, "--", name]
        listing = repository.process.read(arguments)
        entry = _parse_entries(listing).get(name)
        if entry is None:
            continue
        if name == path or entry.is_symlink or entry.is_submodule:
            return name, entry
        return None
    return None
