"""What DVC keeps: its pointers as a commit holds them, and the bytes behind them, where they are at hand.

A pointer (`model.pkl.dvc`, or `dvc.lock` of a pipeline) names MD5 sums. They are how bytes are found, in DVC's cache or
in the work tree, and never what a record pins: that is the SHA-256 of the bytes that were found.
Formats: https://dvc.org/doc/user-guide/project-structure; `files/md5/` in the cache and `hash: md5` came with DVC 3.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlver import paths
from mlver.digest import Digest
from mlver.document import values
from mlver.errors import InvalidDocument, MlverError
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.manifest import Manifest

_FETCH = "dvc fetch --all-tags"
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_LISTING = (
    256 << 20
)  # bytes of a directory's list of files; one of a million files has half of that
_CHUNK = 1 << 20


class MissingContents(MlverError):
    """Somebody keeps these bytes, but they are not in this clone."""


class MissingPath(MlverError):
    """A commit neither holds a path nor points to it."""


@dataclass(frozen=True, slots=True)
class DvcOutput:
    """What a pointer names at a path: the MD5 of a file, of a directory's list of files (`….dir`), or those files."""

    path: str
    md5: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _FileSums:
    """A file's bytes under both names."""

    md5: str
    digest: Digest
    size: int


def is_dvc_pointer(name: str) -> bool:
    return name.endswith(".dvc") or posixpath.basename(name) == "dvc.lock"


def read_outputs(pointers: Iterable[tuple[str, bytes]]) -> Iterator[DvcOutput]:
    """What pointer files name; those that cannot be read name nothing."""
    for name, data in pointers:
        try:
            told = values.load_values(".yaml", data, name)
        except InvalidDocument:
            continue
        at = posixpath.join(posixpath.dirname(name), _text_or_empty(told.get("wdir")) or ".")
        for one in _list_outputs(told):
            path, md5 = _text_or_empty(one.get("path")), _text_or_empty(one.get("md5"))
            files = {
                _text_or_empty(f.get("relpath")): _text_or_empty(f.get("md5"))
                for f in _keep_mappings(one.get("files"))
            }
            if path and (_MD5.fullmatch(md5) or files):
                yield DvcOutput(posixpath.normpath(posixpath.join(at, path)), md5, files)


def _list_outputs(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The outs of a pointer, or of every stage of a pipeline's lock file (which the first format had at the top)."""
    yield from _keep_mappings(told.get("outs"))
    stages = told.get("stages", told)
    for stage in stages.values() if isinstance(stages, dict) else ():
        if isinstance(stage, dict):
            yield from _keep_mappings(stage.get("outs"))


def _keep_mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text_or_empty(value: Any) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class DvcCache:
    """Finds the bytes that MD5 sums name; each file is read once."""

    project: Project
    _known: dict[Path, _FileSums | None] = field(default_factory=dict)

    def measure_output(self, out: DvcOutput, path: str) -> MeasuredArtifact:
        """The bytes of the out's own path or of one inside it; raise MlverError where they are not here."""
        if path == out.path and not (out.files or out.md5.endswith(".dir")):
            found = self._find_file(out.md5, path)
            return MeasuredArtifact(found.digest, found.size, 1, None)
        files = out.files or self._read_listing(out.md5, out.path)
        inner = {out.path + "/" + name: md5 for name, md5 in files.items()}
        if path in inner:
            found = self._find_file(inner[path], path)
            return MeasuredArtifact(found.digest, found.size, 1, None)
        wanted = {name: md5 for name, md5 in inner.items() if name.startswith(f"{path}/")}
        if not wanted:
            raise MissingPath(
                f"{out.path} of DVC holds no {path}", hint="mlver adopt MODEL --weights PATH"
            )
        return self._measure_directory(path, wanted)

    def _measure_directory(self, path: str, files: Mapping[str, str]) -> MeasuredArtifact:
        found = {
            name.removeprefix(f"{path}/"): self._find_file(md5, name) for name, md5 in files.items()
        }
        manifest = Manifest.from_entries(
            (name.encode(errors="surrogateescape"), one.digest.hex) for name, one in found.items()
        )
        data = manifest.to_bytes()
        Manifest.parse(data, path)  # names that lead elsewhere are refused
        return MeasuredArtifact(
            manifest.digest, sum(one.size for one in found.values()), len(found), data
        )

    def _read_listing(self, md5: str, path: str) -> dict[str, str]:
        """A directory's files and their sums, from the list that the cache keeps of them."""
        where = next(self._find_cached(md5, path), None)
        if where is None:
            raise MissingContents(
                f"DVC's list of the files of {path} ({md5}) is not here", hint=_FETCH
            )
        try:
            with where.open("rb") as file:
                listed = json.loads(file.read(_LISTING))
            return {one["relpath"].encode().decode(): one["md5"] for one in listed}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise MlverError(
                f"DVC's list of the files of {path} cannot be read", hint=_FETCH
            ) from None

    def _find_file(self, md5: str, path: str) -> _FileSums:
        for where in self._find_cached(md5, path):
            found = self._hash_once(where)
            if found is not None:
                return found
        working = self._hash_once(paths.join_inside(self.project.top_folder, path, link_last=True))
        if working is None or working.md5 != md5:
            raise MissingContents(
                f"the bytes of {path} that DVC calls {md5 or '(nothing)'} are not here", hint=_FETCH
            )
        return working

    def _find_cached(self, md5: str, path: str) -> Iterator[Path]:
        """Where DVC's caches hold these bytes, MD5 checked; a project of DVC may lie in a folder of the repository."""
        if not _MD5.fullmatch(md5):
            return
        folder = posixpath.dirname(path)
        while True:
            for inner in ("files/md5/", ""):
                name = posixpath.join(folder, ".dvc/cache", inner + md5[:2], md5[2:])
                with suppress(MlverError):  # a cache kept elsewhere, behind a symlink
                    where = paths.join_inside(self.project.top_folder, name, link_last=True)
                    found = self._hash_once(where)
                    if found is not None and found.md5 == md5.removesuffix(".dir"):
                        yield where
            if not folder:
                return
            folder = posixpath.dirname(folder)

    def _hash_once(self, where: Path) -> _FileSums | None:
        if where not in self._known:
            self._known[where] = _hash_file(where)
        return self._known[where]


def _hash_file(where: Path) -> _FileSums | None:
    """Both sums of a file, in one pass; None where there is no file that can be read."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    try:
        if not where.is_file():
            return None
        with where.open("rb") as file:
            while chunk := file.read(_CHUNK):
                md5.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
    except OSError:
        return None
    return _FileSums(md5.hexdigest(), Digest(sha256.hexdigest()), size)
