"""A version's artifacts: their paths, what the work tree holds of them, what a record pins."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from heapq import merge
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from mlver import paths
from mlver.errors import MlverError, printable_name, shell_command
from mlver.hashing.cache import StatCache
from mlver.hashing.measure import MeasuredArtifact, measure_artifact
from mlver.hashing.read import ANY_CONTENT, ContentRules, LargeReader, ReadProgress
from mlver.hashing.sink import ContentSink
from mlver.hashing.walk import LinkBounds, walk_files
from mlver.project.artifacts.agreed_links import AgreedLink
from mlver.project.artifacts.file_list import FileList, join_name, list_file
from mlver.project.artifacts.following import OutsideLink, locate_artifact
from mlver.project.artifacts.ignoring import IGNORE_FILE, IgnoredFiles, find_ignored
from mlver.project.artifacts.pinned import list_entries, list_names, pinned_files, stored_files
from mlver.project.artifacts.pointers import (
    check_content,
    explain_lost_links,
    refuse_pointers,
)
from mlver.project.project import Project
from mlver.project.worktree.value_files import find_linked_file
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import Listing
from mlver.records.model import ModelSettings

__all__ = [
    "MeasuredArtifact",
    "OwnPaths",
    "collect_own_paths",
    "find_changed_files",
    "find_left_out",
    "has_no_files",
    "leaves_out_all",
    "list_entries",
    "list_names",
    "measure_at",
    "measure_into",
    "measure_path",
    "measure_replaced",
    "measured_files",
    "pinned_files",
    "stored_files",
]


# -- what belongs to a version ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnPaths:
    """The paths a record pins itself; changes to them are the reason to register, not dirt."""

    files: frozenset[str]

    def covers_path(self, path: str) -> bool:
        """Whether a path is pinned by the record or mlver's own."""
        path = path.rstrip("/")
        return path in self.files or any(path.startswith(f"{own}/") for own in self.files)

    def reach_into(self, path: str) -> bool:
        """Whether a folder git does not know holds something of ours.

        It is not unknown to the person, then.
        """
        return any(own.startswith(path) for own in self.files)


def collect_own_paths(project: Project, settings: ModelSettings) -> OwnPaths:
    artifacts = [artifact.path for artifact in settings.data.values()]
    if settings.weights is not None:
        artifacts.append(settings.weights.path)
    files = [*settings.params, *settings.metrics]
    for file in (*settings.params, *settings.metrics):
        # one that leads elsewhere is refused where it is read
        with suppress(MlverError):
            files.append(find_linked_file(project.top_folder, file))
    return OwnPaths(frozenset([*artifacts, *files, layout.ROOT]))


# -- measuring -------------------------------------------------------------------------------------


def measure_into(
    project: Project,
    path: str,
    sink: ContentSink | None,
    *,
    follow: bool = False,
    agreed: Collection[AgreedLink] | None = None,
) -> MeasuredArtifact:
    """The file or directory at `path`, every byte read, and handed to `sink` on the way.

    What a record is to pin is not taken from the stat cache, which only learns here. Raise
    MlverError, also for a file that would be taken for a directory registered here, and for links
    as `measure_at` does. A link in the place of the artifact is followed where it is `agreed` to.
    """
    location = _locate_working(project, path, follow=follow, agreed=agreed)
    ignored = find_left_out(project, path)
    rules = _rule_content(project, path, ignored, follow=follow)
    if has_no_files(location, rules) and not has_no_files(location):
        raise _build_ignored_error(path)
    cache = StatCache(project.state, project.repository.own, is_believed=False)
    with _report_hashing(project, path, location) as progress:
        measured = _measure_explained(
            location,
            key=path,
            cache=cache,
            sink=sink,
            progress=progress,
            rules=rules,
        )
    refuse_pointers(path, measured)
    _refuse_ambiguous(project, path, measured)
    if ignored is None:
        return measured
    return replace(measured, left_out=tuple(sorted(ignored.found)))


