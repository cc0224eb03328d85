"""`mlver verify`: walk tag → record → manifest → object → working file; name every broken link."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.features.checking.verified_kept import check_all_pins
from mlver.features.checking.verified_modes import find_mode_faults, list_pinning
from mlver.features.checking.verified_places import measure_place
from mlver.features.checking.verified_remarks import count_remarks
from mlver.features.checking.verified_remote_data import (
    RemoteDataReport,
    check_remote_data,
    count_read,
)
from mlver.features.checking.verified_seals import (
    SealReport,
    SignatureCounts,
    check_seals,
)
from mlver.features.checking.verified_selection import (
    VerifiedSelection,
    fetch_named,
    read_records,
    select_versions,
)
from mlver.features.checking.verified_stages import StageReport, check_stages
from mlver.findings import Finding
from mlver.hashing.read import PointerFile
from mlver.project.artifacts import damage, measuring
from mlver.project.artifacts.damage import DamageReport
from mlver.project.artifacts.measuring import stored_files
from mlver.project.artifacts.pointers import describe_pointers
from mlver.project.audit import audit
from mlver.project.audit.authorised_data import check_authorisations
from mlver.project.audit.conversion import find_conversion
from mlver.project.audit.deployments import check_deployments
from mlver.project.history import case_twins
from mlver.project.history.lost_code import describe_lost_code
from mlver.project.history.whole_history import read_whole_history
from mlver.project.listings.executors import ExecutorChoice
from mlver.project.project import Project
from mlver.project.transaction import locking
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What was looked at, and every broken link found; `bytes` were read and hashed.

    `adopted` are those of the versions whose tags were there before mlver and seal nothing: the
    commits that landed their records vouch for them. `shallow`: history was looked at, but this
    clone does not have the whole of it. `unkept`, as `MODEL@VERSION NAME`, are data sets that
    nobody keeps where mlver can look, and that were not checked. `before_seals` counts the
    promotions that are older than seals. `noted` counts notes on versions, and `retirements` those
    and restorations; they are only looked at with everything else. `notes` are no damage: bytes
    that this clone was never given, work that is not registered, rules of a newer mlver that
    this one cannot check, promotions that no tag seals yet, seals that this clone lacks because
    it lacks history or tags, and code commits that nothing here leads to. `unconfirmed` is what
    records say and nothing
    confirms, which is only damage where verify is `strict`. `remote_objects` counts the objects at
    an address that were read again.
    """

    versions: tuple[str, ...]
    promotions: int
    before_seals: int
    noted: int
    retirements: int
    files: int
    bytes: int
    everything: bool
    unkept: tuple[str, ...]
    adopted: tuple[str, ...]
    signatures: SignatureCounts
    shallow: bool
    broken: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    unconfirmed: tuple[Finding, ...]
    strict: bool
    remote_objects: int = 0

    @property
    def exit_code(self) -> int:
        if self.broken or (self.strict and self.unconfirmed):
            return 1
        return 0


def verify_versions(
    project: Project,
    refs: Sequence[str] = (),
    *,
    everything: bool = False,
    require_bytes: bool = False,
    strict: bool = False,
    remote_data: RemoteDataOptions | None = None,
) -> VerifyResult:
    """Check the versions `refs` name, or what each model serves now, or (`everything`) all.

    Every record is parsed and every byte hashed, wherever it is kept. With `require_bytes`, a byte
    that is not here to be read is a broken link. `strict` says no where something is only
    unconfirmed. `remote_data`: data at an address are read again there.
    """
    selection = select_versions(project, refs, everything=everything)
    if refs:
        fetch_named(project, selection.versions)
    if everything:
        project = read_whole_history(project)
    checks = _run_checks(
        project,
        selection,
        everything=everything,
        require_bytes=require_bytes,
        remote_data=remote_data,
    )
    result = _build_result(project, selection, checks, everything=everything)
    return replace(result, strict=strict, unkept=() if require_bytes else result.unkept)


