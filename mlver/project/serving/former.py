"""What a target served before, and keeps where its layout wants that: going back is quick then."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from mlver.errors import MlverError
from mlver.policy.serving.roles import keep_former
from mlver.policy.serving.served import ServedTarget, ServedVersion
from mlver.project.project import Project
from mlver.project.serving.holders import RoleHolder, StageRoles
from mlver.project.serving.places import select_records
from mlver.project.serving.rendered import recall_target
from mlver.project.serving.targets import FoundTarget
from mlver.project.tags import trust
from mlver.records.deployment import DeploymentRecord
from mlver.version import parse_version


def find_former(
    target: FoundTarget, records: Sequence[DeploymentRecord]
) -> DeploymentRecord | None:
    """Find the last deployment to the folder as it is laid out now."""
    selected = select_records(target, records)
    return selected[-1] if selected else None


def keep_former_roles(
    project: Project, target: FoundTarget, roles: StageRoles, former: DeploymentRecord | None
) -> StageRoles:
    """Add to what stays answerable what the layout keeps of the deployment before.

    A version that nothing vouches for any more is not kept.
    """
    if former is None or not target.layout.keeps_former:
        return roles
    kept = keep_former(recall_target(former), _sketch_target(target, roles)).kept
    added: list[RoleHolder] = []
    for version in kept[len(roles.kept) :]:
        with suppress(MlverError):
            ref = f"{version.model}@{version.version}"
            record, digest = trust.read_vouched_record(project, ref)
            stage, sequence = version.stage, version.sequence
            added.append(RoleHolder(record=record, digest=digest, stage=stage, sequence=sequence))
    return replace(roles, kept=(*roles.kept, *added))


def _sketch_target(target: FoundTarget, roles: StageRoles) -> ServedTarget:
    """What is to be served, without the lists of files."""
    return ServedTarget(
        name=target.name,
        stable=None if roles.stable is None else _sketch_version(roles.stable),
        canary=None if roles.canary is None else _sketch_version(roles.canary),
        share=roles.share,
        kept=tuple(map(_sketch_version, roles.kept)),
    )


def _sketch_version(holder: RoleHolder) -> ServedVersion:
    return ServedVersion(
        model=holder.record.model,
        version=parse_version(holder.record.version),
        record=holder.digest,
        stage=holder.stage,
        sequence=holder.sequence,
        files={},
    )
