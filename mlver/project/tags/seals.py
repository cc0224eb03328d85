"""Tags beside the records they seal: what is sealed, and by which tag."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, command
from mlver.git import history
from mlver.git.repository import Tag
from mlver.git.signatures import check, checker
from mlver.policy.chain import Broken, Landing, Seal, Signature, judge_seal, judge_signature
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.tags import promotion_tag_name, tag_name
from mlver.records.version import VersionRecord
from mlver.version import Version, parse


def tags(project: Project, model: str) -> dict[str, Tag]:
    """A model's version tags by version."""
    found = project.repository.tags(f"refs/tags/{tag_name(model, '[0-9]*')}")
    return {name.removeprefix(tag_name(model, "")): tag for name, tag in found.items()}


def tagged_versions(project: Project, model: str) -> set[Version]:
    """Versions a tag claims, whether their record is here or not (it may be in a branch that is not merged yet)."""
    found = set()
    for text in tags(project, model):
        try:
            found.add(parse(text))
        except UsageError:
            continue
    return found


def seals(project: Project, model: str, versions: Iterable[Version | str]) -> dict[str, Seal | None]:
    """For each version what its tag says and what its commit holds; None where there is no tag."""
    wanted = [str(version) for version in versions]
    found = tagged(project, model, wanted)
    return {version: found[version][1] if version in found else None for version in wanted}


def tagged(project: Project, model: str, versions: Iterable[Version | str]) -> dict[str, tuple[Tag, Seal]]:
    """The same with the tags themselves, of the versions that have one."""
    wanted = {tag_name(model, version): layout.version(model, version) for version in versions}
    found = {name.removeprefix(tag_name(model, "")): pair for name, pair in _read(project, wanted).items()}
    silent = {version: tag for version, (tag, _) in found.items() if not tag.seals}
    for version, landing in (_landings(project, model, silent) if silent else {}).items():
        tag, seal = found[version]
        found[version] = tag, replace(seal, landing=landing)
    return found


def events(project: Project, model: str, stage: str, sequences: Iterable[int]) -> dict[int, Seal]:
    """Of a stage's promotions, by number, what the tags of those that have one say, and what their commits hold."""
    wanted = {promotion_tag_name(model, stage, n): (n, layout.promotion(model, stage, n)) for n in sequences}
    found = _read(project, {name: path for name, (_, path) in wanted.items()})
    return {wanted[name][0]: seal for name, (_, seal) in found.items()}


def _read(project: Project, wanted: Mapping[str, str]) -> dict[str, tuple[Tag, Seal]]:
    """The tags there are among those named, each as the seal of the record at the path named beside it."""
    there = project.repository.tags_named(wanted) if wanted else {}
    places = {name: f"{tag.commit}:{wanted[name]}" for name, tag in there.items() if tag.commit is not None}
    held = _committed(project, places.values())
    return {name: (tag, _seal(tag, held.get(places.get(name, "")))) for name, tag in there.items()}


def _committed(project: Project, places: Iterable[str]) -> dict[str, Digest]:
    """The digest of what there is at each `<commit>:<path>`, a commit by its full id.

    A commit holds the same for ever, so it is kept. To look is costly: where one folder has 100,000 records, git goes
    through that folder anew for each commit.
    """
    state = project.registry.state  # none where all is looked at afresh
    wanted = list(places)
    found = {place: Digest(digest) for place, digest in state.committed(wanted).items()} if state else {}
    lacking = [place for place in wanted if place not in found]
    blobs = project.repository.blobs(lacking) if lacking else ()
    read = {place: Digest.of(data) for place, data in zip(lacking, blobs, strict=True) if data is not None}
    if state and read:
        state.keep_committed({place: digest.hex for place, digest in read.items()})
    return found | read


def seal_of(tag: Tag, held: bytes | None) -> Seal:
    """What a tag says; `held` is what its commit has where the record should be."""
    return _seal(tag, None if held is None else Digest.of(held))


def _seal(tag: Tag, committed: Digest | None) -> Seal:
    return Seal(annotated=tag.annotated, sealed=Digest.parse(tag.seals) if tag.seals else None, committed=committed)


