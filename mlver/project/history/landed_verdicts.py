"""Whether verdicts can be what they say: about a stage that there is, and of a date that can be."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from mlver.errors import MlverError
from mlver.git.landing_dates import find_landing_dates
from mlver.git.repository import GitRepository
from mlver.policy.promotion_dates import find_late_date
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.verdict import VerdictRecord


def is_known_stage(registry: RecordRegistry, model: str, stage: str) -> bool:
    """Whether the settings name a stage, or a version of the model was ever promoted to it.

    A stage that was renamed in the settings stays one, by what was promoted to it. Settings that
    cannot be read are named by their own check.
    """
    if registry.list_sequences(layout.stage_folder(model, stage)):
        return True
    with suppress(MlverError):
        return stage in registry.read_shown_config().stages
    return True


def find_late_verdicts(
    repository: GitRepository, verdicts: Iterable[VerdictRecord], tip: str = "HEAD"
) -> dict[str, str]:
    """Find, by path, the verdicts that are dated later than their commits allow, and say so.

    What `tip` does not have, and what a shallow clone begins with, has no date to compare with.
    """
    created = {verdict.record_path: verdict.created for verdict in verdicts}
    if not created or (tip == "HEAD" and repository.head().commit is None):
        return {}
    late: dict[str, str] = {}
    for path, committed in find_landing_dates(repository, created, tip).items():
        words = find_late_date(created[path], committed)
        if words is not None:
            late[path] = words
    return late
