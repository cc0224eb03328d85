"""The date of a version: as old as SOURCE_DATE_EPOCH says, but not later than its commit."""

from __future__ import annotations

import os

from mlver.errors import MlverError
from mlver.git.revisions import read_commit_time
from mlver.policy.promotion_dates import find_late_date, format_seconds
from mlver.project.project import Project


def require_possible_date(project: Project) -> None:
    """Raise MlverError where a version would be dated later than a commit that is made now.

    Whoever checks it later would take it for a forgery.
    """
    if not os.environ.get("SOURCE_DATE_EPOCH"):
        return
    now = read_commit_time(project.repository)
    created = project.record_time
    if now is not None and find_late_date(created, now) is not None:
        raise MlverError(
            f"SOURCE_DATE_EPOCH stands for {created}, and a commit that is made now is of"
            f" {format_seconds(now)}: no version is dated after its commit",
            hint="unset SOURCE_DATE_EPOCH",
        )
