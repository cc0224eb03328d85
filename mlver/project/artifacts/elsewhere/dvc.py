"""Reads DVC's pointers as a commit holds them, and the bytes behind them where those are here.

A pointer (`model.pkl.dvc`, or `dvc.lock` of a pipeline) names MD5 sums. They are how bytes are
found, in DVC's cache or in the work tree, and never what a record pins: that is the SHA-256 of the
bytes that were found.

Formats: https://dvc.org/doc/user-guide/project-structure; `files/md5/` in the cache and
`hash: md5` came with DVC 3. What an older DVC keeps of a text file has the MD5 that the file would
have if its lines ended as on Unix.
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
from mlver.errors import InvalidDocument, MlverError, shell_command
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts.elsewhere.dvc_settings import find_cache_folders
from mlver.project.project import Project
from mlver.records.manifest import Manifest
from mlver.system.regular import read_regular, reading_regular

_FETCH = "dvc fetch --all-tags"
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
# The most that is read of a directory's list of files; one of a million files has half of that.
_LISTING_BYTES = 256 << 20
# DVC reads as much at a time, and leaves a line end that lies across two chunks as it is.
_CHUNK = 1 << 20
# How DVC tells text, by a file's beginning.
_BEGINNING = 512
_TEXT_CHARACTERS = bytes(range(32, 127)) + b"\n\r\t\f\b"
_ODD_SHARE = 0.3


class MissingContents(MlverError):
    """Somebody keeps these bytes, but they are not in this clone."""


class DamagedContents(MlverError):
    """A copy that somebody keeps here holds other bytes than its name says."""


class MissingPath(MlverError):
    """A commit neither holds a path nor points to it."""


@dataclass(frozen=True, slots=True)
class DvcOutput:
    """What a pointer names at a path: the MD5 of a file, or the files of a directory.

    The files are in the pointer itself, or in a list of which it has the MD5 (`….dir`).
    """

    path: str
    md5: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _FileSums:
    """A file's bytes under all their names; `unix_md5` is that of an older DVC."""

    md5: str
    unix_md5: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class _CachePlace:
    """Where a cache would keep a file: `is_old` before DVC 3."""

    location: Path
    is_old: bool


def is_dvc_pointer(name: str) -> bool:
    return name.endswith(".dvc") or posixpath.basename(name) == "dvc.lock"


def read_outputs(pointers: Iterable[tuple[str, bytes]]) -> Iterator[DvcOutput]:
    """What pointer files name; those that cannot be read name nothing."""
    for name, data in pointers:
        try:
            pointer = values.load_values(".yaml", data, name)
        except InvalidDocument:
            continue
        working_folder = _text_or_empty(pointer.get("wdir")) or "."
        folder = posixpath.join(posixpath.dirname(name), working_folder)
        for output in _list_outputs(pointer):
            path = _text_or_empty(output.get("path"))
            md5 = _text_or_empty(output.get("md5"))
            files = {}
            for file in _keep_mappings(output.get("files")):
                files[_text_or_empty(file.get("relpath"))] = _text_or_empty(file.get("md5"))
            if path and (_MD5.fullmatch(md5) or files):
                yield DvcOutput(posixpath.normpath(posixpath.join(folder, path)), md5, files)