def _landings(project: Project, model: str, silent: Mapping[str, Tag]) -> dict[str, Landing]:
    """How records landed that say they were adopted from the tags of their versions, which seal nothing."""
    kept: dict[str, bool] = {}
    for version, tag in silent.items():
        with suppress(MlverError):  # a record that cannot be read is named by whoever reads it
            origin = project.registry.version(model, version)[0].adopted
            if origin is not None and origin.tag == tag.name:
                kept[version] = (origin.object_id, origin.commit) == (tag.object_id, tag.commit)
    if not kept or project.repository.head().commit is None:
        return {
            version: Landing(commit=None, committed=None, edited=False, kept=same) for version, same in kept.items()
        }
    paths = {version: layout.version(model, version) for version in kept}
    landed = project.repository.added_by(paths.values())
    edited = {change.path for change in history.tampering(project.repository, *paths.values())}
    held = project.repository.blobs(f"{landed.get(path, 'HEAD')}:{path}" for path in paths.values())
    return {
        version: Landing(
            commit=landed.get(path),
            committed=None if data is None else Digest.of(data),
            edited=path in edited,
            kept=kept[version],
        )
        for (version, path), data in zip(paths.items(), held, strict=True)
    }


def signatures(project: Project, there: Mapping[str, Tag]) -> dict[str, Signature]:
    """What git says of the signature of each version's tag."""
    process = checker(project.repository) if any(tag.is_signed for tag in there.values()) else None
    return {version: check(process, tag) if process else "unsigned" for version, tag in there.items()}


def judged(
    project: Project, model: str, version: Version | str, record: Digest
) -> tuple[tuple[Broken, ...], Seal | None]:
    """What is wrong with a version's tag, its signature looked at too; and the tag as a seal."""
    tag, seal = tagged(project, model, [version]).get(str(version), (None, None))
    broken = judge_seal(model, version, record, seal)
    if tag is not None:
        required = project.registry.config().tags.signed
        for signature in signatures(project, {str(version): tag}).values():
            broken += judge_signature(tag.name, signature, required=required)
    return broken, seal


def origins(project: Project, records: Iterable[VersionRecord]) -> Iterator[Broken]:
    """Tags of other names that versions were adopted from, and that are now other tags."""
    told = [(tag_name(record.model, record.version), record.adopted) for record in records]
    others = [(name, origin) for name, origin in told if origin is not None and origin.tag != name]
    there = project.repository.tags() if others else {}
    for name, origin in others:
        tag = there.get(origin.tag)
        if tag and (tag.object_id, tag.commit) != (origin.object_id, origin.commit):
            message = f"was moved since {name} was adopted from it"
            yield Broken("tag", origin.tag, message, command("git", "show", f"refs/tags/{origin.tag}"))


def vouched(project: Project, ref: str | None) -> tuple[VersionRecord, Digest]:
    """The record `ref` names, parsed afresh, with its digest: to be acted on.

    Raise MlverError when its tag, or a promotion of it, names another record than the one here. One that nothing
    names yet passes by its version, as in a pull request; a stage's own promotion always names it.
    """
    fresh = project.afresh
    chosen = fresh.choose(ref)
    record, digest = fresh.registry.version(chosen.model, chosen.version)
    require_unedited(fresh, record, digest)
    for path, promotion in fresh.registry.promotions_of(chosen.model, chosen.version):
        if promotion.record != digest:
            raise MlverError(
                f"{chosen.model} {chosen.version} cannot be trusted: {path} promoted another record than the one here",
                hint=command("git", "log", "-p", "--", layout.version(chosen.model, chosen.version)),
            )
    return record, digest


def require_unedited(project: Project, record: VersionRecord, digest: Digest) -> None:
    """Raise MlverError when a version's tag says that its record is another one than the one here."""
    broken = _broken(project, record, digest)
    if broken and broken[0].kind != "unsealed":
        raise _untrusted(record, broken[0])


def require_trusted(project: Project, record: VersionRecord, digest: Digest, *, vouched: Collection[Digest]) -> None:
    """The same, and raise MlverError where neither a tag nor an earlier promotion (`vouched`) names this record."""
    broken = _broken(project, record, digest)
    if broken and not (broken[0].kind == "unsealed" and digest in vouched):
        raise _untrusted(record, broken[0])


def _broken(project: Project, record: VersionRecord, digest: Digest) -> tuple[Broken, ...]:
    return judged(project, record.model, record.version, digest)[0]


def _untrusted(record: VersionRecord, broken: Broken) -> MlverError:
    message = f"{record.model} {record.version} cannot be trusted: {broken.subject} {broken.message}"
    return MlverError(message, hint=broken.hint)
