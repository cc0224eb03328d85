"""Deployments of targets: each can be read, follows the one before it, and names what there is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.policy.promotion_dates import find_early_date
from mlver.project.audit.attached_links import judge_link
from mlver.project.audit.audit import catch_errors, describe_unreadable
from mlver.project.project import Project
from mlver.project.registry.attached import ROLLOUTS
from mlver.project.registry.deployments import read_deployment
from mlver.records import layout
from mlver.records.deployment import DeployedShare, DeployedVersion, DeploymentRecord
from mlver.records.deployment_paths import parse_deployment
from mlver.system.folders import walk_folder


def check_deployments(project: Project) -> Iterator[Finding]:
    """Check every file below the folder of deployments."""
    root = os.fspath(paths.join_inside(project.top_folder, layout.DEPLOYMENTS))
    for _, entries in walk_folder(root):
        for entry in entries:
            path = os.path.relpath(entry.path, project.top_folder)
            if entry.is_symlink() and Path(entry.path).is_dir():
                log_command = shell_command("git", "log", "--", path)
                yield Finding("name", path, "is a symlink, which no record is", (log_command,))
            elif not entry.is_dir(follow_symlinks=False):
                yield from catch_errors(path, check_deployment(project, path))


def check_deployment(project: Project, path: str) -> Iterator[Finding]:
    """Check the record at a path: its name, what it says, and the one that it follows."""
    place = parse_deployment(path)
    log_command = shell_command("git", "log", "-p", "--", path)
    if place is None:
        yield Finding("name", path, "is no record's name", (log_command,))
        return
    try:
        record = read_deployment(project.registry, place.target, place.sequence)
    except MlverError as error:
        yield describe_unreadable(project, "record", path, error)
        return
    yield from catch_errors(path, judge_link(project, record))
    for served in (*record.roles.values(), *record.kept):
        yield from _judge_version(project, record, served)
    yield from catch_errors(path, _judge_origins(project, record))


def judge_incoming_deployment(project: Project, path: str, hint: str) -> Iterator[Finding]:
    """Judge one that is coming in; `hint` is the command that shows it."""
    for finding in check_deployment(project, path):
        yield replace(finding, hints=(hint,))


def _judge_version(
    project: Project, record: DeploymentRecord, served: DeployedVersion
) -> Iterator[Finding]:
    """Judge whether a version that was served is the one here, and the date of the record."""
    path = record.record_path
    version_path = layout.version_path(record.model, served.version)
    log_command = shell_command("git", "log", "-p", "--", path, version_path)
    digest = project.registry.read_version_digest(record.model, served.version)
    if digest is None:
        message = f"says that {record.model} {served.version} was served, which has no record"
        yield Finding("record", path, message, (log_command,))
    elif digest != served.record:
        message = f"served another record of {served.version} than the one here"
        yield Finding("record", path, message, (log_command,))
    # A version that cannot be read is a finding of its own.
    with suppress(MlverError):
        version, _ = project.registry.read_version(record.model, served.version)
        early = find_early_date(record.created, version.created)
        if early is not None:
            yield Finding("date", path, early, (log_command,))


def _judge_origins(project: Project, record: DeploymentRecord) -> Iterator[Finding]:
    """Judge whether a promotion, or a rollout, brought each version to its role."""
    for role, served in record.roles.items():
        path = record.find_origin(role)
        if path is None:
            continue
        log_command = shell_command("git", "log", "-p", "--", record.record_path, path)
        if project.registry.read_file(path) is None:
            message = f"says that {path} brought {served.version} there, which is not here"
            yield Finding("record", record.record_path, message, (log_command,))
        elif not _agrees_with_origin(project, record, role):
            message = f"says that {path} brought {served.version} there, and that did not"
            yield Finding("record", record.record_path, message, (log_command,))


def _agrees_with_origin(project: Project, record: DeploymentRecord, role: str) -> bool:
    served = record.roles[role]
    assert served.stage is not None
    assert served.sequence is not None
    if not record.is_candidate(role):
        promotion, _ = project.registry.read_promotion(record.model, served.stage, served.sequence)
        return promotion.action != "retire" and promotion.record == served.record
    rollout = ROLLOUTS.read(project.registry, record.model, served.stage, served.sequence)
    share = DeployedShare(strategy=rollout.strategy, percent=rollout.share, header=rollout.header)
    return rollout.action != "withdraw" and (rollout.record, share) == (served.record, record.share)
