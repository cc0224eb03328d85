"""What a note, a retirement, a reproduction, a verdict, a rollout, an authorisation or a deployment
says of other records: of the one before it, and of versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.policy.promotion_dates import find_early_date
from mlver.project.history.landed_verdicts import is_known_stage
from mlver.project.project import Project
from mlver.project.registry.attached import find_link_digest
from mlver.records import layout
from mlver.records.retirement import RetirementRecord

if TYPE_CHECKING:
    from mlver.policy.renumber import ChainedRecord
    from mlver.records.authorisation import AuthorisationRecord
    from mlver.records.deployment import DeploymentRecord
    from mlver.records.reproduction import ReproductionRecord
    from mlver.records.verdict import VerdictRecord


def judge_link(
    project: Project, record: ChainedRecord | AuthorisationRecord | DeploymentRecord
) -> Iterator[Finding]:
    """Judge whether a numbered record names the one before it, so that none is lost or put in."""
    path = record.record_path
    folder = path.rpartition("/")[0]
    before = record.sequence - 1
    digest = None
    if before:
        digest = find_link_digest(project.registry, folder, before)
    log_command = shell_command("git", "log", "-p", "--", folder)
    if before and digest is None:
        yield Finding("chain", path, f"follows {before:04d}, which is not here", (log_command,))
    elif record.prior != digest:
        message = f"follows another {before:04d} than the one here"
        if not before:
            message = "is the first, and names one before it"
        yield Finding("chain", path, message, (log_command,))


def judge_retirement(project: Project, record: RetirementRecord) -> Iterator[Finding]:
    """Judge whether the successor is a version that is here, and whether the date can be right.

    A retirement may be older than the one before it: a merge may have put it there.
    """
    path = record.record_path
    log_command = shell_command("git", "log", "-p", "--", path)
    successor = record.in_favour_of
    if successor is not None:
        digest = project.registry.read_version_digest(record.model, successor.version)
        name = successor.version
        if digest is None:
            message = f"names {name} as the version to use instead, which has no record"
            yield Finding("record", path, message, (log_command,))
        elif digest != successor.record:
            message = f"was given for another record of {name} than the one here"
            version_path = layout.version_path(record.model, name)
            next_command = shell_command("git", "log", "-p", "--", path, version_path)
            yield Finding("record", path, message, (next_command,))
    # A version that cannot be read is a finding of its own.
    with suppress(MlverError):
        version, _ = project.registry.read_version(record.model, record.version)
        early = find_early_date(record.created, version.created)
        if early is not None:
            yield Finding("date", path, early, (log_command,))


def judge_trained_again(project: Project, record: ReproductionRecord) -> Iterator[Finding]:
    """Judge whether the answer of a reproduction agrees with what it says came out, and its date
    with the version's.
    """
    path = record.record_path
    log_command = shell_command("git", "log", "-p", "--", path)
    # A version that cannot be read is a finding of its own.
    with suppress(MlverError):
        version, _ = project.registry.read_version(record.model, record.version)
        is_same = record.weights == version.weights.digest
        if is_same != (record.answer == "identical"):
            message = "says `identical`, and that other weights came out than the version has"
            if is_same:
                message = f"says `{record.answer}`, and that the version's own weights came out"
            yield Finding("record", path, message, (log_command,))
        early = find_early_date(record.created, version.created)
        if early is not None:
            yield Finding("date", path, early, (log_command,))
    values = record.values
    if record.answer == "within" and values is not None:
        is_within = values.largest is not None and values.largest <= values.tolerance
        if not is_within:
            message = f"says `within` {values.tolerance}, and that numbers differ by more"
            yield Finding("record", path, message, (log_command,))


def judge_verdict(project: Project, record: VerdictRecord) -> Iterator[Finding]:
    """Judge whether the counts of a verdict give its answer, and whether its stage, and the version
    that it was compared with, are here.
    """
    # imported here: hardly any repository has a verdict
    from mlver.policy.verdict_rule import find_false_verdict

    path = record.record_path
    log_command = shell_command("git", "log", "-p", "--", path)
    fault = find_false_verdict(record)
    if fault is not None:
        yield Finding("record", path, fault, (log_command,))
    if not is_known_stage(project.registry, record.model, record.stage):
        message = f"is about {record.stage}, a stage that neither settings nor promotions name"
        yield Finding("record", path, message, (log_command,))
    if record.baseline is not None:
        name = record.baseline.version
        if name == record.version:
            yield Finding("record", path, "compares a version with itself", (log_command,))
        digest = project.registry.read_version_digest(record.model, name)
        if digest != record.baseline.record:
            message = f"compares with {name}, which has no record"
            if digest is not None:
                message = f"compares with another record of {name} than the one here"
            yield Finding("record", path, message, (log_command,))
    # A version that cannot be read is a finding of its own.
    with suppress(MlverError):
        version, _ = project.registry.read_version(record.model, record.version)
        early = find_early_date(record.created, version.created)
        if early is not None:
            yield Finding("date", path, early, (log_command,))
