"""Plans a deployment that keeps what served before, where the layout wants that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlver.digest import Digest
from mlver.project.artifacts import storing
from mlver.project.project import Project
from mlver.project.serving.former import find_former, keep_former_roles
from mlver.project.serving.holders import StageRoles
from mlver.project.serving.plan import DeployPlan, plan_deployment
from mlver.project.serving.targets import FoundTarget
from mlver.records.deployment import DeploymentRecord
from mlver.storage.digests import DigestSet
from mlver.system.folders import FolderTree


def plan_target(
    project: Project,
    target: FoundTarget,
    roles: StageRoles,
    tree: FolderTree | None,
    records: Sequence[DeploymentRecord],
) -> DeployPlan:
    """Compare a target with its stages, as `plan_deployment` does.

    What served before may be what lost its bytes, so that going back from it is not held up by it.
    """
    keeping = keep_former_roles(project, target, roles, find_former(target, records))
    plan = plan_deployment(project, target, keeping, tree, records)
    added = {holder.digest for holder in keeping.kept} - {holder.digest for holder in roles.kept}
    lost = DigestSet.from_digests(_iterate_lacking(plan, added))
    if not lost or not storing.open_store(project).select_missing(lost):
        return plan
    return plan_deployment(project, target, roles, tree, records)


def _iterate_lacking(plan: DeployPlan, records: set[Digest]) -> Iterator[Digest]:
    """The contents that these versions lack in the folder of the target."""
    for version in plan.versions:
        files = version.files.served.files
        if version.files.served.record in records:
            paths = files if version.is_new else version.state.lacking
            yield from (files[path] for path in paths)
