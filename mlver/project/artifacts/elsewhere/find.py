"""Finds bytes that mlver keeps no copy of, from a commit.

They may be in git's own objects, behind git-lfs pointers, or with DVC.

What DVC holds is named by MD5, so it counts only where its bytes are at hand to be hashed. A
git-lfs pointer is another matter: the SHA-256 it names is the digest itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlver import paths
from mlver.content.lfs_pointer import parse_lfs_pointer
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.git import trees
from mlver.git.trees import TreeEntry
from mlver.hashing.executable import ExecutableFiles
from mlver.hashing.measure import MeasuredArtifact, measure_artifact
from mlver.project.artifacts.elsewhere import dvc
from mlver.project.artifacts.elsewhere.dvc import (
    DamagedContents,
    MissingContents,
    MissingPath,
)
from mlver.project.project import Project
from mlver.records.manifest import Manifest

__all__ = [
    "CopyHolder",
    "DamagedContents",
    "ExternalCopies",
    "ExternalCopy",
    "MissingContents",
    "MissingPath",
]

CopyHolder = Literal["git", "git-lfs", "dvc"]
# Git's contents are in memory while they are hashed.
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class ExternalCopy:
    """Who keeps an artifact's bytes, and what they are."""

    holder: CopyHolder
    found: MeasuredArtifact


