"""Where the rows of a table come from: a version's data set, or a file; or its profile alone.

Files are read as copies, every byte hashed on the way: what is measured is what is named.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mlver.content.tables.formats import require_table
from mlver.content.tables.table import TableFiles
from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, refusal_error, shell_command
from mlver.project.artifacts import measuring, unstored
from mlver.project.artifacts.bringing import naming_remotes
from mlver.project.artifacts.kept_profiles import read_profile
from mlver.project.artifacts.read_only_copies import put_read_only
from mlver.project.project import Project
from mlver.project.remote.arrival import find_absent
from mlver.project.remote.fetching import FetchedAhead, fetch_versions
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.transaction import SCRATCH, locking
from mlver.records.manifest import Manifest
from mlver.records.profile import TableProfile
from mlver.records.version import VersionRecord
from mlver.system.folders import walk_folder
from mlver.system.regular import reading_regular
from mlver.system.scratch import scratch_folder

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """A table whose content has this digest: its files, or its profile where these are gone.

    `parts` are the digests of the files of a folder that somebody named.
    """

    label: str
    digest: Digest
    files: TableFiles | None = None
    profile: TableProfile | None = None
    parts: tuple[Digest, ...] = ()


@contextmanager
def scratch_for_tables(project: Project, what: str) -> Iterator[Path]:
    """A folder for copies of tables, and for what the engine spills, for the time of the block."""
    with ExitStack() as leaving:
        with locking(project, what):
            beside = project.state_directory / SCRATCH
            scratch = leaving.enter_context(scratch_folder(beside))
        yield scratch.path


def choose_data_name(record: VersionRecord, name: str | None) -> str:
    """Choose the data set that is meant: the one of this name, or the only one.

    Raise UsageError where there is none, or more than one to choose from.
    """
    shown = f"{record.model} {record.version}"
    names = list(record.data)
    if name is None and len(names) == 1:
        return names[0]
    show = shell_command("mlver", "show", f"{record.model}@{record.version}")
    if not names:
        raise UsageError(f"{shown} has no data set", hint=show)
    if name is None:
        raise UsageError(f"{shown} has the data sets {', '.join(names)}: name one by --data")
    if name not in names:
        raise UsageError(
            f"{shown} has no data set called {printable_name(name)}; it has {', '.join(names)}",
            hint=show,
        )
    return name


def find_version_table(
    project: Project, record: VersionRecord, name: str, folder: Path, *, what: str
) -> TableSource:
    """Find the table that a data set of a version is: its bytes, else its profile.

    A profile spares the way to a remote. Raise MlverError where there is neither, and for a data
    set that is no table.
    """
    artifact = record.data[name]
    label = f"{name} of {record.model} {record.version}"
    source = TableSource(label=label, digest=artifact.digest)
    profile = read_profile(project, record, name)
    if profile is not None and (artifact.is_remote or not is_data_here(project, record, name)):
        return replace(source, profile=profile)
    if artifact.is_remote:
        raise MlverError(
            f"{label} lies at {printable_name(artifact.path)}, which is not read for this, and no"
            " profile of it was kept",
            hint="mlver register --help",
        )
    paths = [os.fsdecode(path) for path, _ in measuring.pinned_files(project, artifact)]
    found = require_table(label, [path or artifact.path for path in paths])
    place = folder / artifact.digest.hex
    try:
        ahead = fetch_ahead(project, what, lambda quiet: list_needed(quiet, [record], (name,)))
        with locking(project, what) as holding:
            copy_version_table(holding, record, name, place, ahead)
    except MlverError as error:
        if profile is None or _is_unreadable(error):
            raise
        return replace(source, profile=profile)
    files = list_copied(place)
    names = [artifact.path]
    if any(paths):
        names = [f"{artifact.path}/{file.relative_to(place).as_posix()}" for file in files]
    return replace(source, files=TableFiles(label, found, tuple(files), tuple(names)))


def _is_unreadable(error: MlverError) -> bool:
    """Whether bytes are here, and the disk did not give them: a profile does not stand in then."""
    cause = error.__cause__
    return isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError)


def is_data_here(project: Project, record: VersionRecord, name: str) -> bool:
    """Whether the bytes of a data set can be had without a remote."""
    if not record.data[name].is_plain:
        return True
    return not find_absent(project, list_needed(project, [record], (name,)))


def copy_version_table(
    project: Project,
    record: VersionRecord,
    name: str,
    place: Path,
    ahead: FetchedAhead | None = None,
) -> None:
    """Copy the bytes of a data set to a new folder, from the store, from git or the work tree."""
    if place.exists():
        return
    artifact = record.data[name]
    fetch_versions(project, [record], (name,), ahead=ahead)
    brought = unstored.bring_artifacts(project, record, only=(name,), in_place=False)
    if name not in brought.missing:
        with naming_remotes(project, f"{record.model}@{record.version}"):
            put_read_only(project, brought.record.data[name], place)
        return
    location = project.top_folder / artifact.path
    if not location.is_file():
        raise brought.missing[name]
    place.mkdir()
    if copy_file(location, place / location.name) != artifact.digest:
        raise brought.missing[name]


def list_copied(folder: Path) -> list[Path]:
    """List the files that were copied to a folder."""
    files: list[Path] = []
    for _, entries in walk_folder(folder):
        files += [Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False)]
    return sorted(files)


def find_live_table(
    project: Project, name: str, folder: Path, *, location: Path | None = None
) -> TableSource:
    """Copy the table in a file or a folder, such as one of live traffic, by the path as typed.

    It lies at `location`, if not where the command was started. Raise MlverError for what is no
    table, or cannot be read.
    """
    location = location or project.start / name
    if location.is_dir():
        return _copy_live_folder(name, location, folder)
    found = require_table(name, [name])
    folder.mkdir()
    copy = folder / f"live{location.suffix.lower()}"
    digest = copy_file(location, copy)
    return TableSource(label=name, digest=digest, files=TableFiles(name, found, (copy,)))


def _copy_live_folder(label: str, location: Path, folder: Path) -> TableSource:
    """Copy a folder of files that are one table; its digest is that of its manifest."""
    sources: list[Path] = []
    for _, entries in walk_folder(location):
        for entry in entries:
            # What a link leads to is read, and what is no file is refused by its name.
            if not entry.is_dir(follow_symlinks=False):
                sources.append(Path(entry.path))
    names = [source.relative_to(location).as_posix() for source in sources]
    found = require_table(label, names)
    folder.mkdir()
    copies: list[Path] = []
    digests: dict[str, Digest] = {}
    for number, (source, name) in enumerate(sorted(zip(sources, names, strict=True))):
        copy = folder / f"{number}{source.suffix.lower()}"
        digests[name] = copy_file(source, copy)
        copies.append(copy)
    entries_of_all = [(os.fsencode(name), digest.hex) for name, digest in digests.items()]
    shown = tuple(f"{label}/{name}" for name in digests)
    return TableSource(
        label=label,
        digest=Manifest.from_entries(entries_of_all).digest,
        files=TableFiles(label, found, tuple(copies), shown),
        parts=tuple(digests.values()),
    )


def copy_file(source: Path, target: Path) -> Digest:
    """Copy a regular file; return the digest of the bytes that were copied."""
    hashed = hashlib.sha256()
    try:
        with reading_regular(source, follow=True) as reading, target.open("xb") as writing:
            while block := reading.read(_BLOCK):
                hashed.update(block)
                writing.write(block)
    except OSError as error:
        doing = "reading a table"
        # Opening says which file it was, and writing does not.
        if error.filename is None:
            doing = f"copying a table to {os.fspath(target)}"
        raise refusal_error(doing, error, outcome="") from error
    return Digest(hashed.hexdigest())
