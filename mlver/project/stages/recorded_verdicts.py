"""The verdicts on a version that count: for the gate `verdict`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.project.history.landed_verdicts import find_late_verdicts, is_known_stage
from mlver.project.project import Project
from mlver.project.registry.as_committed import list_committed, require_as_committed
from mlver.project.registry.attached import VERDICTS, list_judged_stages
from mlver.records import layout
from mlver.records.verdict import VerdictRecord
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingVerdicts:
    """Verdicts with the digests of their bytes; None where nobody looked.

    `faults` says by path why one of them cannot be what it says.
    """

    verdicts: tuple[tuple[VerdictRecord, Digest], ...] | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


def read_counting_verdicts(
    project: Project, record: VersionRecord, digest: Digest
) -> CountingVerdicts:
    """Read the verdicts on this very record that HEAD has, of all stages that there are.

    Raise MlverError where one of them cannot be read, is missing in the work tree, or is another
    there.
    """
    folder = layout.attached_folder("verdict", record.model)
    require_as_committed(project.repository, project.registry, folder)
    committed = list_committed(project.repository, folder)
    counting: list[tuple[VerdictRecord, Digest]] = []
    for stage in list_judged_stages(project.registry, record.model):
        if not is_known_stage(project.registry, record.model, stage):
            continue
        for verdict, own in VERDICTS.read_digested(project.registry, record.model, stage):
            if verdict.record == digest and verdict.record_path in committed:
                counting.append((verdict, own))
    faults = find_late_verdicts(project.repository, [verdict for verdict, _ in counting])
    return CountingVerdicts(verdicts=tuple(counting), faults=faults)