def _build_result(
    project: Project, selection: VerifiedSelection, checks: _CheckedVersions, *, everything: bool
) -> VerifyResult:
    stages, seal_report = checks.stages, checks.seals
    artifacts = _list_read(project, checks.versions, checks.contents)
    remarks = count_remarks(project.registry, selection.models if everything else ())
    return VerifyResult(
        versions=tuple(f"{ref.model}@{ref.version}" for ref in selection.versions),
        promotions=stages.promotions,
        before_seals=stages.before_seals,
        noted=remarks.noted,
        retirements=remarks.retirements,
        files=sum(artifact.files for artifact in artifacts),
        bytes=sum(artifact.size for artifact in artifacts),
        everything=everything,
        unkept=_list_unkept(checks.contents),
        adopted=seal_report.adopted,
        signatures=seal_report.signatures,
        # The landing commits that vouch for adopted versions are looked for in history, too.
        shallow=bool(everything or seal_report.adopted) and project.repository.is_shallow(),
        broken=_select_damage(checks.findings),
        notes=tuple(note for note in dict.fromkeys(checks.notes) if note not in checks.findings),
        unconfirmed=(*stages.unconfirmed, *_select_unconfirmed(checks.findings)),
        strict=False,
        remote_objects=checks.remote.objects,
    )


@dataclass(frozen=True, slots=True)
class RemoteDataOptions:
    """Where data at an address are hashed: see ExecutorChoice."""

    executor: str | None = None
    scheduler: str | None = None


@dataclass(frozen=True, slots=True)
class _CheckedVersions:
    """All that the checks say of the versions that could be read."""

    versions: Sequence[VersionRecord]
    seals: SealReport
    contents: DamageReport
    stages: StageReport
    findings: Sequence[Finding]
    notes: Sequence[Finding]
    remote: RemoteDataReport


def _run_checks(
    project: Project,
    selection: VerifiedSelection,
    *,
    everything: bool,
    require_bytes: bool,
    remote_data: RemoteDataOptions | None,
) -> _CheckedVersions:
    records, faults = read_records(project, selection.versions)
    findings = [*audit.check_config(project), *selection.findings, *faults]
    seal_report = check_seals(project, records)
    findings += seal_report.findings
    versions = [record for record, _ in records]
    contents = _check_contents(project, versions, everything=everything)
    remote = RemoteDataReport()
    if remote_data is not None:
        choice = ExecutorChoice(remote_data.executor, remote_data.scheduler)
        remote = check_remote_data(project, versions, choice)
        contents = count_read(contents, remote)
    findings += [*contents.broken, *remote.findings]
    if require_bytes:
        findings += contents.list_unread()
    stages = check_stages(project, selection.models, versions, everything=everything)
    findings += stages.findings
    notes = [*audit.find_unknown_sections(project), *seal_report.notes, *stages.notes]
    notes += [*contents.notes, *_describe_surroundings(project, versions)]
    kept = check_all_pins(project, versions, derive=everything)
    findings += kept.findings
    notes += kept.notes
    findings += _check_rest(project, selection.models, everything=everything)
    # One cause that explains many broken links, and why their hints change nothing.
    if findings:
        findings = [*find_conversion(project), *findings]
    return _CheckedVersions(versions, seal_report, contents, stages, findings, notes, remote)


def _describe_surroundings(
    project: Project, versions: Sequence[VersionRecord]
) -> Iterator[Finding]:
    """Note what is not part of any record: lost code commits, and the state of the work tree."""
    yield from audit.catch_errors("HEAD", describe_lost_code(project, versions))
    yield from _check_working_files(project, versions)


def _check_rest(project: Project, models: Sequence[str], *, everything: bool) -> Iterator[Finding]:
    """Check what lies beside the records of the versions."""
    yield from audit.find_uncommitted(project, models)
    if everything:
        yield from audit.check_repository(project)
        authorisations = check_authorisations(project)
        yield from audit.catch_errors(layout.AUTHORISATIONS, authorisations)
        yield from audit.catch_errors(layout.DEPLOYMENTS, check_deployments(project))
        return
    twins = case_twins.find_version_twins(project, models)
    yield from audit.catch_errors(layout.MODELS, twins)


def _select_damage(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(finding for finding in findings if finding.kind != "unconfirmed"))


def _select_unconfirmed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(finding for finding in findings if finding.kind == "unconfirmed"))


def _list_read(
    project: Project, versions: Iterable[VersionRecord], contents: DamageReport
) -> list[Artifact]:
    """The artifacts whose bytes were read."""
    unread: set[tuple[str, str]] = set()
    for unstored in contents.unstored:
        if not unstored.was_read:
            unread.add((unstored.owner, unstored.name))
    artifacts: list[Artifact] = []
    for record in versions:
        owner = f"{record.model}@{record.version}"
        for name, artifact in record.named_artifacts().items():
            is_absent = artifact.stored and _lacks_objects(project, artifact, contents.absent)
            if not is_absent and (owner, name) not in unread:
                artifacts.append(artifact)
    return artifacts