def _list_outputs(pointer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The outs of a pointer, or of every stage of a pipeline's lock file (which the first format
    had at the top).
    """
    yield from _keep_mappings(pointer.get("outs"))
    stages = pointer.get("stages", pointer)
    if not isinstance(stages, dict):
        return
    for stage in _keep_mappings(list(stages.values())):
        yield from _keep_mappings(stage.get("outs"))


def _keep_mappings(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def _text_or_empty(value: Any) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class DvcCache:
    """Finds the bytes that MD5 sums name; each file is read once.

    With `kept_only`, the work tree does not count: only what a cache holds is kept.
    """

    project: Project
    kept_only: bool = False
    _known: dict[Path, _FileSums | None] = field(default_factory=dict)

    def measure_output(self, output: DvcOutput, path: str) -> MeasuredArtifact:
        """The bytes at an output's own path or at one inside it.

        Raise MlverError where they are not here.
        """
        if path == output.path and not (output.files or output.md5.endswith(".dir")):
            return self._measure_file(output.md5, path)
        files = output.files or self._read_listing(output.md5, output.path)
        inner = {f"{output.path}/{name}": md5 for name, md5 in files.items()}
        if path in inner:
            return self._measure_file(inner[path], path)
        wanted = {name: md5 for name, md5 in inner.items() if name.startswith(f"{path}/")}
        if not wanted:
            raise MissingPath(
                f"{output.path} of DVC holds no {path}", hint="mlver adopt MODEL --weights PATH"
            )
        return self._measure_directory(path, wanted)

    def find_location(self, digest: Digest) -> Path | None:
        """The file in which bytes were found."""
        for location, sums in self._known.items():
            if sums is not None and sums.digest == digest:
                return location
        return None

    def _measure_file(self, md5: str, path: str) -> MeasuredArtifact:
        sums = self._find_file(md5, path)
        return MeasuredArtifact(sums.digest, sums.size, 1, None)

    def _measure_directory(self, path: str, files: Mapping[str, str]) -> MeasuredArtifact:
        size = 0
        entries = []
        for name, md5 in files.items():
            sums = self._find_file(md5, name)
            size += sums.size
            inner_name = name.removeprefix(f"{path}/")
            entries.append((inner_name.encode(errors="surrogateescape"), sums.digest.hex))
        manifest = Manifest.from_entries(entries)
        data = manifest.to_bytes()
        Manifest.parse(data, path)  # names that lead elsewhere are refused
        return MeasuredArtifact(manifest.digest, size, len(entries), data)

    def _read_listing(self, md5: str, path: str) -> dict[str, str]:
        """A directory's files and their sums, from the list that the cache keeps of them."""
        location = next(self._find_cached(md5, path), None)
        if location is None:
            raise MissingContents(
                f"DVC's list of the files of {path} ({md5}) is not here", hint=_FETCH
            )
        try:
            entries = json.loads(read_regular(location, _LISTING_BYTES, follow=True))
            # encoding refuses a lone surrogate, which no path of ours can hold
            return {entry["relpath"].encode().decode(): entry["md5"] for entry in entries}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise MlverError(
                f"DVC's list of the files of {path} cannot be read", hint=_FETCH
            ) from None

    def _find_file(self, md5: str, path: str) -> _FileSums:
        for cached in self._find_cached(md5, path):
            sums = self._hash_once(cached)
            if sums is not None:
                return sums
        if self.kept_only:
            raise self._build_missing_error(md5, path)
        working = self._hash_once(paths.join_inside(self.project.top_folder, path, link_last=True))
        if working is None or working.md5 != md5:
            raise self._build_missing_error(md5, path)
        return working

    def _build_missing_error(self, md5: str, path: str) -> MlverError:
        """Build the error for bytes of which no cache has a sound copy."""
        for place in self._list_places(md5, path):
            location = place.location
            if self._hash_once(location) is not None:
                # not below a folder that DVC lists
                aside = location.parent.parent / f"{md5}.damaged"
                return DamagedContents(
                    f"DVC's copy of {path} is damaged ({location})",
                    hints=(shell_command("mv", "--", location, aside), _FETCH),
                )
        return MissingContents(
            f"the bytes of {path} that DVC calls {md5 or '(nothing)'} are not here", hint=_FETCH
        )

    def _find_cached(self, md5: str, path: str) -> Iterator[Path]:
        """Where DVC's caches hold these bytes, MD5 checked."""
        wanted = md5.removesuffix(".dir")
        for place in self._list_places(md5, path):
            sums = self._hash_once(place.location)
            if sums is None:
                continue
            if sums.md5 == wanted or (place.is_old and sums.unix_md5 == wanted):
                yield place.location

    def _list_places(self, md5: str, path: str) -> Iterator[_CachePlace]:
        """Where DVC's caches would keep these bytes."""
        if not _MD5.fullmatch(md5):
            return
        for cache in self._list_caches(posixpath.dirname(path)):
            name = f"{md5[:2]}/{md5[2:]}"
            yield _CachePlace(cache / "files/md5" / name, is_old=False)
            yield _CachePlace(cache / name, is_old=True)

    def _list_caches(self, folder: str) -> Iterator[Path]:
        """The caches of DVC's projects in a folder and in those above it, the nearest first.

        A cache may lie anywhere, as DVC's settings say, or behind a symlink. It is only read, and
        only files whose MD5 is the one looked for count.
        """
        while True:
            with suppress(MlverError):
                settings = paths.join_inside(self.project.top_folder, f"{folder}/.dvc".lstrip("/"))
                yield from find_cache_folders(settings)
            if not folder:
                return
            folder = posixpath.dirname(folder)

    def _hash_once(self, location: Path) -> _FileSums | None:
        if location not in self._known:
            self._known[location] = _hash_file(location)
        return self._known[location]


def _hash_file(location: Path) -> _FileSums | None:
    """All sums of a file, in one pass; None where there is no file that can be read."""
    md5 = hashlib.md5(usedforsecurity=False)
    unix_md5 = hashlib.md5(usedforsecurity=False)
    sha256 = hashlib.sha256()
    size = 0
    is_text = False
    try:
        with reading_regular(location, follow=True) as file:
            while chunk := file.read(_CHUNK):
                if size == 0:
                    is_text = _is_text(chunk[:_BEGINNING])
                md5.update(chunk)
                if is_text:
                    unix_md5.update(chunk.replace(b"\r\n", b"\n"))
                sha256.update(chunk)
                size += len(chunk)
    except OSError:
        return None
    unix_name = unix_md5.hexdigest() if is_text else md5.hexdigest()
    return _FileSums(md5.hexdigest(), unix_name, Digest(sha256.hexdigest()), size)


def _is_text(beginning: bytes) -> bool:
    """Say whether DVC takes a file that begins so for text."""
    odd = beginning.translate(None, _TEXT_CHARACTERS)
    return b"\0" not in beginning and len(odd) / len(beginning) <= _ODD_SHARE
