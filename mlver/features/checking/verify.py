"""`mlver verify`: walk tag → record → manifest → object → working file, and name every broken link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, command, plain
from mlver.policy.chain import Broken, Signature, judge_seal, judge_signature
from mlver.project.artifacts import damage, measuring
from mlver.project.audit import audit
from mlver.project.project import Chosen, Project
from mlver.project.registry.registry import Registry
from mlver.project.tags import seals
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.tags import tag_name
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class Signatures:
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
    signatures: Signatures
    shallow: bool
    broken: tuple[Broken, ...]

    @property
    def exit_code(self) -> int:
        return 1 if self.broken else 0


def verify(project: Project, refs: Sequence[str] = (), *, everything: bool = False) -> VerifyResult:
    """Check the versions `refs` name, or what each model serves now, or (`everything`) all there is.

    Nothing is taken from a cache: every record is parsed and every byte hashed afresh.
    """
    if refs and everything:
        raise UsageError("--all checks every version; naming some beside it says two things", hint="mlver verify --all")
    fresh = project.afresh
    broken = list(audit.config(fresh))
    models = [] if refs else _models(fresh, broken)
    chosen = _chosen(fresh, refs, models, broken)
    if not refs and not everything:
        chosen = _serving(fresh.registry, chosen)
    models = models or sorted({one.model for one in chosen})
    records = _records(fresh, chosen, broken)
    adopted: list[str] = []
    signed: list[Signature] = []
    broken += _sealed(fresh, records, adopted, signed)
    versions = [record for record, _ in records]
    broken += _below(fresh, versions, everything=everything)
    broken += _working(fresh, versions)
    promotions: list[str] = []
    for model in models:
        broken += audit.spared(layout.stages(model), audit.chains(fresh, model, promotions))
    broken += audit.uncommitted(fresh, models)
    if everything:
        broken += audit.everything(fresh)
    pinned = [artifact for record in versions for artifact in record.artifacts().values()]
    return VerifyResult(
        versions=tuple(f"{one.model}@{one.version}" for one in chosen),
        promotions=len(promotions),
        files=sum(artifact.files for artifact in pinned),
        bytes=sum(artifact.size for artifact in pinned),
        everything=everything,
        unkept=tuple(f"{one.model}@{one.version} {name}" for one in versions for name in one.unkept),
        adopted=tuple(adopted),
        signatures=Signatures(signed.count("good"), signed.count("unknown"), signed.count("unsigned")),
        shallow=(everything or bool(adopted)) and project.repository.is_shallow(),
        broken=tuple(dict.fromkeys(broken)),
    )


def _chosen(project: Project, refs: Sequence[str], models: Sequence[str], broken: list[Broken]) -> list[Chosen]:
    """The versions to look at: those of `refs`, or all of `models`."""
    if refs:
        return [project.choose(ref) for ref in refs]
    found: list[Chosen] = []
    for model in models:
        try:
            found += [Chosen(model, number) for number in project.registry.versions(model)]
        except MlverError as error:
            broken.append(Broken("name", layout.versions(model), error.message, error.hint))
    return found


def _models(project: Project, broken: list[Broken]) -> list[str]:
    try:
        return project.registry.models()
    except MlverError as error:
        broken.append(Broken("name", layout.MODELS, error.message, error.hint))
        return []


def _serving(registry: Registry, chosen: Sequence[Chosen]) -> list[Chosen]:
    """Of all versions, the highest of each model and those that hold a stage."""
    highest = {one.model: one.version for one in chosen}
    held = {model: _held(registry, model) for model in highest}
    return [one for one in chosen if one.version == highest[one.model] or str(one.version) in held[one.model]]


def _held(registry: Registry, model: str) -> set[str]:
    held = set()
    with suppress(MlverError):  # the chain's own check names it
        for stage in registry.stages(model):
            with suppress(MlverError):
                holder = registry.holder(model, stage)
                held |= {holder.version} if holder else set()
    return held


def _records(project: Project, chosen: Iterable[Chosen], broken: list[Broken]) -> list[tuple[VersionRecord, Digest]]:
    """The records that can be read; those that cannot, or that lie in the wrong place, are named in `broken`."""
    found = []
    for one in chosen:
        path = layout.version(one.model, one.version)
        try:
            record, digest = project.registry.version(one.model, one.version)
        except MlverError as error:
            broken.append(audit.unreadable(project, "record", path, error))
            continue
        found.append((record, digest))
    return found


def _sealed(
    project: Project,
    records: Sequence[tuple[VersionRecord, Digest]],
    adopted: list[str],
    signed: list[Signature],
) -> Iterator[Broken]:
    """What is wrong with tags and their signatures.

    `adopted` is told of the versions whose tags cannot seal them, and need not; `signed` of each tag's signature.
    """
    required = False
    with suppress(MlverError):  # settings that cannot be read are named by their own check
        required = project.registry.config().tags.signed
    for model in dict.fromkeys(record.model for record, _ in records):
        mine = {record.version: digest for record, digest in records if record.model == model}
        found = seals.tagged(project, model, mine)
        signatures = seals.signatures(project, {version: tag for version, (tag, _) in found.items()})
        signed += signatures.values()
        for version, digest in mine.items():
            seal = found[version][1] if version in found else None
            links = judge_seal(model, version, digest, seal)
            if version in signatures:
                links += judge_signature(tag_name(model, version), signatures[version], required=required)
            yield from links
            if seal and seal.landing and not links:
                adopted.append(f"{model}@{version}")
    yield from seals.origins(project, (record for record, _ in records))


def _below(project: Project, versions: Sequence[VersionRecord], *, everything: bool) -> tuple[Broken, ...]:
    """Manifests and objects; copies found damaged are set aside, where somebody else's writing does not forbid it."""
    found = damage.damage(project, versions, everything=everything)
    if found.copies:
        with suppress(MlverError), editing(replace(project, wait=0), "verify"):
            damage.set_aside(project, found)
    return found.broken


