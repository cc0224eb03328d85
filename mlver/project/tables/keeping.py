"""Profiles that are kept of a version's tables when it is registered.

A profile never keeps a version from being registered: where none can be made, a note says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlver.content.tables.engine import open_engine
from mlver.content.tables.formats import detect_table
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.table import TableFiles, load_table
from mlver.errors import MlverError, printable_name, summarise_error
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.kept_profiles import read_profile
from mlver.project.artifacts.measuring import MeasuredArtifact, measured_files
from mlver.project.project import Project
from mlver.project.tables.sources import copy_file
from mlver.project.transaction import SCRATCH
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.system.scratch import scratch_folder


def keep_profiles(
    project: Project, record: VersionRecord, measured: Mapping[str, MeasuredArtifact]
) -> dict[str, bytes]:
    """Describe the tables among the data sets of a version; return the files to keep, by path.

    Hold the lock. Nothing is kept where the settings do not ask for it, nor of data that is secret,
    at an address, or no table.
    """
    kept: dict[str, bytes] = {}
    if not record.data or not project.registry.read_config().insight.profiles:
        return kept
    for name, artifact in record.data.items():
        if name not in measured or artifact.encrypted is not None or artifact.is_remote:
            continue
        try:
            data = _describe_data(project, name, artifact, measured[name])
        except (MlverError, OSError) as error:
            reason = summarise_error(error) if isinstance(error, MlverError) else str(error)
            project.reporter.show_note(f"no profile of {name} is kept: {printable_name(reason)}")
            continue
        if data is not None:
            kept[layout.profile_path(artifact.digest)] = data
    return kept


def _describe_data(
    project: Project, name: str, artifact: Artifact, measured: MeasuredArtifact
) -> bytes | None:
    """Write the profile of a data set; None for what is no table."""
    known = read_profile(project, artifact.digest)
    if known is not None:
        return known.to_bytes(artifact.digest)
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
        table = TableFiles(name, found, tuple(files))
        with open_engine(files, scratch.path / "spilled") as connection:
            profile = profile_table(connection, load_table(connection, table, "profiled"))
    return profile.to_bytes(artifact.digest)


def _copy_proven(project: Project, path: str, hexadecimal: str, copy: Path) -> Path:
    """Copy a working file that was measured before."""
    if copy_file(project.top_folder / path, copy).hex != hexadecimal:
        raise MlverError(f"{printable_name(path)} changed while it was read")
    return copy
