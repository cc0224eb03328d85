"""What a rollout says of other records, and whether its share can be: it and the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mlver.errors import MlverError, shell_command
from mlver.findings import Finding, FindingKind
from mlver.policy.promotion_dates import find_early_date
from mlver.policy.rollouts import ends_rollout, find_sequence_fault, find_share_fault
from mlver.project.project import Project
from mlver.project.registry.attached import ROLLOUTS, find_link_digest
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.rollout import RolloutRecord


def judge_rollout(project: Project, record: RolloutRecord) -> Iterator[Finding]:
    """Judge whether a rollout can be: its share, the version it shares with, and its date."""
    for message in (_find_share_fault(record), _find_baseline_fault(project, record)):
        if message is not None:
            yield _report(record, "record", message)
    # A version that cannot be read is a finding of its own.
    with suppress(MlverError):
        version, _ = project.registry.read_version(record.model, record.version)
        early = find_early_date(record.created, version.created)
        if early is not None:
            yield _report(record, "date", early)
    yield from _judge_order(project, record)


def _find_share_fault(record: RolloutRecord) -> str | None:
    if record.action == "withdraw":
        return "withdraws a version, and gives it a share" if record.share else None
    if ends_rollout(record.strategy, record.share):
        return "gives no share, and is no withdrawal"
    fault = find_share_fault(record.strategy, record.share, record.header)
    return None if fault is None else f"cannot be: {fault}"


def _find_baseline_fault(project: Project, record: RolloutRecord) -> str | None:
    name = record.baseline.version
    if name == record.version:
        return "shares the traffic of a version with itself"
    digest = project.registry.read_version_digest(record.model, name)
    if digest is None:
        return f"shares with {name}, which has no record"
    if digest != record.baseline.record:
        return f"shares with another record of {name} than the one here"
    # Of a stage that was held, its promotions tell by whom.
    if not project.registry.list_sequences(layout.stage_folder(record.model, record.stage)):
        return f"shares the traffic of {record.stage}, which no version ever held"
    return None


def _judge_order(project: Project, record: RolloutRecord) -> Iterator[Finding]:
    """Judge a rollout by the one before it; that it names that one is judged with its chain."""
    before: RolloutRecord | None = None
    if record.sequence > 1:
        try:
            before = ROLLOUTS.read(
                project.registry, record.model, record.stage, record.sequence - 1
            )
        except MlverError:
            return  # its own check names it
    fault = find_sequence_fault(record, before)
    if fault is not None:
        yield _report(record, "chain", fault)
    if before is None or record.renumbered is not None:
        return
    if record.action == "open" and _is_still_open(project, before, record):
        message = f"was opened while {before.sequence:04d} was open, and a stage has one at a time"
        yield _report(record, "chain", message)
    if record.created < before.created:
        message = f"is dated {record.created}, before the one that it follows ({before.created})"
        yield _report(record, "date", message)


def _is_still_open(project: Project, before: RolloutRecord, record: RolloutRecord) -> bool:
    """Say whether a rollout was open, without a doubt, when the one after it was made."""
    if before.action == "withdraw" or before.baseline != record.baseline:
        return False
    folder = layout.attached_folder("rollout", before.model, before.stage)
    digest = find_link_digest(project.registry, folder, before.sequence)
    # A stage that cannot be read is a finding of its own.
    with suppress(MlverError):
        for promotion, _ in project.registry.read_history(before.model, before.stage):
            is_between = before.created <= promotion.created <= record.created
            if promotion.rollout == digest or (is_between and _names_other(promotion, before)):
                return False
        return True
    return False


def _names_other(promotion: PromotionRecord, rollout: RolloutRecord) -> bool:
    """Say whether a promotion took the stage from the version that a rollout shares with."""
    held = VersionReference(promotion.version, promotion.record)
    return promotion.action == "retire" or held != rollout.baseline


def _report(record: RolloutRecord, kind: FindingKind, message: str) -> Finding:
    show_log = shell_command("git", "log", "-p", "--", record.record_path)
    return Finding(kind, record.record_path, message, (show_log,))
