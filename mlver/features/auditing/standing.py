"""What does not hold any more, though no record is damaged: approvals, and the use of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.auditing.scope import AuditScope
from mlver.findings import Finding
from mlver.policy.authorisation import judge_standing, list_purposes
from mlver.policy.chain import PromotionChain, holder_after
from mlver.project.audit.audit import describe_failure
from mlver.project.history.data_uses import find_data_uses
from mlver.project.history.policies import read_judging_rules
from mlver.project.project import Project
from mlver.project.registry.authorisations import list_authorised, read_authorisations
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.version import parse_version

Chains = Mapping[tuple[str, str], PromotionChain]


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
    spent = {approval.record for record, _ in chain for approval in record.approvals}
    waiting: list[ApprovalRecord] = []
    for name in project.registry.list_names(f"{layout.model_folder(model)}/approvals"):
        given = project.registry.read_approvals(model, parse_version(name), stage)
        revoked = {approval.author for approval, _ in given if approval.action == "revoke"}
        for approval, digest in given:
            is_open = approval.action == "approve" and digest not in spent
            if is_open and approval.author not in revoked:
                waiting.append(approval)
    if not waiting:
        return
    policy = read_judging_rules(project, stage).reference.digest
    holder = _Holder(*_find_holder(chain))
    for approval in waiting:
        present = project.registry.read_version_digest(model, approval.version)
        reason = _find_reason(approval, present, policy, holder)
        if reason is not None:
            message = f"is {approval.author}'s yes to {approval.version} for {stage}, {reason}"
            show = shell_command("git", "log", "-p", "--", approval.record_path)
            yield Finding("record", approval.record_path, message, (show,))


@dataclass(frozen=True, slots=True)
class _Holder:
    version: str | None
    record: Digest | None


def _find_holder(chain: PromotionChain) -> tuple[str | None, Digest | None]:
    if not chain:
        return None, None
    record, _ = chain[-1]
    version = holder_after(record)
    return version, None if version is None else record.record


def _find_reason(
    approval: ApprovalRecord, present: Digest | None, policy: Digest, holder: _Holder
) -> str | None:
    """Say why an approval does not count; it is bound to a record, a policy and a baseline."""
    if approval.record != present:
        return "and was given to another record than the one here"
    if approval.format == 1:
        return None
    if approval.policy is None or approval.policy.digest != policy:
        return "and the rule of the stage is another one since"
    baseline = approval.baseline
    given = (None, None) if baseline is None else (baseline.version, baseline.record)
    if given != (holder.version, holder.record):
        return f"and {given[0] or 'nothing'} held the stage then"
    return None


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
