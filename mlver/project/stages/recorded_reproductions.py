"""The reproductions of a version that count: for the gate `reproduced`."""

from __future__ import annotations

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import REPRODUCTIONS
from mlver.records import layout
from mlver.records.reproduction import ReproductionRecord
from mlver.records.version import VersionRecord


def read_counting(
    project: Project, record: VersionRecord, digest: Digest
) -> tuple[tuple[ReproductionRecord, Digest], ...]:
    """Read the reproductions of this very record that HEAD has, oldest first, with their digests.

    Raise MlverError where one of them cannot be read, is missing in the work tree, or is another
    there.
    """
    folder = layout.attached_folder("reproduction", record.model, record.version)
    require_as_committed(project.repository, project.registry, folder)
    committed = frozenset(project.repository.files_at("HEAD", folder))
    found = REPRODUCTIONS.read_digested(project.registry, record.model, record.version)
    return tuple(
        (one, own) for one, own in found if one.record == digest and one.record_path in committed
    )