@dataclass(frozen=True, slots=True)
class _KeptFile:
    holder: CopyHolder
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class ExternalCopies:
    """Finds who else keeps bytes.

    With `proven`, it is not enough that a pointer names a digest, or that the work tree has the
    bytes: a holder's own copy has to be here and hash to it.
    """

    project: Project
    proven: bool = False
    _read: dict[str, _KeptFile] = field(init=False, default_factory=dict)
    # Many tags may name one commit.
    _found: dict[tuple[str, str], ExternalCopy] = field(init=False, default_factory=dict)
    _cache: dvc.DvcCache = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cache", dvc.DvcCache(self.project, kept_only=self.proven))

    def find_copy(self, commit: str, path: str) -> ExternalCopy:
        """What a commit (a full id) holds or points to at an artifact's path.

        Raise MlverError with what is missing.
        """
        place = (commit, path)
        if place not in self._found:
            self._found[place] = self._look_up(commit, path)
        return self._found[place]

    def _look_up(self, commit: str, path: str) -> ExternalCopy:
        repository = self.project.repository
        if not repository.has_commit(commit):
            raise MissingContents(
                f"this clone lacks the commit {commit[:10]}", hint="git fetch --unshallow --tags"
            )
        reached = trees.find_entry(repository, commit, path)
        if reached is None:
            return ExternalCopy("dvc", self._find_in_dvc(commit, path))
        name, entry = reached
        if entry.is_submodule:
            raise MlverError(
                f"{path} lies in the submodule {name}, which is a repository of its own",
                hint=shell_command("mlver", "-C", name, "init"),
            )
        if entry.is_symlink:
            raise MlverError(
                f"{name} is a symlink in {commit[:10]}; name what it leads to",
                hint=shell_command("git", "show", f"{commit[:10]}:{name}"),
            )
        if entry.is_file:
            kept = self._read_files(commit, {path: entry})[path]
            modes = (b"",) if entry.is_executable else ()
            found = MeasuredArtifact(kept.digest, kept.size, 1, None, executable=modes)
            return ExternalCopy(kept.holder, found)
        return self._measure_folder(commit, path)

    def find_location(self, digest: Digest) -> Path | None:
        """The file, of git-lfs or DVC, in which `find_copy` found these bytes; None for git's."""
        location = self._locate_lfs(digest)
        if location.is_file():
            return location
        return self._cache.find_location(digest)

    def _locate_lfs(self, digest: Digest) -> Path:
        top = self.project.repository.common_dir
        name = f"lfs/objects/{digest.hex[:2]}/{digest.hex[2:4]}/{digest.hex}"
        return paths.join_inside(top, name)

    def _measure_folder(self, commit: str, path: str) -> ExternalCopy:
        entries = trees.committed_files(self.project.repository, commit, path)
        for name, entry in entries.items():
            if not entry.is_file:
                raise MlverError(
                    f"{name} is a symlink or a submodule; name a folder of files only",
                    hint=shell_command("git", "ls-tree", "-r", commit[:10], "--", path),
                )
        pointed = self._find_dvc_inside(commit, path, entries)
        files = self._read_files(commit, entries)
        if not files and not pointed:
            raise MlverError(
                f"{path} holds no file in {commit[:10]}",
                hint=shell_command("git", "ls-tree", commit[:10]),
            )
        if pointed:
            raise MlverError(
                f"{path} is partly kept by git and partly by DVC ({pointed[0].path});"
                " name one file of it, or the folder that DVC keeps",
                hint=shell_command("git", "ls-tree", "-r", commit[:10], "--", path),
            )
        holder: CopyHolder = "git"
        size = 0
        pinned = []
        for name, kept in files.items():
            if kept.holder == "git-lfs":
                holder = "git-lfs"
            size += kept.size
            pinned.append((os.fsencode(name)[len(path) + 1 :], kept.digest.hex))
        manifest = Manifest.from_entries(pinned)
        measured = MeasuredArtifact(
            manifest.digest,
            size,
            len(files),
            manifest.to_bytes(),
            executable=_list_executable(entries, path),
        )
        return ExternalCopy(holder, measured)

    # -- with DVC ----------------------------------------------------------------------------------

    def _find_in_dvc(self, commit: str, path: str) -> MeasuredArtifact:
        pointers = [name for name in self._list_pointers(commit) if _is_above(name, path)]
        for output in self._read_outputs(commit, pointers):
            if path == output.path or path.startswith(f"{output.path}/"):
                return self._cache.measure_output(output, path)
        raise MissingPath(
            f"{commit[:10]} holds no {path}, and no pointer of DVC to it;"
            " --weights and --data say where files were",
            hint=shell_command("git", "ls-tree", "-r", "--name-only", commit[:10]),
        )

    def _find_dvc_inside(
        self, commit: str, path: str, entries: Mapping[str, TreeEntry]
    ) -> list[dvc.DvcOutput]:
        """What DVC keeps inside a folder that holds files of git's as well.

        Its pointer and .gitignore do not count.
        """
        pointers = [name for name in entries if dvc.is_dvc_pointer(name)]
        outputs = self._read_outputs(commit, pointers)
        return [output for output in outputs if output.path.startswith(f"{path}/")]

    def _list_pointers(self, commit: str) -> list[str]:
        committed = trees.committed_files(self.project.repository, commit)
        return [name for name in committed if dvc.is_dvc_pointer(name)]

    def _read_outputs(self, commit: str, names: Sequence[str]) -> list[dvc.DvcOutput]:
        if not names:
            return []
        blobs = self.project.repository.blobs(f"{commit}:{name}" for name in names)
        pointers = [
            (name, data) for name, data in zip(names, blobs, strict=True) if data is not None
        ]
        return list(dvc.read_outputs(pointers))

    # -- in git ------------------------------------------------------------------------------------

    def _read_files(self, commit: str, entries: Mapping[str, TreeEntry]) -> dict[str, _KeptFile]:
        """Each file by path, read a few at a time; one content is read once, whatever holds it."""
        files = {name: entry for name, entry in entries.items() if entry.is_file}
        lacking = [name for name, entry in files.items() if entry.object_id not in self._read]
        for start in range(0, len(lacking), _AT_ONCE):
            batch = {name: files[name] for name in lacking[start : start + _AT_ONCE]}
            contents = trees.read_contents(self.project.repository, batch)
            for name, entry in batch.items():
                if name not in contents:
                    fetch = shell_command("git", "show", f"{commit[:10]}:{name}")
                    raise MissingContents(
                        f"this clone lacks the contents of {name} in {commit[:10]}",
                        hint=f"{fetch} >/dev/null",
                    )
                self._read[entry.object_id] = self._identify_file(name, contents[name])
        return {name: self._read[entry.object_id] for name, entry in files.items()}

    def _identify_file(self, name: str, data: bytes) -> _KeptFile:
        pointer = parse_lfs_pointer(data)
        if pointer is None:
            return _KeptFile("git", Digest.of_bytes(data), len(data))
        if self.proven:
            self._require_lfs_copy(name, pointer.digest)
        return _KeptFile("git-lfs", pointer.digest, pointer.size)

    def _require_lfs_copy(self, name: str, digest: Digest) -> None:
        kept = self._locate_lfs(digest)
        fetch = "git lfs fetch --all"
        if not kept.is_file():
            raise MissingContents(f"git-lfs has no copy of {name} ({digest}) here", hint=fetch)
        if measure_artifact(kept, key=name).digest != digest:
            # not below the folder that git-lfs lists
            aside = kept.parents[3] / f"{digest.hex}.damaged"
            move = shell_command("mv", "--", kept, aside)
            raise DamagedContents(f"git-lfs's copy of {name} is damaged", hints=(move, fetch))


def _list_executable(entries: Mapping[str, TreeEntry], folder: str) -> tuple[bytes, ...] | None:
    """The files of a folder that git's tree marks as executable, by name inside it."""
    executable = ExecutableFiles()
    for path, entry in entries.items():
        if entry.is_executable:
            executable.add_paths([os.fsencode(path)[len(os.fsencode(folder)) + 1 :]])
    return executable.list_paths()


def _is_above(pointer: str, path: str) -> bool:
    """Whether a pointer lies in a folder above `path`: DVC puts none elsewhere."""
    folder = pointer.rpartition("/")[0]
    return not folder or path.startswith(f"{folder}/")
