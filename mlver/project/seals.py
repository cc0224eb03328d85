"""Version tags beside the records they seal: what is sealed, by which tag, and the plan for one to be made."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, command
from mlver.git.repository import Tag
from mlver.policy.trust import Broken, Seal, judge_seal, tag_name
from mlver.project import layout
from mlver.project.intent import PlannedTag
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.version import Version, parse

TRAILER = "Mlver-Record"
_ASKED_BY_NAME = 200  # git compares every tag with every name; of more, all of the model's are fetched


def planned(record: VersionRecord, data: bytes) -> PlannedTag:
    """The tag that seals a record whose bytes are `data`."""
    title = f"{record.model} {record.version}"
    message = f"{title}\n\n{record.message}\n\n{TRAILER}: {Digest.of(data)}\n"
    path = layout.version(record.model, record.version)
    return PlannedTag(tag_name(record.model, record.version), message, path)


def tags(project: Project, model: str, versions: Collection[Version | str] | None = None) -> dict[str, Tag]:
    """A model's version tags by version; of `versions` alone where told, which costs no look at the others."""
    if versions is None:
        patterns = [f"refs/tags/{tag_name(model, '*')}"]
    else:
        patterns = [f"refs/tags/{tag_name(model, version)}" for version in versions]
    if not patterns:
        return {}
    found = project.repository.tags(*patterns)
    return {name.removeprefix(f"{model}@v"): tag for name, tag in found.items()}


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
    there = tags(project, model, wanted if len(wanted) <= _ASKED_BY_NAME else None)
    reachable = {version: there[version] for version in wanted if version in there and there[version].commit}
    specs = [f"{tag.commit}:{layout.version(model, version)}" for version, tag in reachable.items()]
    held = dict(zip(reachable, project.repository.blobs(specs), strict=True)) if specs else {}
    return {version: _seal(there.get(version), held.get(version)) for version in wanted}


def _seal(tag: Tag | None, held: bytes | None) -> Seal | None:
    if tag is None:
        return None
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
    return judge_seal(
        record.model, record.version, digest, seals(project, record.model, [record.version])[record.version]
    )


def _untrusted(record: VersionRecord, broken: Broken) -> MlverError:
    message = f"{record.model} {record.version} cannot be trusted: {broken.subject} {broken.message}"
    return MlverError(message, hint=broken.hint)
