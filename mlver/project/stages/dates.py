"""The date of a promotion: never before the promotion that it follows, nor before its version."""

from __future__ import annotations

import os
from collections.abc import Iterable

from mlver.errors import MlverError
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds, format_seconds
from mlver.project.edit.record_date import require_possible_date
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import LAST_SECOND, Project
from mlver.records.promotion import Action, PromotionRecord
from mlver.records.rollout import RolloutRecord
from mlver.records.version import VersionRecord


def choose_date(
    project: Project,
    action: Action,
    history: StageHistory,
    version: VersionRecord,
    opening: Iterable[PromotionRecord | RolloutRecord] = (),
) -> str:
    """Choose what a new promotion says of when it was made.

    Where the clock is behind the stage's last promotion, the version or the `opening` promotions
    and rollouts, which let it in, that is one second after the latest of them. Raise MlverError
    where it is further behind than clocks differ, but not for a rollback, which must not wait for a
    clock; and where its commit would be older than clocks differ.
    """
    now = project.record_time
    earliest, subject = version.created, f"{version.model} {version.version}"
    followed: list[PromotionRecord | RolloutRecord] = list(opening)
    if history:
        last_record, _ = history[-1]
        followed.append(last_record)
    for record in followed:
        if record.created >= earliest:
            earliest = record.created
            subject = f"{record.stage}/{record.sequence:04d}"
    behind = count_seconds(earliest) - count_seconds(now)
    if behind > CLOCK_TOLERANCE_S and action != "rollback":
        raise _build_clock_error(now, earliest, subject)
    created = now
    if behind > 0:
        created = format_seconds(min(count_seconds(earliest) + 1, LAST_SECOND))
    # A rollback that is dated by what it follows may be later than its commit.
    if action != "rollback":
        require_possible_date(project, "promotion", created)
    elif behind <= 0:
        require_possible_date(project, "rollback", created)
    return created


def _build_clock_error(now: str, earliest: str, subject: str) -> MlverError:
    rule = "and no promotion is dated before what it follows"
    if os.environ.get("SOURCE_DATE_EPOCH"):
        return MlverError(
            f"SOURCE_DATE_EPOCH stands for {now}, but {subject} is of {earliest}, {rule}",
            hint="unset SOURCE_DATE_EPOCH",
        )
    return MlverError(
        f"the clock says {now}, but {subject} is of {earliest}, {rule}; set the clock"
    )
