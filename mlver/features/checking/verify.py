"""`mlver verify`: walk tag → record → manifest → object → working file, and name every broken link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.findings import Finding
from mlver.policy.chain import SignatureState, judge_seal, judge_signature
from mlver.project.artifacts import damage, measuring
from mlver.project.audit import audit
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.registry import RecordRegistry
from mlver.project.tags import seals
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.tags import version_tag_name
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class SignatureCounts:
    """How many version tags carry a good signature, one that cannot be judged here, or none; bad ones are `broken`."""

    good: int
    unknown: int
    unsigned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """What was looked at, and every broken link found; `bytes` were read and hashed.

    `adopted` are those of the versions whose tags were there before mlver and seal nothing: the commits that landed
    their records vouch for them. `shallow`: history was looked at, but this clone does not have the whole of it.
    `unkept`, as `MODEL@VERSION NAME`, are data sets that mlver keeps no copy of, and cannot check.
    """

    versions: tuple[str, ...]
    promotions: int
    files: int
    bytes: int
    everything: bool
    unkept: tuple[str, ...]
    adopted: tuple[str, ...]
    signatures: SignatureCounts
    shallow: bool
    broken: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return 1 if self.broken else 0


def verify_versions(
    project: Project, refs: Sequence[str] = (), *, everything: bool = False
) -> VerifyResult:
    """Check the versions `refs` name, or what each model serves now, or (`everything`) all there is.

    Nothing is taken from a cache: every record is parsed and every byte hashed afresh.
    """
    if refs and everything:
        raise UsageError(
            "--all checks every version; naming some beside it says two things",
            hint="mlver verify --all",
        )
    fresh = project.without_cache
    broken = list(audit.check_config(fresh))
    models = [] if refs else _list_models(fresh, broken)
    chosen = _choose_versions(fresh, refs, models, broken)
    if not refs and not everything:
        chosen = _select_serving(fresh.registry, chosen)
    models = models or sorted({one.model for one in chosen})
    records = _read_records(fresh, chosen, broken)
    adopted: list[str] = []
    signed: list[SignatureState] = []
    broken += _check_seals(fresh, records, adopted, signed)
    versions = [record for record, _ in records]
    broken += _check_contents(fresh, versions, everything=everything)
    broken += _check_working_files(fresh, versions)
    promotions: list[str] = []
    for model in models:
        broken += audit.catch_errors(
            layout.stages_folder(model), audit.check_chains(fresh, model, promotions)
        )
    broken += audit.find_uncommitted(fresh, models)
    if everything:
        broken += audit.check_repository(fresh)
    pinned = [artifact for record in versions for artifact in record.named_artifacts().values()]
    return VerifyResult(
        versions=tuple(f"{one.model}@{one.version}" for one in chosen),
        promotions=len(promotions),
        files=sum(artifact.files for artifact in pinned),
        bytes=sum(artifact.size for artifact in pinned),
        everything=everything,
        unkept=tuple(
            f"{one.model}@{one.version} {name}" for one in versions for name in one.unkept_data_sets
        ),
        adopted=tuple(adopted),
        signatures=SignatureCounts(
            signed.count("good"), signed.count("unknown"), signed.count("unsigned")
        ),
        shallow=(everything or bool(adopted)) and project.repository.is_shallow(),
        broken=tuple(dict.fromkeys(broken)),
    )


def _choose_versions(
    project: Project, refs: Sequence[str], models: Sequence[str], broken: list[Finding]
) -> list[ResolvedRef]:
    """The versions to look at: those of `refs`, or all of `models`."""
    if refs:
        return [project.resolve_ref(ref) for ref in refs]
    found: list[ResolvedRef] = []
    for model in models:
        try:
            found += [
                ResolvedRef(model, number) for number in project.registry.list_versions(model)
            ]
        except MlverError as error:
            broken.append(
                Finding("name", layout.versions_folder(model), error.message, error.hints)
            )
    return found


def _list_models(project: Project, broken: list[Finding]) -> list[str]:
    try:
        return project.registry.list_models()
    except MlverError as error:
        broken.append(Finding("name", layout.MODELS, error.message, error.hints))
        return []


def _select_serving(registry: RecordRegistry, chosen: Sequence[ResolvedRef]) -> list[ResolvedRef]:
    """Of all versions, the highest of each model and those that hold a stage."""
    highest = {one.model: one.version for one in chosen}
    held = {model: _find_held(registry, model) for model in highest}
    return [
        one
        for one in chosen
        if one.version == highest[one.model] or str(one.version) in held[one.model]
    ]


def _find_held(registry: RecordRegistry, model: str) -> set[str]:
    held = set()
    with suppress(MlverError):  # the chain's own check names it
        for stage in registry.list_stages(model):
            with suppress(MlverError):
                holder = registry.find_holder(model, stage)
                held |= {holder.version} if holder else set()
    return held


def _read_records(
    project: Project, chosen: Iterable[ResolvedRef], broken: list[Finding]
) -> list[tuple[VersionRecord, Digest]]:
    """The records that can be read; those that cannot, or that lie in the wrong place, are named in `broken`."""
    found = []
    for one in chosen:
        path = layout.version_path(one.model, one.version)
        try:
            record, digest = project.registry.read_version(one.model, one.version)
        except MlverError as error:
            broken.append(audit.describe_unreadable(project, "record", path, error))
            continue
        found.append((record, digest))
    return found


def _check_seals(
    project: Project,
    records: Sequence[tuple[VersionRecord, Digest]],
    adopted: list[str],
    signed: list[SignatureState],
) -> Iterator[Finding]:
    """What is wrong with tags and their signatures.

    `adopted` is told of the versions whose tags cannot seal them, and need not; `signed` of each tag's signature.
    """
    required = False
    with suppress(MlverError):  # settings that cannot be read are named by their own check
        required = project.registry.read_config().tags.signed
    for model in dict.fromkeys(record.model for record, _ in records):
        mine = {record.version: digest for record, digest in records if record.model == model}
        found = seals.read_tagged_seals(project, model, mine)
        signatures = seals.check_signatures(
            project, {version: tag for version, (tag, _) in found.items()}
        )
        signed += signatures.values()
        for version, digest in mine.items():
            seal = found[version][1] if version in found else None
            links = judge_seal(model, version, digest, seal)
            if version in signatures:
                links += judge_signature(
                    version_tag_name(model, version), signatures[version], required=required
                )
            yield from links
            if seal and seal.landing and not links:
                adopted.append(f"{model}@{version}")
    yield from seals.check_origins(project, (record for record, _ in records))


def _check_contents(
    project: Project, versions: Sequence[VersionRecord], *, everything: bool
) -> tuple[Finding, ...]:
    """Manifests and objects; copies found damaged are set aside, where somebody else's writing does not forbid it."""
    found = damage.find_damage(project, versions, everything=everything)
    if found.copies:
        with suppress(MlverError), editing(replace(project, wait=0), "verify"):
            damage.quarantine_damage(project, found)
    return found.broken


