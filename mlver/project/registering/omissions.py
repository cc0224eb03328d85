"""What `.mlverignore` leaves out of a version that is registered, and what git does not know of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from mlver.errors import MlverError
from mlver.project.artifacts import measuring
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.version import parse_version


def list_left_out(
    record: VersionRecord, measured: Mapping[str, MeasuredArtifact]
) -> tuple[str, ...]:
    """List the paths that were left out of the artifacts; that of a folder ends with a slash."""
    paths: dict[str, None] = {}
    artifacts = record.named_artifacts()
    for name, found in measured.items():
        for path in found.left_out:
            paths[join_name(artifacts[name].path, path)] = None
    return tuple(paths)


def find_dropped(
    project: Project,
    record: VersionRecord,
    measured: Mapping[str, MeasuredArtifact],
    before: VersionRecord | None,
) -> dict[str, str]:
    """Find the files that were left out, and that an earlier version has at the same path.

    Each comes with that version: the one before, or else the highest. These are two where the
    artifacts without the left-out files are those of an older version.
    """
    dropped: dict[str, str] = {}
    if not any(found.left_out for found in measured.values()):
        return dropped
    artifacts = record.named_artifacts()
    for earlier in _list_earlier(project, record, before):
        for name, artifact in earlier.named_artifacts().items():
            found = measured.get(name)
            if found is None or artifacts[name].path != artifact.path:
                continue
            for path in _select_dropped(project, artifact, found):
                dropped.setdefault(path, earlier.version)
    return dropped


def _list_earlier(
    project: Project, record: VersionRecord, before: VersionRecord | None
) -> Iterator[VersionRecord]:
    if before is not None:
        yield before
    own = parse_version(record.version)
    lower = [number for number in project.registry.list_versions(record.model) if number < own]
    if lower:
        with suppress(MlverError):
            yield project.registry.read_version(record.model, lower[-1])[0]


def _select_dropped(project: Project, artifact: Artifact, found: MeasuredArtifact) -> Iterator[str]:
    files = frozenset(found.left_out)
    folders = tuple(path for path in found.left_out if path.endswith(b"/"))
    for path in measuring.list_names(project, artifact):
        if path in files or path.startswith(folders):
            yield join_name(artifact.path, path)
