"""What is kept of tensors and tables beside records: whether it is what it says, and is pinned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from mlver.errors import MlverError, printable_name, shell_command, summarise_error
from mlver.findings import Finding
from mlver.project.artifacts.kept_pins import ForgedFile
from mlver.project.artifacts.kept_profiles import read_profile
from mlver.project.artifacts.kept_tensors import read_kept_tensors
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.profile import TableProfile
from mlver.records.tensors import KeptTensors
from mlver.records.version import VersionRecord


def check_kept(project: Project, path: str) -> Iterator[Finding]:
    """Check what is kept at a path by itself; raise InvalidDocument where it is no such thing."""
    place = layout.parse_kept_path(path)
    if place is None:
        restore = shell_command("git", "rm", "--cached", "--", path)
        yield Finding("name", path, "is no name that anything is kept by", (restore,))
        return
    data = project.registry.read_file(path)
    if data is not None and place.folder == layout.TENSORS:
        KeptTensors.parse_of(place.name, data, path)
    elif data is not None:
        TableProfile.parse(data, path, place.name)


def list_kept_files(project: Project) -> Iterator[str]:
    """List the paths of all that is kept beside records."""
    for folder in layout.KEPT_FOLDERS:
        for name in project.registry.list_names(folder):
            yield f"{folder}/{name}"


def choose_kept(path: str, ours: bytes, theirs: bytes) -> bytes | None:
    """Choose which of two files, kept at one path of the same bytes, says more.

    Two machines write the same, but for what only one of them computes. None where the two
    contradict each other, or are none.
    """
    place = layout.parse_kept_path(path)
    if place is None:
        return None
    with suppress(MlverError):
        if place.folder == layout.TENSORS:
            mine = KeptTensors.parse_of(place.name, ours, path)
            if mine.agrees_with(KeptTensors.parse_of(place.name, theirs, path)):
                return theirs if mine == mine.drop_summaries() else ours
        else:
            profile = TableProfile.parse(ours, path, place.name)
            if profile.agrees_with(TableProfile.parse(theirs, path, place.name)):
                return ours
    return None


def check_pinned_files(project: Project, record: VersionRecord) -> Iterator[Finding]:
    """Find what is missing or another than a version pins of what is kept beside its record."""
    for kept_name in record.kept.tensors:
        path = layout.tensors_path(kept_name)
        yield from _check_file(record, path, partial(read_kept_tensors, project, record, kept_name))
    for data_name in record.kept.profiles:
        if data_name not in record.data:
            message = f"pins a profile of {data_name}, and has no such data set"
            yield Finding("record", record.record_path, message, (_show_log(record.record_path),))
            continue
        path = layout.profile_path(record.data[data_name].digest)
        yield from _check_file(record, path, partial(read_profile, project, record, data_name))


def _check_file(
    record: VersionRecord, path: str, read: Callable[[], KeptTensors | TableProfile | None]
) -> Iterator[Finding]:
    try:
        found = read()
    except ForgedFile as error:
        yield Finding("manifest", path, summarise_error(error, path), error.hints)
    except MlverError as error:
        yield Finding("manifest", path, summarise_error(error, path), (_show_log(path),))
    else:
        if found is None:
            restore = shell_command("git", "checkout", "--", path)
            message = f"is missing, and {record.model} {record.version} pins it"
            yield Finding("manifest", path, message, (restore,))


def _show_log(path: str) -> str:
    return shell_command("git", "log", "-p", "--", printable_name(path))
