"""What promotions say of other records: what they were compared with, and who approved them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.project.project import Project
from mlver.records.approval import ApprovalRecord
from mlver.records.promotion import ApprovalReference, PromotionRecord


def find_baseline_faults(
    record: PromotionRecord,
    before: PromotionRecord | None,
    held: Collection[tuple[str, Digest]],
) -> Iterator[str]:
    """Say what is wrong with the version that a promotion says it was compared with.

    `held` are the versions that its stage held `before`, each with the digest of its record.
    """
    baseline = record.baseline
    if baseline is None:
        return
    named = (baseline.version, baseline.record)
    if record.renumbered is not None:
        # It was made beside others of its stage: what held it then is among these.
        is_holder = named in held
    else:
        is_holder = before is not None and named == (before.version, before.record)
    if not is_holder:
        yield f"says that it was compared with {baseline.version}, which did not hold the stage"


def find_false_approvals(project: Project, records: Sequence[PromotionRecord]) -> Iterator[Finding]:
    """Find promotions that name approvals which nobody gave.

    Of one that a merge renumbered, its approvals may be left out: nobody can tell.
    """
    claiming = [record for record in records if record.approvals and record.renumbered is None]
    given: dict[str, dict[Digest, ApprovalRecord]] = {}
    for model in {record.model for record in claiming}:
        given[model] = _read_approvals(project, model)
    for record in claiming:
        for reference in record.approvals:
            fault = _find_approval_fault(record, reference, given[record.model])
            if fault is not None:
                show_log = shell_command("git", "log", "-p", "--", record.record_path)
                message = f"says that {reference.approver} approved it, {fault}"
                yield Finding("gate", record.record_path, message, (show_log,))


def _find_approval_fault(
    record: PromotionRecord,
    reference: ApprovalReference,
    given: dict[Digest, ApprovalRecord],
) -> str | None:
    approval = given.get(reference.record)
    if approval is None:
        return "in a record that is not here"
    if approval.action != "approve" or approval.author != reference.approver:
        return f"in a record that is no yes of theirs: {approval.record_path}"
    if (approval.record, approval.stage) != (record.record, record.stage):
        return f"in a record of something else: {approval.record_path}"
    return None


def _read_approvals(project: Project, model: str) -> dict[Digest, ApprovalRecord]:
    """Read the approvals of a model's versions, by the digest of each; those that cannot be read
    are named by their own check.
    """
    approvals: dict[Digest, ApprovalRecord] = {}
    for number in project.registry.list_versions(model):
        with suppress(MlverError):
            for approval, digest in project.registry.read_approvals(model, number):
                approvals[digest] = approval
    return approvals
