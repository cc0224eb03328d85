"""Which versions `mlver verify` checks, and their records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError
from mlver.features.checking.verified_seals import DigestedRecord
from mlver.findings import Finding
from mlver.project.audit import audit
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.selecting import find_serving
from mlver.project.remote.fetching import fetch_for_reading
from mlver.project.rollouts.open_shares import list_candidates
from mlver.records import layout
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class VerifiedSelection:
    """The models and versions to look at, and what kept some from being listed."""

    models: Sequence[str]
    versions: Sequence[ResolvedRef]
    findings: Sequence[Finding] = ()


def select_versions(
    project: Project, refs: Sequence[str], *, everything: bool
) -> VerifiedSelection:
    """The versions of `refs`; with none, those served now, or (`everything`) all."""
    if refs and everything:
        raise UsageError(
            "--all checks every version; naming some beside it says two things",
            hint="mlver verify --all",
        )
    if refs:
        named = [project.resolve_ref(version_ref) for version_ref in refs]
        return VerifiedSelection(sorted({version_ref.model for version_ref in named}), named)
    try:
        models = project.registry.list_models()
    except MlverError as error:
        return VerifiedSelection([], [], [audit.describe_failure(layout.MODELS, error)])
    versions: list[ResolvedRef] = []
    findings: list[Finding] = []
    for model in models:
        try:
            numbers = project.registry.list_versions(model)
        except MlverError as error:
            findings.append(audit.describe_failure(layout.versions_folder(model), error))
            continue
        serving = None
        if not everything:
            serving = find_serving(project.registry, model, numbers)
            serving.update(list_candidates(project.registry, model))
        for number in numbers:
            if serving is None or str(number) in serving:
                versions.append(ResolvedRef(model, number))
    return VerifiedSelection(models, versions, findings)


def fetch_named(project: Project, refs: Iterable[ResolvedRef]) -> None:
    """Fetch what is not here of the versions that were named, so that it can be read."""
    records: list[VersionRecord] = []
    for ref in refs:
        with suppress(MlverError):  # the check of the record names it
            records.append(project.registry.read_version(ref.model, ref.version)[0])
    fetch_for_reading(project, records)


def read_records(
    project: Project, refs: Iterable[ResolvedRef]
) -> tuple[list[DigestedRecord], list[Finding]]:
    """The records that can be read, and those that cannot or that lie in the wrong place."""
    records: list[DigestedRecord] = []
    findings: list[Finding] = []
    for version_ref in refs:
        try:
            records.append(project.registry.read_version(version_ref.model, version_ref.version))
        except MlverError as error:
            record_path = layout.version_path(version_ref.model, version_ref.version)
            findings.append(audit.describe_unreadable(project, "record", record_path, error))
    return records, findings
