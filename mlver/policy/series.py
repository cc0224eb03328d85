"""Which files form a series: what a version has, and what the version before it had in its place.

A pure rule. The files of a series have much in common, so `gc` stores that once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VersionFiles:
    """The files of a version of one model: their digests, by artifact and path.

    `before` is the version it came from; None for the first one. `is_whole`: it holds a stage, or
    has held one, so its files stay whole.
    """

    version: str
    before: str | None
    is_whole: bool
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """A file of a series, and the one before it; None for the first one.

    `is_whole`: it has to stay whole, or become whole again.
    """

    digest: str
    parent: str | None
    is_whole: bool


def list_series(versions: Iterable[VersionFiles]) -> list[SeriesFile]:
    """The files of a model that come before or after another one, each after the one before it.

    A file that several versions have is listed once, and is whole where any of them is.
    """
    by_version = {files.version: files for files in versions}
    parents: dict[str, str | None] = {}
    whole: set[str] = set()
    for files in _order_versions(by_version):
        before = by_version[files.before].files if files.before in by_version else {}
        for name, digest in files.files.items():
            parent = before.get(name)
            # One that came to be again has its first place.
            parents.setdefault(digest, None if parent not in parents else parent)
        if files.is_whole:
            whole.update(files.files.values())
    related = {parent for parent in parents.values() if parent is not None}
    series: list[SeriesFile] = []
    for digest, parent in parents.items():
        if parent is not None or digest in related or digest in whole:
            series.append(SeriesFile(digest, parent, digest in whole))
    return series


def _order_versions(by_version: Mapping[str, VersionFiles]) -> Iterator[VersionFiles]:
    """Each version after the one before it, whatever the records say."""
    done: set[str] = set()
    for version in by_version:
        waiting: list[VersionFiles] = []
        following: str | None = version
        # A record may lead back to itself, or to a version that is not there.
        while following is not None and following in by_version and following not in done:
            done.add(following)
            waiting.append(by_version[following])
            following = by_version[following].before
        yield from reversed(waiting)