def _check_working_files(project: Project, records: Sequence[VersionRecord]) -> list[Finding]:
    """Working files that match no version: of those checked, or of any other of the model."""
    broken = []
    for model in dict.fromkeys(record.model for record in records):
        mine = [record for record in records if record.model == model]
        for name, path in dict.fromkeys(
            (n, a.path) for r in mine for n, a in r.named_artifacts().items()
        ):
            try:
                matches = _has_matching_version(project, model, name, path, mine)
            except MlverError as error:
                # it cannot be hashed: a link that leads nowhere, a socket, something nobody may read
                broken.append(Finding("working", path, error.message, error.hints))
                continue
            if not matches:
                latest = mine[-1]
                undo = shell_command("mlver", "checkout", f"{model}@{latest.version}", "--force")
                broken.append(
                    Finding(
                        "working",
                        path,
                        f"holds bytes of no version of {model} ({_describe_differences(project, latest, name)})",
                        (shell_command("mlver", "status", model), undo),
                    )
                )
    return broken


def _has_matching_version(
    project: Project, model: str, name: str, path: str, checked: Sequence[VersionRecord]
) -> bool:
    found = measuring.measure_at(project, path, fresh=True, keep_manifest=False)
    if found is None:
        return True
    if any(_is_pinned(record, name, found.digest) for record in checked):
        return True
    for number in project.registry.list_versions(model):
        try:
            record, _ = project.registry.read_version(model, number)
        except MlverError:
            continue
        if _is_pinned(record, name, found.digest):
            return True
    return False


def _is_pinned(record: VersionRecord, name: str, digest: Digest) -> bool:
    pinned = record.named_artifacts().get(name)
    return pinned is not None and pinned.digest == digest


def _describe_differences(project: Project, record: VersionRecord, name: str) -> str:
    """Which files differ from a version's, in a few words."""
    artifact = record.named_artifacts()[name]
    try:
        files = measuring.find_changed_files(project, artifact)
    except MlverError:
        return f"its manifest for {record.version} cannot be read"
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"against {record.version}: {', '.join(map(printable_name, files[:3]))}{more}"
