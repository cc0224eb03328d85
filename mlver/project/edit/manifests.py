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
    committed_digests = project.repository.blob_digests(f"HEAD:{path}" for path in paths)
    for path, committed in zip(paths, committed_digests, strict=True):
        data = manifests.get(path)
        if data is None and committed is None:
            # the person may have run `mlver init` and not committed what it wrote
            data = project.registry.read_file(path)
        if data is None:
            continue
        if Digest.of_bytes(data) != committed:
            edit.put_file(path, data)
