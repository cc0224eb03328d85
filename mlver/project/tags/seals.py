"""Tags beside the records they seal: what is sealed, and by which tag."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, shell_command
from mlver.findings import Finding
from mlver.git import history
from mlver.git.repository import GitTag
from mlver.git.signatures import check_signature, signature_checker
from mlver.policy.chain import (
    RecordLanding,
    RecordSeal,
    SignatureState,
    judge_seal,
    judge_signature,
)
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.tags import promotion_tag_name, version_tag_name
from mlver.records.version import VersionRecord
from mlver.version import Version, parse_version


def list_version_tags(project: Project, model: str) -> dict[str, GitTag]:
    """A model's version tags by version."""
    found = project.repository.tags(f"refs/tags/{version_tag_name(model, '[0-9]*')}")
    return {name.removeprefix(version_tag_name(model, "")): tag for name, tag in found.items()}


def list_tagged_versions(project: Project, model: str) -> set[Version]:
    """Versions a tag claims, whether their record is here or not (it may be in a branch that is not merged yet)."""
    found = set()
    for text in list_version_tags(project, model):
        try:
            found.add(parse_version(text))
        except UsageError:
            continue
    return found


def read_seals(
    project: Project, model: str, versions: Iterable[Version | str]
) -> dict[str, RecordSeal | None]:
    """For each version what its tag says and what its commit holds; None where there is no tag."""
    wanted = [str(version) for version in versions]
    found = read_tagged_seals(project, model, wanted)
    return {version: found[version][1] if version in found else None for version in wanted}


def read_tagged_seals(
    project: Project, model: str, versions: Iterable[Version | str]
) -> dict[str, tuple[GitTag, RecordSeal]]:
    """The same with the tags themselves, of the versions that have one."""
    wanted = {
        version_tag_name(model, version): layout.version_path(model, version)
        for version in versions
    }
    found = {
        name.removeprefix(version_tag_name(model, "")): pair
        for name, pair in _read_named_seals(project, wanted).items()
    }
    silent = {version: tag for version, (tag, _) in found.items() if not tag.seals}
    for version, landing in (_find_landings(project, model, silent) if silent else {}).items():
        tag, seal = found[version]
        found[version] = tag, replace(seal, landing=landing)
    return found


def read_promotion_seals(
    project: Project, model: str, stage: str, sequences: Iterable[int]
) -> dict[int, RecordSeal]:
    """Of a stage's promotions, by number, what the tags of those that have one say, and what their commits hold."""
    wanted = {
        promotion_tag_name(model, stage, n): (n, layout.promotion_path(model, stage, n))
        for n in sequences
    }
    found = _read_named_seals(project, {name: path for name, (_, path) in wanted.items()})
    return {wanted[name][0]: seal for name, (_, seal) in found.items()}


def _read_named_seals(
    project: Project, wanted: Mapping[str, str]
) -> dict[str, tuple[GitTag, RecordSeal]]:
    """The tags there are among those named, each as the seal of the record at the path named beside it."""
    there = project.repository.tags_named(wanted) if wanted else {}
    places = {
        name: f"{tag.commit}:{wanted[name]}"
        for name, tag in there.items()
        if tag.commit is not None
    }
    held = _digest_committed(project, places.values())
    return {
        name: (tag, _build_seal(tag, held.get(places.get(name, "")))) for name, tag in there.items()
    }


def _digest_committed(project: Project, places: Iterable[str]) -> dict[str, Digest]:
    """The digest of what there is at each `<commit>:<path>`, a commit by its full id.

    A commit holds the same for ever, so it is kept. To look is costly: where one folder has 100,000 records, git goes
    through that folder anew for each commit.
    """
    state = project.registry.cache
    wanted = list(places)
    found = (
        {place: Digest(digest) for place, digest in state.find_committed(wanted).items()}
        if state
        else {}
    )
    lacking = [place for place in wanted if place not in found]
    blobs = project.repository.blobs(lacking) if lacking else ()
    read = {
        place: Digest.of_bytes(data)
        for place, data in zip(lacking, blobs, strict=True)
        if data is not None
    }
    if state and read:
        state.keep_committed({place: digest.hex for place, digest in read.items()})
    return found | read


def seal_from_bytes(tag: GitTag, held: bytes | None) -> RecordSeal:
    """What a tag says; `held` is what its commit has where the record should be."""
    return _build_seal(tag, None if held is None else Digest.of_bytes(held))


def _build_seal(tag: GitTag, committed: Digest | None) -> RecordSeal:
    return RecordSeal(
        annotated=tag.annotated,
        sealed=Digest.parse(tag.seals) if tag.seals else None,
        committed=committed,
    )


