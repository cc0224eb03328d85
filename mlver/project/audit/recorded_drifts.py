"""A recorded drift, held against its version, its own numbers, and the profiles that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.policy.drift.contradictions import find_false_own
from mlver.policy.drift.recorded import find_false_measure, find_other_side, list_contradictions
from mlver.policy.promotion_dates import find_early_date
from mlver.project.artifacts.kept_profiles import read_profile, read_unpinned_profile
from mlver.project.history.data_uses import find_own_data
from mlver.project.project import Project
from mlver.records.evaluation import EvaluationRecord
from mlver.records.measured_drift import MeasuredDrift
from mlver.records.profile import TableProfile
from mlver.records.version import VersionRecord


def judge_recorded_drift(project: Project, record: EvaluationRecord) -> Iterator[Finding]:
    """Judge a drift by all that is here: what cannot be measured again is its author's word."""
    path = record.record_path
    log_command = shell_command("git", "log", "-p", "--", path)
    # A version that cannot be read is a finding of its own.
    with suppress(MlverError):
        version, _ = project.registry.read_version(record.model, record.version)
        for words in _list_faults(project, record, version):
            yield Finding("record", path, words, (log_command,))
        early = find_early_date(record.created, version.created)
        if early is not None:
            yield Finding("date", path, early, (log_command,))


def _list_faults(
    project: Project, record: EvaluationRecord, version: VersionRecord
) -> Iterator[str]:
    yield from list_contradictions(record, version)
    drift = record.drift
    assert drift is not None
    other = find_other_side(record)
    if other is None:
        return
    if drift.kind == "skew":
        own = find_own_data(project.registry, version, other)
        if own is not None:
            yield f"calls served what are the bytes of {own}, which it was trained on"
    profiles = (_find_own_profile(project, version, drift), _find_profile(project, other))
    fault = None if profiles[0] is None else find_false_own(drift, profiles[0])
    old, new = profiles if drift.kind == "skew" else reversed(profiles)
    if fault is None and old is not None and new is not None:
        fault = find_false_measure(drift, old, new)
    if fault is not None:
        yield fault


def _find_own_profile(
    project: Project, version: VersionRecord, drift: MeasuredDrift
) -> TableProfile | None:
    """Find the profile of a version's own data: the one that it pins, where it pins one."""
    # One that is forged, or cannot be read, is named by its own check.
    with suppress(MlverError):
        pinned = read_profile(project, version, drift.dataset)
        if pinned is not None and version.data[drift.dataset].digest == drift.digest:
            return pinned
    return _find_profile(project, drift.digest)


def _find_profile(project: Project, digest: Digest) -> TableProfile | None:
    with suppress(MlverError):
        return read_unpinned_profile(project, digest)
    return None
