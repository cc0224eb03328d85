"""What `mlver verify` says of the tags that seal versions, and of their signatures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.findings import Finding
from mlver.policy.chain import SignatureState, judge_seal, judge_signature
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.project.tags.signing import find_before_signing
from mlver.records import layout
from mlver.records.tags import version_tag_name
from mlver.records.version import VersionRecord

DigestedRecord = tuple[VersionRecord, Digest]


@dataclass(frozen=True, slots=True)
class SignatureCounts:
    """How many version tags carry a good signature, one that cannot be judged here, or none; bad
    ones are `broken`.
    """

    good: int
    unknown: int
    unsigned: int


@dataclass(frozen=True, slots=True)
class SealReport:
    """What is wrong with tags and their signatures; `adopted` are versions whose tags cannot seal
    them, and need not.

    `notes` name seals that are missing in a clone without all tags.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    adopted: tuple[str, ...]
    signatures: SignatureCounts


def _find_unsigned(
    project: Project, model: str, signatures: Mapping[str, SignatureState]
) -> frozenset[str]:
    """The versions whose seals have no good signature, though signatures were asked for when they
    were registered.
    """
    wanting: dict[str, str] = {}
    for version, state in signatures.items():
        if state != "good":
            wanting[version] = layout.version_path(model, version)
    older = find_before_signing(project.repository, wanting.values())
    return frozenset(version for version, path in wanting.items() if path not in older)


def check_seals(project: Project, records: Sequence[DigestedRecord]) -> SealReport:
    """Judge the tag of each version, and its signature."""
    required = seals.requires_signatures(project)
    digests: dict[str, dict[str, Digest]] = {}
    for record, digest in records:
        digests.setdefault(record.model, {})[record.version] = digest
    findings: list[Finding] = []
    notes: list[Finding] = []
    adopted: list[str] = []
    states: Counter[SignatureState] = Counter()
    for model, model_digests in digests.items():
        model_findings: list[Finding] = []
        tagged = seals.read_tagged_seals(project, model, model_digests)
        tags = {version: tag for version, (tag, _) in tagged.items()}
        signatures = seals.check_signatures(project, tags)
        states.update(signatures.values())
        unsigned = _find_unsigned(project, model, signatures) if required else frozenset()
        for version, digest in model_digests.items():
            seal = None
            if version in tagged:
                path = layout.version_path(model, version)
                seal = seals.compare_history(project, path, digest, tagged[version])
            faults = judge_seal(model, version, digest, seal)
            if version in signatures:
                name = version_tag_name(model, version)
                asked = version in unsigned
                faults += judge_signature(name, signatures[version], required=asked)
            model_findings += faults
            if seal and seal.landing and not faults:
                adopted.append(f"{model}@{version}")
        missing = _find_missing_tags(project, model, model_findings)
        notes += missing
        # What no tag seals here may well be sealed where this clone came from.
        findings += [fault for fault in model_findings if not missing or fault.kind != "unsealed"]
    findings += seals.check_origins(project, (record for record, _ in records))
    counts = SignatureCounts(states["good"], states["unknown"], states["unsigned"])
    return SealReport(tuple(findings), tuple(notes), tuple(adopted), counts)


def _find_missing_tags(
    project: Project, model: str, findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Say in one finding that versions are unsealed because this clone lacks tags."""
    count = sum(finding.kind == "unsealed" for finding in findings)
    if not count or not seals.lacks_tags(project, model):
        return ()
    message = f"no tag here seals {count:,} of its versions; this clone lacks history or tags"
    fetch = "git fetch --tags"
    if project.repository.is_shallow():
        fetch = "git fetch --unshallow --tags"
    return (Finding("unsealed", model, message, (fetch,)),)