def _working(project: Project, records: Sequence[VersionRecord]) -> list[Broken]:
    """Working files that match no version: of those checked, or of any other of the model."""
    broken = []
    for model in dict.fromkeys(record.model for record in records):
        mine = [record for record in records if record.model == model]
        for name, path in dict.fromkeys((n, a.path) for r in mine for n, a in r.artifacts().items()):
            try:
                matches = _matches(project, model, name, path, mine)
            except MlverError as error:
                # it cannot be hashed: a link that leads nowhere, a socket, something nobody may read
                broken.append(Broken("working", path, error.message, error.hint))
                continue
            if not matches:
                latest = mine[-1]
                undo = command("mlver", "checkout", f"{model}@{latest.version}", "--force")
                broken.append(
                    Broken(
                        "working",
                        path,
                        f"holds bytes of no version of {model} ({_differing(project, latest, name)})",
                        f"{command('mlver', 'status', model)}   (to undo: {undo})",
                    )
                )
    return broken


def _matches(project: Project, model: str, name: str, path: str, checked: Sequence[VersionRecord]) -> bool:
    found = measuring.measure_at(project, path, fresh=True)
    if found is None:
        return True
    if any(_pins(record, name, found.digest) for record in checked):
        return True
    for number in project.registry.versions(model):
        try:
            record, _ = project.registry.version(model, number)
        except MlverError:
            continue
        if _pins(record, name, found.digest):
            return True
    return False


def _pins(record: VersionRecord, name: str, digest: Digest) -> bool:
    pinned = record.artifacts().get(name)
    return pinned is not None and pinned.digest == digest


def _differing(project: Project, record: VersionRecord, name: str) -> str:
    """Which files differ from a version's, in a few words."""
    artifact = record.artifacts()[name]
    try:
        files = measuring.differing(project, artifact)
    except MlverError:
        return f"its manifest for {record.version} cannot be read"
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"against {record.version}: {', '.join(map(plain, files[:3]))}{more}"
