"""The date of a record: as old as SOURCE_DATE_EPOCH says, but not later than its commit."""

from __future__ import annotations

import os

from mlver.errors import MlverError, shell_command
from mlver.git.revisions import read_commit_time
from mlver.policy.promotion_dates import find_early_date, find_late_date, format_seconds
from mlver.project.project import Project
from mlver.records.version import VersionRecord

# What can date a record or a commit otherwise than the clock does.
_VARIABLES = ("SOURCE_DATE_EPOCH", "GIT_COMMITTER_DATE")


def require_possible_date(project: Project, kind: str, created: str) -> None:
    """Raise MlverError where a record would be dated later than a commit that is made now.

    Whoever checks it later would take it for a forgery. `kind` says what would be `created` then.
    """
    fixed = [name for name in _VARIABLES if os.environ.get(name)]
    if not fixed:
        return
    now = read_commit_time(project.repository)
    if now is not None and find_late_date(created, now) is not None:
        raise MlverError(
            f"{' and '.join(fixed)} would date the {kind} {created}, and a commit that is made now"
            f" {format_seconds(now)}: no {kind} is dated after its commit",
            hint=shell_command("unset", *fixed),
        )


def require_later_date(kind: str, created: str, version: VersionRecord) -> None:
    """Raise MlverError where a record about a version would be dated before it."""
    early = find_early_date(created, version.created)
    if early is None:
        return
    subject = f"the {kind} of {version.model} {version.version} {early}"
    if os.environ.get("SOURCE_DATE_EPOCH"):
        raise MlverError(f"{subject} by SOURCE_DATE_EPOCH", hint="unset SOURCE_DATE_EPOCH")
    raise MlverError(f"{subject}; set the clock")