def _find_landings(
    project: Project, model: str, silent: Mapping[str, GitTag]
) -> dict[str, RecordLanding]:
    """How records landed that say they were adopted from the tags of their versions, which seal nothing."""
    kept: dict[str, bool] = {}
    for version, tag in silent.items():
        with suppress(MlverError):  # a record that cannot be read is named by whoever reads it
            origin = project.registry.read_version(model, version)[0].adopted_tag
            if origin is not None and origin.tag == tag.name:
                kept[version] = (origin.object_id, origin.commit) == (tag.object_id, tag.commit)
    if not kept or project.repository.head().commit is None:
        return {
            version: RecordLanding(commit=None, committed=None, edited=False, kept=same)
            for version, same in kept.items()
        }
    paths = {version: layout.version_path(model, version) for version in kept}
    landed = project.repository.added_by(paths.values())
    edited = {change.path for change in history.find_tampering(project.repository, *paths.values())}
    held = project.repository.blobs(f"{landed.get(path, 'HEAD')}:{path}" for path in paths.values())
    return {
        version: RecordLanding(
            commit=landed.get(path),
            committed=None if data is None else Digest.of_bytes(data),
            edited=path in edited,
            kept=kept[version],
        )
        for (version, path), data in zip(paths.items(), held, strict=True)
    }


def check_signatures(project: Project, there: Mapping[str, GitTag]) -> dict[str, SignatureState]:
    """What git says of the signature of each version's tag."""
    process = (
        signature_checker(project.repository)
        if any(tag.is_signed for tag in there.values())
        else None
    )
    return {
        version: check_signature(process, tag) if process else "unsigned"
        for version, tag in there.items()
    }


def judge_version(
    project: Project, model: str, version: Version | str, record: Digest
) -> tuple[tuple[Finding, ...], RecordSeal | None]:
    """What is wrong with a version's tag, its signature looked at too; and the tag as a seal."""
    tag, seal = read_tagged_seals(project, model, [version]).get(str(version), (None, None))
    broken = judge_seal(model, version, record, seal)
    if tag is not None:
        required = project.registry.read_shown_config().tags.signed
        for signature in check_signatures(project, {str(version): tag}).values():
            broken += judge_signature(tag.name, signature, required=required)
    return broken, seal


def check_origins(project: Project, records: Iterable[VersionRecord]) -> Iterator[Finding]:
    """Tags of other names that versions were adopted from, and that are now other tags."""
    told = [
        (version_tag_name(record.model, record.version), record.adopted_tag) for record in records
    ]
    others = [(name, origin) for name, origin in told if origin is not None and origin.tag != name]
    there = project.repository.tags() if others else {}
    for name, origin in others:
        tag = there.get(origin.tag)
        if tag and (tag.object_id, tag.commit) != (origin.object_id, origin.commit):
            message = f"was moved since {name} was adopted from it"
            yield Finding(
                "tag",
                origin.tag,
                message,
                (shell_command("git", "show", f"refs/tags/{origin.tag}"),),
            )


def read_vouched_record(project: Project, ref: str | None) -> tuple[VersionRecord, Digest]:
    """The record `ref` names, with its digest: to be acted on.

    Raise MlverError when its tag, or a promotion of it, names another record than the one here. One that nothing
    names yet passes by its version, as in a pull request; a stage's own promotion always names it.
    """
    chosen = project.resolve_ref(ref)
    record, digest = project.registry.read_version(chosen.model, chosen.version)
    require_unedited(project, record, digest)
    for path, promotion in project.registry.read_promotions_of(chosen.model, chosen.version):
        if promotion.record != digest:
            raise MlverError(
                f"{chosen.model} {chosen.version} cannot be trusted: {path} promoted another record than the one here",
                hint=shell_command(
                    "git", "log", "-p", "--", layout.version_path(chosen.model, chosen.version)
                ),
            )
    return record, digest


def require_unedited(project: Project, record: VersionRecord, digest: Digest) -> None:
    """Raise MlverError when a version's tag says that its record is another one than the one here."""
    broken = _judge_record(project, record, digest)
    if broken and broken[0].kind != "unsealed":
        raise _build_trust_error(record, broken[0])


def require_trusted(
    project: Project, record: VersionRecord, digest: Digest, *, vouched: Collection[Digest]
) -> None:
    """The same, and raise MlverError where neither a tag nor an earlier promotion (`vouched`) names this record."""
    broken = _judge_record(project, record, digest)
    if broken and not (broken[0].kind == "unsealed" and digest in vouched):
        raise _build_trust_error(record, broken[0])


def _judge_record(project: Project, record: VersionRecord, digest: Digest) -> tuple[Finding, ...]:
    return judge_version(project, record.model, record.version, digest)[0]


def _build_trust_error(record: VersionRecord, broken: Finding) -> MlverError:
    message = (
        f"{record.model} {record.version} cannot be trusted: {broken.subject} {broken.message}"
    )
    return MlverError(message, hints=broken.hints, findings=(broken,))
