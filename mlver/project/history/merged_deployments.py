"""What a merge made of its parents' deployments.

Two clones deployed to the same target, so they claimed the same number, and one of them gave way.
Its records live on behind those of the other, whole but for their numbers and what these name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.deployments import read_deployment, read_deployments
from mlver.project.registry.registry import RecordRegistry
from mlver.records.deployment import DeployedVersion, DeploymentRecord
from mlver.records.deployment_paths import DeploymentPath, deployments_folder, parse_deployment

# Stands for the record of a version, which may have got another number.
_NO_RECORD = Digest.of_bytes(b"")


def has_deployment_moved(
    result: RecordRegistry, parents: Sequence[CommittedRecords], path: str
) -> bool:
    """Say whether a merge kept, elsewhere, every parent's deployment that it took from `path`."""
    place = parse_deployment(path)
    if place is None or not _have_collision(parents, place.target):
        return False
    try:
        kept = result.read_file(path)
        losing: list[CommittedRecords] = []
        for tree in parents:
            data = tree.read_file(path)
            if data is not None and data != kept:
                losing.append(tree)
        # A merge that took the record from no parent did not move it either.
        if not losing or len(losing) == len(parents):
            return False
        return all(_is_preserved(result, tree, place) for tree in losing)
    except MlverError:
        # A record that cannot be read cannot be shown to live on.
        return False


def _have_collision(parents: Sequence[CommittedRecords], target: str) -> bool:
    """Say whether two parents hold different deployments of this target under one name."""
    folder = f"{deployments_folder(target)}/"
    contents: dict[str, str] = {}
    for tree in parents:
        for path, entry in tree.entries.items():
            if not path.startswith(folder):
                continue
            if contents.setdefault(path, entry.object_id) != entry.object_id:
                return True
    return False


def _is_preserved(result: RecordRegistry, tree: CommittedRecords, place: DeploymentPath) -> bool:
    moved = read_deployment(RecordRegistry(tree), place.target, place.sequence)
    current = read_deployments(result, place.target)
    return _strip_numbering(moved) in [_strip_numbering(record) for record in current]


def _strip_numbering(record: DeploymentRecord) -> DeploymentRecord:
    """Leave out what a merge may write anew: numbers, and what versions are called by then."""
    roles = {role: _strip_version(served) for role, served in record.roles.items()}
    kept = tuple(map(_strip_version, record.kept))
    return replace(record, format=0, sequence=0, prior=None, roles=roles, kept=kept)


def _strip_version(served: DeployedVersion) -> DeployedVersion:
    return DeployedVersion(version="", record=_NO_RECORD, stage=served.stage, folder=served.folder)
