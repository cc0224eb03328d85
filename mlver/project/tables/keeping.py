"""Profiles that are kept of a version's tables when it is registered.

What is no table keeps no version from being registered: a note says why it has no profile. A disk
that refuses does, for a record never gets a profile later.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlver.content.tables.engine import open_engine
from mlver.content.tables.formats import detect_table
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.table import TableFiles, load_table
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, summarise_error
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import MeasuredArtifact, measured_files
from mlver.project.project import Project
from mlver.project.tables.sources import copy_file
from mlver.project.transaction import SCRATCH
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.profile import TableProfile
from mlver.records.version import VersionRecord
from mlver.system.scratch import scratch_folder


def keep_profiles(
    project: Project,
    record: VersionRecord,
    measured: Mapping[str, MeasuredArtifact],
    before: VersionRecord | None,
) -> dict[str, bytes]:
    """Describe the tables among the data sets of a version; return the profiles by data set.

    Hold the lock. Nothing is kept where the settings do not ask for it, nor of data that is secret,
    at an address, or no table. Data are not read again where the version `before` pins what is kept
    of them.
    """
    kept: dict[str, bytes] = {}
    if not record.data or not project.registry.read_config().insight.profiles:
        return kept
    pinned = _list_pinned(before)
    for name, artifact in record.data.items():
        if name not in measured or artifact.encrypted is not None or artifact.is_remote:
            continue
        try:
            data = _choose_profile(project, name, artifact, measured[name], pinned)
        except MlverError as error:
            if isinstance(error.__cause__, OSError):
                # What the disk did not give today would be missing for ever.
                raise
            reason = printable_name(summarise_error(error))
            project.reporter.show_note(f"no profile of {name} is kept: {reason}")
            continue
        if data is not None:
            kept[name] = data
    return kept


def _list_pinned(record: VersionRecord | None) -> dict[Digest, Digest]:
    """List what a version pins of profiles, by the digest of the data."""
    pinned: dict[Digest, Digest] = {}
    if record is not None:
        for name, pin in record.kept.profiles.items():
            if name in record.data:
                pinned[record.data[name].digest] = pin
    return pinned


def _choose_profile(
    project: Project,
    name: str,
    artifact: Artifact,
    measured: MeasuredArtifact,
    pinned: Mapping[Digest, Digest],
) -> bytes | None:
    """Choose what is kept of a data set already where that is right, else describe it."""
    path = layout.profile_path(artifact.digest)
    present = project.registry.read_file(path)
    if present is not None and Digest.of_bytes(present) == pinned.get(artifact.digest):
        return present
    derived = _describe_data(project, name, artifact, measured)
    if derived is None:
        return None
    written = derived.to_bytes(artifact.digest)
    # What could not be read again, such as a column with a name of thousands of letters.
    TableProfile.parse(written, path, artifact.digest)
    if present is None:
        return written
    if not TableProfile.parse(present, path, artifact.digest).agrees_with(derived):
        raise MlverError(f"{path}, which is there already, says other things than the data")
    return present


def _describe_data(
    project: Project, name: str, artifact: Artifact, measured: MeasuredArtifact
) -> TableProfile | None:
    """Describe a data set that was measured; None for what is no table."""
    entries = [
        (join_name(artifact.path, file), hexadecimal)
        for file, hexadecimal in measured_files(measured, artifact.path)
    ]
    found = detect_table(path for path, _ in entries)
    if found is None:
        return None
    with scratch_folder(project.state_directory / SCRATCH) as scratch:
        files = [
            _copy_proven(project, path, hexadecimal, scratch.path / f"{number}.{found}")
            for number, (path, hexadecimal) in enumerate(entries)
        ]
        names = tuple(path for path, _ in entries)
        table = TableFiles(name, found, tuple(files), names)
        with open_engine(files, scratch.path / "spilled") as connection:
            return profile_table(connection, load_table(connection, table, "profiled"))


def _copy_proven(project: Project, path: str, hexadecimal: str, copy: Path) -> Path:
    """Copy a working file that was measured before."""
    if copy_file(project.top_folder / path, copy).hex != hexadecimal:
        raise MlverError(f"{printable_name(path)} changed while it was read")
    return copy
