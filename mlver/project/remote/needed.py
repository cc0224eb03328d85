"""The objects that versions need, which travel by remotes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.project.artifacts import damage
from mlver.project.artifacts.measuring import pinned_files, stored_files
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


def list_needed(
    project: Project, records: Iterable[VersionRecord], only: Collection[str] = ()
) -> DigestSet:
    """The objects that mlver keeps of these versions: of the artifacts `only`, or of all.

    Raise MlverError where a manifest is missing or damaged.
    """
    return DigestSet.from_raw(_read_needed(project, records, only))


def _read_needed(
    project: Project, records: Iterable[VersionRecord], only: Collection[str]
) -> Iterator[bytes]:
    for record in records:
        for artifact in record.select_artifacts(only).values():
            if not artifact.stored:
                continue
            for _, hexadecimal in stored_files(project, artifact):
                yield bytes.fromhex(hexadecimal)


def list_samples(project: Project, records: Iterable[VersionRecord]) -> DigestSet:
    """The samples of these versions' evaluations, which gates are judged by.

    Evaluations that cannot be read are for `verify` to name.
    """
    samples: list[Digest] = []
    for record in records:
        with suppress(MlverError):
            for evaluation, _ in project.registry.read_evaluations(record.model, record.version):
                if evaluation.samples is not None:
                    samples.append(evaluation.samples)
    return DigestSet.from_digests(samples)


def add_samples(project: Project, records: Iterable[VersionRecord], needed: DigestSet) -> DigestSet:
    """Add the samples of these versions' evaluations that are here, for gates elsewhere.

    Another clone may have those that are not: nobody else can send them.
    """
    samples = set(list_samples(project, records))
    present = samples - open_store(project).find_missing(samples)
    if not present:
        return needed
    return DigestSet.from_digests([*needed, *present])


def add_pinned(project: Project, needed: DigestSet) -> DigestSet:
    """Add what is here of the data sets that the settings pin, for evaluations elsewhere.

    What a version here has encrypted is not sent in plain text, whatever pins it.
    """
    pinned: list[Digest] = []
    with suppress(MlverError):
        for pin in project.registry.read_config().datasets.values():
            artifact = Artifact(path=pin.path, digest=pin.digest, size=0, files=1, stored=True)
            with suppress(MlverError):
                listing = stored_files(project, artifact)
                pinned += [Digest(hexadecimal) for _, hexadecimal in listing]
    if not pinned:
        return needed
    present = set(pinned) - open_store(project).find_missing(pinned)
    present -= _list_secret(project)
    if not present:
        return needed
    return DigestSet.from_digests([*needed, *present])


def _list_secret(project: Project) -> set[Digest]:
    """List the plain contents of the artifacts that versions have encrypted."""
    secret: set[Digest] = set()
    for record in read_versions(project):
        for artifact in record.named_artifacts().values():
            if artifact.encrypted is not None:
                plain = pinned_files(project, artifact)
                secret.update(Digest(hexadecimal) for _, hexadecimal in plain)
    return secret


def read_versions(project: Project) -> list[VersionRecord]:
    """The record of every version here; one that cannot be read is for `verify` to name."""
    records: list[VersionRecord] = []
    for model in project.registry.list_models():
        for number in project.registry.list_versions(model):
            with suppress(MlverError):
                record, _ = project.registry.read_version(model, number)
                records.append(record)
    return records


def describe_lacking(
    project: Project,
    records: Collection[VersionRecord],
    lacking: DigestSet,
    message: str,
    hints: tuple[str, ...] = (),
) -> tuple[Finding, ...]:
    """A finding for each artifact that lacks objects, which tells how many it lacks."""
    findings: list[Finding] = []
    for record in records:
        for name, artifact in record.named_artifacts().items():
            if not artifact.stored:
                continue
            with suppress(MlverError):
                entries = stored_files(project, artifact)
                raw_digests = (bytes.fromhex(hexadecimal) for _, hexadecimal in entries)
                count = sum(lacking.find_rank(raw) is not None for raw in raw_digests)
                if count:
                    subject = damage.name_artifact(record, name)
                    text = f"{count:,} of {artifact.files:,} files {message}"
                    findings.append(Finding("object", subject, text, hints))
    return tuple(findings)
