"""The verdicts on a version that count: for the gate `verdict`."""

from __future__ import annotations

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.registry.as_committed import list_committed, require_as_committed
from mlver.project.registry.attached import VERDICTS, list_judged_stages
from mlver.records import layout
from mlver.records.verdict import VerdictRecord
from mlver.records.version import VersionRecord


def read_counting_verdicts(
    project: Project, record: VersionRecord, digest: Digest
) -> tuple[tuple[VerdictRecord, Digest], ...]:
    """Read the verdicts on this very record that HEAD has, with the digests of their bytes.

    Raise MlverError where one of them cannot be read, is missing in the work tree, or is another
    there.
    """
    folder = layout.attached_folder("verdict", record.model)
    require_as_committed(project.repository, project.registry, folder)
    committed = list_committed(project.repository, folder)
    counting: list[tuple[VerdictRecord, Digest]] = []
    for stage in list_judged_stages(project.registry, record.model):
        for verdict, own in VERDICTS.read_digested(project.registry, record.model, stage):
            if verdict.record == digest and verdict.record_path in committed:
                counting.append((verdict, own))
    return tuple(counting)