def measure_at(
    project: Project,
    path: str,
    *,
    fresh: bool = False,
    keep_manifest: bool = True,
    follow: bool = False,
    pinned: Artifact | Sequence[Artifact] = (),
    whole: bool = False,
) -> MeasuredArtifact | None:
    """The working file or directory at `path`; None where there is none, or one without any file.

    What the artifacts `pinned` have counts, though `.mlverignore` leaves it out; with `whole`, it
    leaves nothing out. `fresh` reads every byte, cache or not. With `follow`, links may lead
    anywhere. Links that lead nowhere are no files. Raise MlverError for other things that cannot
    be read, for links into a cache that a command fills again, and where one leaves the work tree,
    unless it is the place of the artifact and followed.
    """
    ignored = None if whole else find_left_out(project, path, pinned)
    own_rules = _rule_content(project, path, ignored, follow=follow)
    measure = partial(
        _measure_working, project, path, fresh=fresh, keep_manifest=keep_manifest, follow=follow
    )
    try:
        return measure(own_rules)
    except MlverError as error:
        if error.hints:
            raise
        faults = error.message.splitlines()
    measured = measure(replace(own_rules, skip_dangling=True))
    if measured is None:
        return None
    # The first line is about all of the links that follow.
    return replace(measured, dangling=tuple(fault.strip() for fault in faults[1:]))


def measure_replaced(
    project: Project,
    path: str,
    behind: OutsideLink | None = None,
    read: LargeReader | None = None,
    ignored: IgnoredFiles | None = None,
) -> MeasuredArtifact | None:
    """Measure files that are to be replaced: no link there is in the way, wherever it leads.

    They are those `behind` a link that is followed, even where it leads elsewhere by now. `read` is
    that of the ContentRules. What is `ignored` is not replaced.
    """
    location = None
    if behind is not None:
        location = Path(behind.target)
    rules = ContentRules(
        check=partial(check_content, path),
        skip_dangling=True,
        is_ignored=None if ignored is None else ignored.leaves_out,
        read=read,
    )
    return _measure_working(
        project, path, rules, fresh=True, keep_manifest=True, follow=True, location=location
    )


def _measure_working(
    project: Project,
    path: str,
    rules: ContentRules,
    *,
    fresh: bool,
    keep_manifest: bool,
    follow: bool,
    location: Path | None = None,
) -> MeasuredArtifact | None:
    """Measure what the work tree has."""
    if location is None:
        location = _locate_working(project, path, follow=follow)
    if has_no_files(location, rules):
        return None
    cache = None if fresh else StatCache(project.state, project.repository.own)
    with _report_hashing(project, path, location) as progress:
        return _measure_explained(
            location,
            key=path,
            cache=cache,
            progress=progress,
            keep_manifest=keep_manifest,
            rules=rules,
        )


def _locate_working(
    project: Project,
    path: str,
    *,
    follow: bool,
    agreed: Collection[AgreedLink] | None = None,
) -> Path:
    if follow:
        return paths.join_inside(project.top_folder, path, link_last=True)
    try:
        return locate_artifact(project, path, agreed)
    except MlverError as error:
        raise explain_lost_links(project.top_folder / path, error) from None


def _rule_content(
    project: Project, path: str, ignored: IgnoredFiles | None, *, follow: bool
) -> ContentRules:
    bounds = None
    if not follow:
        bounds = LinkBounds.of_folder(project.top_folder, layout.ROOT)
    return ContentRules(
        check=partial(check_content, path),
        bounds=bounds,
        is_ignored=None if ignored is None else ignored.leaves_out,
    )


def find_left_out(
    project: Project, path: str, pinned: Artifact | Sequence[Artifact] = ()
) -> IgnoredFiles | None:
    """What `.mlverignore` leaves out at a path, but for what artifacts pin."""
    artifacts = [pinned] if isinstance(pinned, Artifact) else pinned
    return find_ignored(project, path, partial(_join_names, project, artifacts))


