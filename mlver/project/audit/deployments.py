"""Deployments of targets: each can be read, follows the one before it, and names what there is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.policy.promotion_dates import find_early_date
from mlver.project.audit.attached_links import judge_link
from mlver.project.audit.audit import catch_errors, describe_unreadable
from mlver.project.audit.deployment_landings import (
    LandedDeployment,
    judge_deployment_landings,
)
from mlver.project.project import Project
from mlver.project.registry.deployments import read_deployment, read_origin
from mlver.records import layout
from mlver.records.deployment import DeployedShare, DeployedVersion, DeploymentRecord
from mlver.records.deployment_paths import parse_deployment
from mlver.records.promotion import PromotionRecord
from mlver.records.rollout import RolloutRecord
from mlver.system.folders import walk_folder


def check_deployments(project: Project) -> Iterator[Finding]:
    """Check every file below the folder of deployments."""
    root = os.fspath(paths.join_inside(project.top_folder, layout.DEPLOYMENTS))
    found: list[str] = []
    for _, entries in walk_folder(root):
        for entry in entries:
            path = os.path.relpath(entry.path, project.top_folder)
            if entry.is_symlink() and Path(entry.path).is_dir():
                log_command = shell_command("git", "log", "--", path)
                yield Finding("name", path, "is a symlink, which no record is", (log_command,))
            elif not entry.is_dir(follow_symlinks=False):
                found.append(path)
                yield from catch_errors(path, check_deployment(project, path))
    yield from judge_landings(project, found)


def judge_landings(project: Project, paths: Iterable[str], tip: str = "HEAD") -> Iterator[Finding]:
    """Judge the deployments at these paths by the commits that brought them, up to `tip`."""
    deployments: list[LandedDeployment] = []
    for place in filter(None, map(parse_deployment, paths)):
        # One that cannot be read is a finding of its own.
        with suppress(MlverError):
            record = read_deployment(project.registry, place.target, place.sequence)
            deployments.append(_describe_landed(project, record))
    yield from judge_deployment_landings(project.repository, deployments, tip)


def _describe_landed(project: Project, record: DeploymentRecord) -> LandedDeployment:
    former = None
    with suppress(MlverError):
        former = read_deployment(project.registry, record.target, record.sequence - 1).created
    origins: set[str] = set()
    overtaking: list[str] = []
    for role, served in record.roles.items():
        with suppress(MlverError):
            origin = read_origin(project.registry, record, role)
            if origin is None:
                continue
            origins.add(origin.created)
            following = replace(served, sequence=origin.sequence + 1)
            later = replace(record, roles={**record.roles, role: following})
            overtaker = read_origin(project.registry, later, role)
            if overtaker is not None and overtaker.created < record.created:
                overtaking.append(overtaker.record_path)
    return LandedDeployment(record, former, frozenset(origins), tuple(overtaking))


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
    """Judge whether a promotion, or a rollout, brought each version to its role, and when."""
    for role, served in record.roles.items():
        path = record.find_origin(role)
        if path is None:
            show_log = shell_command("git", "log", "-p", "--", record.record_path)
            message = f"does not say what brought {served.version} to its role, {role}"
            yield Finding("record", record.record_path, message, (show_log,))
            continue
        log_command = shell_command("git", "log", "-p", "--", record.record_path, path)
        if project.registry.read_file(path) is None:
            message = f"says that {path} brought {served.version} there, which is not here"
            yield Finding("record", record.record_path, message, (log_command,))
            continue
        origin = read_origin(project.registry, record, role)
        assert origin is not None
        if not _agrees_with_origin(record, role, origin):
            message = f"says that {path} brought {served.version} there, and that did not"
            yield Finding("record", record.record_path, message, (log_command,))
        elif find_early_date(record.created, origin.created) is not None:
            message = f"is dated {record.created}, before {path} ({origin.created})"
            yield Finding("date", record.record_path, message, (log_command,))


def _agrees_with_origin(
    record: DeploymentRecord, role: str, origin: PromotionRecord | RolloutRecord
) -> bool:
    served = record.roles[role]
    if isinstance(origin, PromotionRecord):
        return origin.action != "retire" and origin.record == served.record
    share = DeployedShare(strategy=origin.strategy, percent=origin.share, header=origin.header)
    return origin.action != "withdraw" and (origin.record, share) == (served.record, record.share)
