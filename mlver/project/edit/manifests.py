"""Manifests that an edit adds."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.digest import Digest
from mlver.project.edit.edit import PlannedEdit
from mlver.project.project import Project
from mlver.records import layout


def put_new_files(project: Project, edit: PlannedEdit, manifests: Mapping[str, bytes]) -> None:
    """Plan the manifests that HEAD lacks, and what `mlver init` wrote where HEAD lacks it."""
    paths = [*manifests, layout.ATTRIBUTES, layout.CONFIG]
    for path, held in zip(
        paths, project.repository.blob_digests(f"HEAD:{path}" for path in paths), strict=True
    ):
        wanted = manifests.get(path) or (project.registry.read_file(path) if held is None else None)
        if wanted is not None and Digest.of_bytes(wanted) != held:
            edit.put_file(path, wanted)
