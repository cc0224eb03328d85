"""`mlver deploy NAME --at TIME`: what a target served then, by its records."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.errors import MlverError, printable_name, shell_command
from mlver.policy.time_windows import parse_window
from mlver.project.project import Project
from mlver.project.registry.deployments import list_deployed, read_deployments
from mlver.project.registry.newer_formats import naming_commits
from mlver.records.deployment import DeploymentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedResult:
    """The deployments of `target` that were served at some time of the span, oldest first.

    `start` is when the span begins and `end` when it is over, by UTC.
    """

    target: str
    start: str
    end: str
    deployments: tuple[DeploymentRecord, ...]


def find_served(project: Project, name: str, at: str) -> ServedResult:
    """Find what a target served at a time, or on a day.

    Raise MlverError for one that nothing was ever deployed to.
    """
    window = parse_window(at, "--at", project.record_time)
    with naming_commits(project.repository):
        known = list_deployed(project.registry)
        if name not in known:
            shown = ", ".join(known) or "none"
            raise MlverError(
                f"nothing was ever deployed to {printable_name(name)}; of these targets there are"
                f" records: {shown}",
                hint=shell_command("mlver", "deploy", name, "--dry-run"),
            )
        records = read_deployments(project.registry, name)
    served: list[DeploymentRecord] = []
    for index, record in enumerate(records):
        later = records[index + 1].created if index + 1 < len(records) else None
        if record.created < window.end and (later is None or later > window.start):
            served.append(record)
    return ServedResult(target=name, start=window.start, end=window.end, deployments=tuple(served))
