"""The objects of the versions that a push of git brings: they go first, as `mlver push` does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry, decode_version
from mlver.project.remote.needed import add_pinned, add_samples, list_needed
from mlver.project.remote.pushing import objects_are_sent, send_needed
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


def send_objects(
    repository: GitRepository, start: Path, places: Mapping[str, str], target: str
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Send the objects of these records' versions; return what is in the way, and what was sent.

    `places` has a commit that holds each record, by the record's path. `target` is where git pushes
    to: the name of a remote, or an address. What `mlver push` sent just
    before is not sent again. Without a remote nothing is, and with MLVER_OFFLINE neither.
    """
    if objects_are_sent():
        return (), ()
    project = Project.from_repository(repository, start)
    if project.offline:
        return (), ()
    try:
        if not project.registry.read_shown_config().remotes:
            return (), ()
        records, needed = _read_versions(project, places)
        if not records:
            return (), ()
        sent = send_needed(project, records, needed, target)
    except MlverError as error:
        return (Finding("object", "objects", error.message, error.hints),), ()
    texts: list[str] = []
    for place in sent:
        if place.objects:
            objects = f"{place.objects:,} object{'s' * (place.objects != 1)}"
            texts.append(
                f"{place.remote} got what it lacked ({objects}, {place.bytes_sent:,} bytes),"
                f" {place.confirmed}"
            )
    return (), tuple(texts)


def _read_versions(
    project: Project, places: Mapping[str, str]
) -> tuple[list[VersionRecord], DigestSet]:
    """The versions among these records, and the objects that they and their gates need."""
    by_commit: dict[str, list[str]] = {}
    for path, commit in places.items():
        if layout.is_version_path(path):
            by_commit.setdefault(commit, []).append(path)
    records: list[VersionRecord] = []
    needed: list[bytes] = []
    for commit, paths in by_commit.items():
        # Their manifests are in the commit, and need not be in the work tree.
        committed = CommittedRecords.at_commit(project.repository, commit)
        there = replace(project, registry=RecordRegistry(committed))
        contents = project.repository.blobs(f"{commit}:{path}" for path in paths)
        pushed: list[VersionRecord] = []
        for path, data in zip(paths, contents, strict=True):
            if data is not None:
                pushed.append(decode_version(data, path))
        records += pushed
        contents_needed = add_samples(there, pushed, list_needed(there, pushed))
        needed += add_pinned(there, contents_needed).raw_digests()
    return records, DigestSet.from_raw(needed)
