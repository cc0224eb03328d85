"""Where versions lie in a target: the folder that each has, or gets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.serving.directories import VERSIONS, name_by_time
from mlver.project.serving.held_folder import read_if_file
from mlver.project.serving.rendered import recall_version
from mlver.project.serving.targets import FoundTarget
from mlver.project.serving.version_files import IDENTITY, DeployedFiles
from mlver.records.deployment import DeployedVersion, DeploymentRecord
from mlver.system.folders import FolderTree


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFolder:
    """A folder of a version, by the digest of its record; `last` is the last deployment that used
    it, 0 for one that no record tells of.
    """

    version: str
    record: Digest
    last: int


def select_records(
    target: FoundTarget, records: Sequence[DeploymentRecord]
) -> list[DeploymentRecord]:
    """Select the deployments that wrote to the folder as it is laid out now."""
    settings = target.settings
    return [
        record
        for record in records
        if (record.layout, record.path, record.model)
        == (settings.layout, settings.path, target.model)
    ]


def list_known_folders(
    tree: FolderTree | None, target: FoundTarget, records: Sequence[DeploymentRecord]
) -> dict[str, KnownFolder]:
    """List the folders of versions that are there: those that records name, and those that say so
    themselves, which a killed command may have left.
    """
    known: dict[str, KnownFolder] = {}
    for record in select_records(target, records):
        for served in (*record.roles.values(), *record.kept):
            if served.folder is not None and _is_place(target, record, served):
                known[served.folder] = KnownFolder(
                    version=served.version, record=served.record, last=record.sequence
                )
    if tree is None:
        return {}
    known = {path: one for path, one in known.items() if tree.is_folder(f"{tree.top}/{path}")}
    if target.layout.has_links and tree.is_folder(f"{tree.top}/{VERSIONS}"):
        for name, is_folder in tree.list_folder(f"{tree.top}/{VERSIONS}"):
            path = f"{VERSIONS}/{name}"
            found = _read_identity(tree, path) if is_folder else None
            # What a folder says of itself counts: it may serve, and no other version is put there.
            if found is not None:
                last = known[path].last if path in known else 0
                known[path] = replace(found, last=last)
    return known


def _is_place(target: FoundTarget, record: DeploymentRecord, served: DeployedVersion) -> bool:
    """Whether the layout gives that folder to the version.

    A record that somebody wrote by hand may name any other, and old versions are removed.
    """
    place_version = target.layout.place_version
    if target.layout.has_links or place_version is None:
        return (served.folder or "").rpartition("/")[0] == VERSIONS
    return served.folder == place_version(recall_version(record, served), target.settings.options)


def _read_identity(tree: FolderTree, folder: str) -> KnownFolder | None:
    """Read what a folder says of itself; None where it says nothing that can be read."""
    with suppress(MlverError, OSError, ValueError, KeyError, TypeError, RecursionError):
        data = read_if_file(tree, f"{folder}/{IDENTITY}")
        document: Any = json.loads(data or b"")
        return KnownFolder(
            version=str(document["version"]), record=Digest.parse(document["digest"]), last=0
        )
    return None


def choose_places(
    tree: FolderTree | None,
    target: FoundTarget,
    wanted: Sequence[DeployedFiles],
    known: Mapping[str, KnownFolder],
) -> dict[Digest, str | None]:
    """Choose the folder of each version, by the digest of its record.

    None in a layout that holds no bytes.
    """
    place_version = target.layout.place_version
    places: dict[Digest, str | None] = {}
    for files in wanted:
        if place_version is None:
            places[files.served.record] = None
        elif target.layout.has_links and target.settings.names == "time":
            taken = _list_names(tree) | {place for place in places.values() if place is not None}
            places[files.served.record] = _choose_by_time(files, known, taken)
        else:
            places[files.served.record] = place_version(files.served, target.settings.options)
    return places


def _list_names(tree: FolderTree | None) -> set[str]:
    if tree is None or not tree.is_folder(f"{tree.top}/{VERSIONS}"):
        return set()
    return {f"{VERSIONS}/{name}" for name, _ in tree.list_folder(f"{tree.top}/{VERSIONS}")}


def _choose_by_time(files: DeployedFiles, known: Mapping[str, KnownFolder], taken: set[str]) -> str:
    """The folder that has the version already, else one named after the time of its record."""
    for path, folder in known.items():
        if folder.record == files.served.record and path.startswith(f"{VERSIONS}/v-"):
            return path
    names = {path.rpartition("/")[2] for path in taken}
    return f"{VERSIONS}/{name_by_time(files.holder.record.created, names)}"


def describe_version(files: DeployedFiles, place: str | None) -> DeployedVersion:
    """Describe a version in a role for the record."""
    return DeployedVersion(
        version=str(files.served.version),
        record=files.served.record,
        stage=files.served.stage,
        sequence=files.served.sequence or None,
        folder=place,
    )
