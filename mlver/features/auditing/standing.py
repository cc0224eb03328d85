"""What does not hold any more, though no record is damaged: approvals, and the use of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.auditing.scope import AuditScope
from mlver.findings import Finding
from mlver.policy.approvals import (
    ANYBODY,
    ApprovalTerms,
    GivenApproval,
    find_binding_fault,
    find_revoked,
    read_requirement,
)
from mlver.policy.authorisation import judge_standing, list_purposes
from mlver.policy.chain import PromotionChain
from mlver.project.audit.audit import describe_failure
from mlver.project.history.data_uses import find_data_uses
from mlver.project.history.policies import read_judging_rules
from mlver.project.history.stage_history import find_baseline
from mlver.project.project import Project
from mlver.project.registry.authorisations import list_authorised, read_authorisations
from mlver.records import layout
from mlver.version import parse_version

Chains = Mapping[tuple[str, str], PromotionChain]
# Of a version whose record is gone: nothing was given to that.
_NO_RECORD = Digest("0" * 64)


# -- approvals -------------------------------------------------------------------------------------


def list_unbound(project: Project, scope: AuditScope, chains: Chains) -> list[Finding]:
    """List the approvals that were never used and would not count any more, and say why not."""
    findings: list[Finding] = []
    for (model, stage), chain in chains.items():
        if stage not in scope.stages.get(model, ()):
            continue
        try:
            findings += _list_unbound(project, model, stage, chain)
        except MlverError as error:
            findings.append(describe_failure(layout.stage_folder(model, stage), error))
    return findings


def _list_unbound(
    project: Project, model: str, stage: str, chain: PromotionChain
) -> Iterator[Finding]:
    given = _read_given(project, model, stage)
    if not given:
        return
    judging = read_judging_rules(project, stage)
    spent = {approval.record for record, _ in chain for approval in record.approvals}
    for version, approvals in given.items():
        present = project.registry.read_version_digest(model, version)
        terms = ApprovalTerms(
            stage=stage,
            record=present or _NO_RECORD,
            policy=judging.reference.digest,
            baseline=find_baseline(chain),
        )
        requirement = read_requirement(judging.policies[-1]) or ANYBODY
        revoked = find_revoked(requirement, approvals)
        for one in approvals:
            # Nobody could bind one of the first format.
            is_bound = one.record.action == "approve" and one.record.format > 1
            fault = find_binding_fault(one, terms) if is_bound else None
            if fault is None or one.digest in revoked or one.digest in spent:
                continue
            path = one.record.record_path
            message = f"is {one.record.author}'s yes to {version} for {stage}, which {fault}"
            show = shell_command("git", "log", "-p", "--", path)
            yield Finding("record", path, message, (show,))


def _read_given(project: Project, model: str, stage: str) -> dict[str, list[GivenApproval]]:
    """Read the approvals of a model's versions for a stage; versions without any are left out."""
    given: dict[str, list[GivenApproval]] = {}
    for name in project.registry.list_names(f"{layout.model_folder(model)}/approvals"):
        for record, digest in project.registry.read_approvals(model, parse_version(name), stage):
            approval = GivenApproval(record=record, digest=digest, landed=None)
            given.setdefault(name, []).append(approval)
    return given


# -- data ------------------------------------------------------------------------------------------


def list_withdrawn(project: Project, scope: AuditScope) -> list[Finding]:
    """List the versions in these stages that were trained on data which may not be used any more.

    That is data of which some purpose was allowed once, and is not now.
    """
    findings: list[Finding] = []
    try:
        for data in list_authorised(project.registry):
            findings += _list_withdrawn(project, scope, data)
    except MlverError as error:
        findings.append(describe_failure(layout.AUTHORISATIONS, error))
    return findings


def _list_withdrawn(project: Project, scope: AuditScope, data: Digest) -> Iterator[Finding]:
    records = read_authorisations(project.registry, data)
    lost: list[str] = []
    for purpose in list_purposes(records):
        found = judge_standing(records, purpose, project.record_time)
        if found.standing == "withdrawn" and found.record is not None:
            lost.append(f"{purpose} was withdrawn on {found.record.created[:10]}")
        elif found.standing == "ended" and found.record is not None:
            lost.append(f"{purpose} ended on {found.record.until}")
    withdrawals = [record for record in records if record.action == "withdraw"]
    if not lost and withdrawals and not list_purposes(records):
        lost.append(f"everything was withdrawn on {withdrawals[-1].created[:10]}")
    if not lost:
        return
    for use in find_data_uses(project.registry, data).uses:
        asked = [stage for stage in use.stages if stage in scope.stages.get(use.model, ())]
        for stage in asked:
            through = "" if use.through is None else f" through {use.through}"
            message = (
                f"holds {stage}, and was trained{through} on data {data}, of which the"
                f" authorisation for {'; '.join(lost)}"
            )
            subject = f"{use.model}@{use.version}"
            rollback = shell_command("mlver", "rollback", use.model, "--stage", stage, "-m", "WHY")
            yield Finding("policy", subject, message, (rollback,))