def _join_names(project: Project, artifacts: Sequence[Artifact]) -> Sequence[bytes]:
    if len(artifacts) == 1:
        return list_names(project, artifacts[0])
    names: set[bytes] = set()
    for artifact in artifacts:
        names.update(list_names(project, artifact))
    return sorted(names)


def _measure_explained(location: Path, **options: Any) -> MeasuredArtifact:
    """Measure an artifact; the error names the command that fetches what links lead to."""
    try:
        return measure_artifact(location, **options)
    except MlverError as error:
        raise explain_lost_links(location, error) from None


@contextmanager
def _report_hashing(project: Project, path: str, location: Path) -> Iterator[ReadProgress]:
    """Show the person how far the hashing has come."""
    project.reporter.begin_work(f"hashing {path}", _find_file_size(location))
    try:
        yield project.reporter.advance_work
    finally:
        project.reporter.end_work()


def _find_file_size(location: Path) -> int | None:
    """The size of a file in bytes; that of a directory is known only once it has been walked."""
    try:
        status = location.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_size


def has_no_files(location: Path, rules: ContentRules = ANY_CONTENT) -> bool:
    """Whether nothing is there, or a directory without any file: neither can be an artifact."""
    if not location.is_dir():
        return not location.exists()
    faults: list[str] = []
    walked = walk_files(
        os.fsencode(location),
        faults.append,
        skip_dangling=rules.skip_dangling,
        is_ignored=rules.is_ignored,
    )
    first = next(walked, None)
    # a file that cannot be read is a file all the same
    return first is None and not faults


def leaves_out_all(project: Project, path: str, *, follow: bool) -> bool:
    """Whether there are files at a path, and `.mlverignore` may leave out each of them."""
    location = _locate_working(project, path, follow=follow)
    is_empty = has_no_files(location, ContentRules(skip_dangling=True))
    return not is_empty and find_left_out(project, path) is not None


def measure_path(location: Path, rules: ContentRules = ANY_CONTENT) -> MeasuredArtifact:
    """A file or directory anywhere, every byte read."""
    return measure_artifact(location, key=os.fspath(location), rules=rules)


def _build_ignored_error(path: str) -> MlverError:
    return MlverError(
        f"{IGNORE_FILE} leaves out every file of {printable_name(path)}, and an artifact needs at"
        " least one",
        hint=shell_command("cat", "-n", "--", IGNORE_FILE),
    )


def _refuse_ambiguous(project: Project, path: str, measured: MeasuredArtifact) -> None:
    """Refuse a file that holds a manifest kept here: it would be taken for that directory."""
    if measured.manifest is not None:
        return
    kept = project.registry.read_file(layout.manifest_path(measured.digest))
    if kept is not None:
        raise MlverError(
            f"{path} holds exactly the manifest of a directory registered here,"
            " and would be taken for it; register the directory itself"
        )


# -- what a record pins ----------------------------------------------------------------------------


def measured_files(measured: MeasuredArtifact, path: str) -> Listing:
    """The files that were measured at a path."""
    if measured.manifest is None:
        return Listing.of_file(measured.digest)
    return Listing.of_manifest(measured.manifest, path)


def find_changed_files(project: Project, artifact: Artifact) -> Iterator[str]:
    """The working files of an artifact that are changed, missing, or not part of it, in order."""
    pinned = FileList.from_entries(artifact.path, pinned_files(project, artifact))
    measured = measure_at(
        project, artifact.path, fresh=True, follow=not artifact.stored, pinned=artifact
    )
    if measured is None:
        yield artifact.path
        return
    present = map(list_file, measured_files(measured, artifact.path))
    # Both are in the order of their names. A file that is the same in both is there twice.
    for name, files in groupby(merge(pinned.read_files(), present), key=attrgetter("name")):
        first, *others = files
        if others != [first]:
            yield join_name(artifact.path, name)
