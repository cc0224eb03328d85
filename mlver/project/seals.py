"""Tags beside the records they seal: what is sealed, by which tag, and the plan for one to be made."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError
from mlver.git.repository import Tag
from mlver.policy.trust import Broken, Named, Seal, judge_seal, promotion_tag_name, tag_name
from mlver.project import layout
from mlver.project.intent import PlannedTag
from mlver.project.project import Project
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord
from mlver.version import Version, parse

TRAILER = "Mlver-Record"


def planned(record: VersionRecord, data: bytes) -> PlannedTag:
    """The tag that seals a record whose bytes are `data`."""
    named = Named(record.model, record.version)
    return _planned(named, f"{record.model} {record.version}", record.message, data)


def planned_event(record: PromotionRecord, data: bytes) -> PlannedTag:
    """The tag that tells pipelines of a promotion, and seals its record, whose bytes are `data`."""
    named = Named(record.model, stage=record.stage, sequence=record.sequence)
    title = f"{record.model} {record.stage} {record.sequence}: {record.action} {record.version}"
    return _planned(named, title, record.message, data)


def _planned(named: Named, title: str, message: str, data: bytes) -> PlannedTag:
    text = f"{title}\n\n{message}\n\n{TRAILER}: {Digest.of(data)}\n"
    return PlannedTag(named.tag, text, layout.path_of(named))


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
    found = project.repository.tags_with(wanted) if wanted else {}
    return {name.removeprefix(tag_name(model, "")): (tag, seal_of(tag, held)) for name, (tag, held) in found.items()}


def events(project: Project, model: str, stage: str, sequences: Iterable[int]) -> dict[int, Seal]:
    """Of a stage's promotions, by number, what the tags of those that have one say, and what their commits hold."""
    wanted = {promotion_tag_name(model, stage, n): (n, layout.promotion(model, stage, n)) for n in sequences}
    found = project.repository.tags_with({name: path for name, (_, path) in wanted.items()}) if wanted else {}
    return {wanted[name][0]: seal_of(tag, held) for name, (tag, held) in found.items()}


def seal_of(tag: Tag, held: bytes | None) -> Seal:
    """What a tag says; `held` is what its commit has where the record should be."""
    return Seal(
        annotated=tag.annotated,
        sealed=Digest.parse(tag.seals) if tag.seals else None,
        committed=None if held is None else Digest.of(held),
    )


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
                hint=f"git log -p -- {layout.version(chosen.model, chosen.version)}",
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
    return judge_seal(
        record.model, record.version, digest, seals(project, record.model, [record.version])[record.version]
    )


def _untrusted(record: VersionRecord, broken: Broken) -> MlverError:
    message = f"{record.model} {record.version} cannot be trusted: {broken.subject} {broken.message}"
    return MlverError(message, hint=broken.hint)