def _lacks_objects(project: Project, artifact: Artifact, absent: Collection[Digest]) -> bool:
    """Whether some of an artifact's objects are among these."""
    if not absent:
        return False
    names = {digest.hex for digest in absent}
    with suppress(MlverError):  # a manifest with a fault was named already
        return any(hexadecimal in names for _, hexadecimal in stored_files(project, artifact))
    return False


def _list_unkept(contents: DamageReport) -> tuple[str, ...]:
    unkept: list[str] = []
    for artifact in contents.unstored:
        if artifact.state == "lost" and artifact.name != "weights":
            unkept.append(f"{artifact.owner} {artifact.name}")
    return tuple(unkept)


def _check_contents(
    project: Project, versions: Sequence[VersionRecord], *, everything: bool
) -> DamageReport:
    """Manifests and objects; damaged copies are set aside, unless another command is writing."""
    damaged = damage.find_damage(project, versions, everything=everything)
    if damaged.copies:
        # No edit: whatever the settings say, a damaged copy must not be served.
        with suppress(MlverError), locking(replace(project, wait=0), "verify") as holding:
            damage.quarantine_damage(holding, damaged)
    return damaged


def _check_working_files(project: Project, records: Sequence[VersionRecord]) -> list[Finding]:
    """Compare working files with the versions checked, and with any other of the model.

    None of this is damage: people work there.
    """
    by_model: dict[str, list[VersionRecord]] = {}
    for record in records:
        by_model.setdefault(record.model, []).append(record)
    notes: list[Finding] = []
    for model_records in by_model.values():
        for (name, path), stored in _list_working_places(model_records).items():
            try:
                measured = measure_place(project, model_records, name, path, follow=not stored)
            except MlverError as error:
                notes += _describe_unreadable(path, error)
                continue
            if measured is None:
                continue
            notes += _describe_faults(path, measured.dangling)
            pinning = list_pinning(project, model_records, name, measured.digest)
            mode_faults = find_mode_faults(project, pinning, measured)
            if mode_faults is not None:
                notes += mode_faults
                continue
            if measured.pointers:
                notes.append(_describe_pointers(path, measured.pointers))
            else:
                notes.append(_describe_stranger(project, model_records, name, path))
    return notes


def _describe_unreadable(path: str, error: MlverError) -> list[Finding]:
    """Describe working files that cannot be hashed, such as a socket."""
    faults = error.message.splitlines()
    # the first line is about all of the faults that follow
    if len(faults) > 1:
        faults = [fault.strip() for fault in faults[1:]]
    # the finding names the path itself
    faults = [fault.removeprefix(f"{path} ") for fault in faults]
    return _describe_faults(path, faults, error.hints)


def _describe_faults(
    path: str, faults: Sequence[str], hints: tuple[str, ...] = ()
) -> list[Finding]:
    """Describe each fault of working files, with a look at them where nothing else helps."""
    hints = hints or (shell_command("ls", "-la", "--", path),)
    return [Finding("working", path, fault, hints) for fault in faults]


def _describe_pointers(path: str, pointers: Sequence[PointerFile]) -> Finding:
    message = describe_pointers(path, pointers)
    return Finding("working", path, message, (pointers[0].hint,))


def _list_working_places(records: Iterable[VersionRecord]) -> dict[tuple[str, str], bool]:
    """The name and path of every artifact that some of these versions pin.

    Each with whether mlver keeps it.
    """
    places: dict[tuple[str, str], bool] = {}
    for record in records:
        for name, artifact in record.named_artifacts().items():
            if not artifact.is_remote:
                places[name, artifact.path] = artifact.stored
    return places


def _describe_stranger(
    project: Project, records: Sequence[VersionRecord], name: str, path: str
) -> Finding:
    model = records[0].model
    # A data set may have had another name since.
    latest = next(record for record in reversed(records) if name in record.named_artifacts())
    differences = _describe_differences(project, latest, name)
    message = f"holds bytes of no version of {model} ({differences})"
    # It says what changed, and how to register that. To undo it would lose it.
    return Finding("working", path, message, (shell_command("mlver", "status", model),))


def _describe_differences(project: Project, record: VersionRecord, name: str) -> str:
    """Which files differ from a version's, in a few words."""
    artifact = record.named_artifacts()[name]
    try:
        changed = measuring.find_changed_files(project, artifact)
        shown = [printable_name(path) for path in islice(changed, 3)]
        others = sum(1 for _ in changed)
    except MlverError:
        return f"its manifest for {record.version} cannot be read"
    more_words = f" and {others:,} more" if others else ""
    return f"against {record.version}: {', '.join(shown)}{more_words}"
