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
from mlver.hashing.measure import Measured
from mlver.project.project import Project
from mlver.records.manifest import Manifest

_FETCH = "dvc fetch --all-tags   (then run this again)"
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_LISTING = 256 << 20  # bytes of a directory's list of files; one of a million files has half of that
_CHUNK = 1 << 20


class MissingContents(MlverError):
    """Somebody keeps these bytes, but they are not in this clone."""


class NotThere(MlverError):
    """A commit neither holds a path nor points to it."""


@dataclass(frozen=True, slots=True)
class Out:
    """What a pointer names at a path: the MD5 of a file, of a directory's list of files (`….dir`), or those files."""

    path: str
    md5: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sum:
    """A file's bytes under both names."""

    md5: str
    digest: Digest
    size: int


def is_pointer(name: str) -> bool:
    return name.endswith(".dvc") or posixpath.basename(name) == "dvc.lock"


def outs(pointers: Iterable[tuple[str, bytes]]) -> Iterator[Out]:
    """What pointer files name; those that cannot be read name nothing."""
    for name, data in pointers:
        try:
            told = values.load_values(".yaml", data, name)
        except InvalidDocument:
            continue
        at = posixpath.join(posixpath.dirname(name), _text(told.get("wdir")) or ".")
        for one in _listed(told):
            path, md5 = _text(one.get("path")), _text(one.get("md5"))
            files = {_text(f.get("relpath")): _text(f.get("md5")) for f in _maps(one.get("files"))}
            if path and (_MD5.fullmatch(md5) or files):
                yield Out(posixpath.normpath(posixpath.join(at, path)), md5, files)


def _listed(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The outs of a pointer, or of every stage of a pipeline's lock file (which the first format had at the top)."""
    yield from _maps(told.get("outs"))
    stages = told.get("stages", told)
    for stage in stages.values() if isinstance(stages, dict) else ():
        if isinstance(stage, dict):
            yield from _maps(stage.get("outs"))


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Cache:
    """Finds the bytes that MD5 sums name; each file is read once."""

    project: Project
    _known: dict[Path, _Sum | None] = field(default_factory=dict)

    def measured(self, out: Out, path: str) -> Measured:
        """The bytes of the out's own path or of one inside it; raise MlverError where they are not here."""
        if path == out.path and not (out.files or out.md5.endswith(".dir")):
            found = self._file(out.md5, path)
            return Measured(found.digest, found.size, 1, None)
        files = out.files or self._listing(out.md5, out.path)
        inner = {out.path + "/" + name: md5 for name, md5 in files.items()}
        if path in inner:
            found = self._file(inner[path], path)
            return Measured(found.digest, found.size, 1, None)
        wanted = {name: md5 for name, md5 in inner.items() if name.startswith(f"{path}/")}
        if not wanted:
            raise NotThere(f"{out.path} of DVC holds no {path}", hint="mlver adopt MODEL --weights PATH")
        return self._directory(path, wanted)

    def _directory(self, path: str, files: Mapping[str, str]) -> Measured:
        found = {name.removeprefix(f"{path}/"): self._file(md5, name) for name, md5 in files.items()}
        manifest = Manifest.of((name.encode(errors="surrogateescape"), one.digest.hex) for name, one in found.items())
        data = manifest.encode()
        Manifest.parse(data, path)  # names that lead elsewhere are refused
        return Measured(manifest.digest, sum(one.size for one in found.values()), len(found), data)

    def _listing(self, md5: str, path: str) -> dict[str, str]:
        """A directory's files and their sums, from the list that the cache keeps of them."""
        where = next(self._cached(md5, path), None)
        if where is None:
            raise MissingContents(f"DVC's list of the files of {path} ({md5}) is not here", hint=_FETCH)
        try:
            with where.open("rb") as file:
                listed = json.loads(file.read(_LISTING))
            return {one["relpath"].encode().decode(): one["md5"] for one in listed}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise MlverError(f"DVC's list of the files of {path} cannot be read", hint=_FETCH) from None

    def _file(self, md5: str, path: str) -> _Sum:
        for where in self._cached(md5, path):
            found = self._sum(where)
            if found is not None:
                return found
        working = self._sum(paths.inside(self.project.top, path, link_last=True))
        if working is None or working.md5 != md5:
            raise MissingContents(f"the bytes of {path} that DVC calls {md5 or '(nothing)'} are not here", hint=_FETCH)
        return working

    def _cached(self, md5: str, path: str) -> Iterator[Path]:
        """Where DVC's caches hold these bytes, MD5 checked; a project of DVC may lie in a folder of the repository."""
        if not _MD5.fullmatch(md5):
            return
        folder = posixpath.dirname(path)
        while True:
            for inner in ("files/md5/", ""):
                name = posixpath.join(folder, ".dvc/cache", inner + md5[:2], md5[2:])
                with suppress(MlverError):  # a cache kept elsewhere, behind a symlink
                    where = paths.inside(self.project.top, name, link_last=True)
                    found = self._sum(where)
                    if found is not None and found.md5 == md5.removesuffix(".dir"):
                        yield where
            if not folder:
                return
            folder = posixpath.dirname(folder)

    def _sum(self, where: Path) -> _Sum | None:
        if where not in self._known:
            self._known[where] = _summed(where)
        return self._known[where]


def _summed(where: Path) -> _Sum | None:
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
    return _Sum(md5.hexdigest(), Digest(sha256.hexdigest()), size)
