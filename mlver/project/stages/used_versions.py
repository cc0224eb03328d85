"""The versions of other models that a version uses, as they are now: for the gate `uses`."""

from __future__ import annotations

from mlver.errors import MlverError
from mlver.policy.gates.gate import UsedVersion
from mlver.project.history.version_uses import find_used
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_retirement
from mlver.records import layout
from mlver.records.references import VersionUse
from mlver.records.version import VersionRecord


def read_used(project: Project, record: VersionRecord) -> tuple[UsedVersion, ...]:
    """Read every version that a version uses, and those that these use in turn.

    Raise MlverError where a retirement that HEAD has is missing in the work tree.
    """
    found: list[UsedVersion] = []
    known: set[VersionUse] = set()
    waiting = list(record.uses)
    while waiting:
        use = waiting.pop(0)
        if use in known:
            continue
        known.add(use)
        used, further = _read_use(project, use)
        found.append(used)
        waiting += further
    return tuple(found)


def _read_use(project: Project, use: VersionUse) -> tuple[UsedVersion, tuple[VersionUse, ...]]:
    """Judge the record that was used, also where a merge gave it another number since."""
    found = find_used(project.registry, use)
    version = use.version if found is None else found[0].version
    name = f"{use.model}@{version}"
    folder = layout.attached_folder("retirement", use.model, version)
    require_as_committed(project.repository, project.registry, folder)
    try:
        record, _ = found or project.registry.read_version(use.model, version)
        retirement = find_retirement(project.registry, use.model, version)
    except MlverError as error:
        return UsedVersion(name=name, fault=error.message), ()
    used = UsedVersion(
        name=name,
        is_other_record=found is None,
        retired=None if retirement is None else retirement.reason,
    )
    return used, record.uses
