"""What `.mlverignore` leaves out of a version that is registered."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.project.artifacts import measuring
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.version import VersionRecord


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


def list_dropped(
    project: Project,
    record: VersionRecord,
    measured: Mapping[str, MeasuredArtifact],
    before: VersionRecord | None,
) -> tuple[str, ...]:
    """List the files that were left out, and that the version before has at the same path."""
    if before is None:
        return ()
    dropped: list[str] = []
    artifacts = record.named_artifacts()
    for name, artifact in before.named_artifacts().items():
        found = measured.get(name)
        if found is None or not found.left_out or artifacts[name].path != artifact.path:
            continue
        files = frozenset(found.left_out)
        folders = tuple(path for path in found.left_out if path.endswith(b"/"))
        for path in measuring.list_names(project, artifact):
            if path in files or path.startswith(folders):
                dropped.append(join_name(artifact.path, path))
    return tuple(dropped)
