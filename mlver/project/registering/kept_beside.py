"""What is derived from the bytes of a version and kept beside its record, which pins it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlver.digest import Digest
from mlver.project.artifacts.kept_tensors import keep_tensors
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.project.tables.keeping import keep_profiles
from mlver.records import layout
from mlver.records.version import VersionRecord


def derive_kept(
    project: Project,
    record: VersionRecord,
    measured: Mapping[str, MeasuredArtifact],
    before: VersionRecord | None,
) -> tuple[VersionRecord, dict[str, bytes]]:
    """Derive what is kept of the artifacts that were measured; hold the lock.

    Return the record that pins it, and the files by path. What the record pins of artifacts that
    were not measured stays. Raise MlverError where somebody else kept other things of the same.
    """
    kept, unreadable = record.kept, record.unreadable
    files: dict[str, bytes] = {}
    if "weights" in measured:
        pinned = {} if before is None else before.kept.tensors
        found = keep_tensors(project, record.weights, measured["weights"], pinned)
        kept, unreadable = replace(kept, tensors=found.pins), found.damaged
        files.update(found.files)
    profiles = {
        name: pin
        for name, pin in kept.profiles.items()
        if name in record.data and name not in measured
    }
    for name, data in keep_profiles(project, record, measured, before).items():
        files[layout.profile_path(record.data[name].digest)] = data
        profiles[name] = Digest.of_bytes(data)
    kept = replace(kept, profiles=profiles)
    return replace(record, kept=kept, unreadable=unreadable), files


def list_kept_paths(record: VersionRecord) -> list[str]:
    """List the paths of what a record pins beside it."""
    paths = [layout.tensors_path(name) for name in record.kept.tensors]
    for name in record.kept.profiles:
        if name in record.data:
            paths.append(layout.profile_path(record.data[name].digest))
    return paths
