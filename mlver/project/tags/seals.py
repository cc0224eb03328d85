"""Tags beside the records they seal: what is sealed, and by which tag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, shell_command
from mlver.findings import Finding
from mlver.git import changes_in, history
from mlver.git.git_tag import GitTag
from mlver.git.revisions import resolve_revision
from mlver.policy.chain import (
    RecordLanding,
    RecordSeal,
    SignatureState,
    judge_seal,
    judge_signature,
)
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.references import AdoptedTag
from mlver.records.tags import version_tag_name
from mlver.records.version import VersionRecord
from mlver.version import Version, parse_version

_NO_TAGS = r"^remote\..*\.tagopt$"


class SealedTag(NamedTuple):
    """A tag, and the seal of a record that it is."""

    tag: GitTag
    seal: RecordSeal


# -- reading tags ----------------------------------------------------------------------------------


def lacks_tags(project: Project, model: str) -> bool:
    """Say whether this clone may lack the seals of a model that has none here."""
    return skips_tags(project) or not list_version_tags(project, model)


def skips_tags(project: Project) -> bool:
    """Say whether this clone was made without the whole history, or without tags."""
    return project.repository.is_shallow() or was_cloned_tagless(project)


def was_cloned_tagless(project: Project) -> bool:
    """Say whether a remote is set up so that no tags are fetched, as by `clone --no-tags`."""
    settings = project.repository.settings(_NO_TAGS)
    return any(value == "--no-tags" for _, _, value in settings)


def list_version_tags(project: Project, model: str) -> dict[str, GitTag]:
    """List a model's version tags by version."""
    # The digit keeps out the promotion tags of stages such as `vintage`.
    pattern = version_tag_name(model, "[0-9]*")
    tags = project.repository.tags(f"refs/tags/{pattern}")
    return {strip_model(model, name): tag for name, tag in tags.items()}


def strip_model(model: str, tag_name: str) -> str:
    """Return the version that a version tag of the model names."""
    return tag_name.removeprefix(version_tag_name(model, ""))


def list_tagged_versions(project: Project, model: str) -> set[Version]:
    """List the versions that a tag claims.

    The record of such a version may lie in a branch that is not merged yet.
    """
    versions: set[Version] = set()
    for text in list_version_tags(project, model):
        try:
            versions.add(parse_version(text))
        except UsageError:
            continue
    return versions


def read_seals(
    project: Project, model: str, versions: Iterable[Version | str]
) -> dict[str, RecordSeal | None]:
    """Read each version's tag as the seal of its record; None where there is no tag."""
    numbers = [str(version) for version in versions]
    tagged = read_tagged_seals(project, model, numbers)
    seals: dict[str, RecordSeal | None] = dict.fromkeys(numbers)
    for number, sealed_tag in tagged.items():
        seals[number] = sealed_tag.seal
    return seals


def read_tagged_seals(
    project: Project, model: str, versions: Iterable[Version | str]
) -> dict[str, SealedTag]:
    """Read the tag of each version that has one, together with the seal that the tag is."""
    record_paths = list_version_paths(model, versions)
    version_tags: dict[str, SealedTag] = {}
    for tag_name, sealed_tag in read_named_seals(project, record_paths).items():
        version_tags[strip_model(model, tag_name)] = sealed_tag
    return add_landings(project, model, version_tags)


def list_version_paths(model: str, versions: Iterable[Version | str]) -> dict[str, str]:
    """List the path of each version's record by the name of its tag."""
    record_paths: dict[str, str] = {}
    for version in versions:
        tag_name = version_tag_name(model, version)
        record_paths[tag_name] = layout.version_path(model, version)
    return record_paths


def add_landings(
    project: Project, model: str, version_tags: Mapping[str, SealedTag]
) -> dict[str, SealedTag]:
    """Say of tags that name no digest how the records landed that were adopted from them."""
    # A tag that names no digest is older than mlver, as a rule: its record may say how it landed.
    silent_tags: dict[str, GitTag] = {}
    for number, sealed_tag in version_tags.items():
        if not sealed_tag.tag.seals:
            silent_tags[number] = sealed_tag.tag
    sealed_tags = dict(version_tags)
    landings = find_landings(project, model, silent_tags)
    for number, landing in landings.items():
        tag, seal = sealed_tags[number]
        sealed_tags[number] = SealedTag(tag, replace(seal, landing=landing))
    return sealed_tags


def read_named_seals(project: Project, record_paths: Mapping[str, str]) -> dict[str, SealedTag]:
    """Read those of these tags that exist; `record_paths` says which record each should seal."""
    if not record_paths:
        return {}
    tags = project.repository.tags_named(record_paths)
    places: dict[str, str] = {}
    for name, tag in tags.items():
        # A tag of anything but a commit holds no record.
        if tag.commit is not None:
            places[name] = f"{tag.commit}:{record_paths[name]}"
    digests = _digest_committed(project, places.values())
    sealed_tags: dict[str, SealedTag] = {}
    for name, tag in tags.items():
        committed = None
        if name in places:
            committed = digests.get(places[name])
        seal = _build_seal(tag, committed)
        sealed_tags[name] = SealedTag(tag, seal)
    return sealed_tags


def _digest_committed(project: Project, places: Iterable[str]) -> dict[str, Digest]:
    """Digest what lies at each `<commit>:<path>`, a commit by its full id.

    What a commit holds never changes, so the digests are cached. Reading them is costly: where one
    folder has 100,000 records, git reads all of that folder again for each commit.
    """
    cache = project.registry.cache
    digests: dict[str, Digest] = {}
    unknown = list(places)
    if cache:
        for place, hexadecimal in cache.find_committed(unknown).items():
            digests[place] = Digest(hexadecimal)
        unknown = [place for place in unknown if place not in digests]
    if not unknown:
        # even an empty request would start a git process
        return digests
    contents = project.repository.blobs(_find_object_ids(project, unknown))
    new_digests: dict[str, str] = {}
    for place, data in zip(unknown, contents, strict=True):
        if data is None:
            continue
        digest = Digest.of_bytes(data)
        digests[place] = digest
        new_digests[place] = digest.hex
    if cache and new_digests:
        cache.keep_committed(new_digests)
    return digests


def _find_object_ids(project: Project, places: Sequence[str]) -> Sequence[str]:
    """Replace each place by the object id behind it, where the walk through history tells it."""
    if project.walk is None:
        return places
    object_ids: list[str] = []
    for place in places:
        commit, _, path = place.partition(":")
        object_ids.append(project.walk.find_contents(commit, path) or place)
    return object_ids


def seal_from_bytes(tag: GitTag, data: bytes | None) -> RecordSeal:
    """Build the seal that a tag is; `data` is what its commit has where the record should be."""
    committed = None
    if data is not None:
        committed = Digest.of_bytes(data)
    return _build_seal(tag, committed)


def _build_seal(tag: GitTag, committed: Digest | None) -> RecordSeal:
    sealed = None
    if tag.seals:
        sealed = Digest.parse(tag.seals)
    return RecordSeal(annotated=tag.annotated, sealed=sealed, committed=committed)


# -- versions adopted from a tag -------------------------------------------------------------------


def find_landings(
    project: Project, model: str, silent_tags: Mapping[str, GitTag], tip: str = "HEAD"
) -> dict[str, RecordLanding]:
    """Find how records landed that say they were adopted from these tags, which seal nothing.

    The history of `tip` is asked.
    """
    comparisons = _compare_origins(project, model, silent_tags)
    if not comparisons:
        return {}
    repository = project.repository
    landings: dict[str, RecordLanding] = {}
    if tip == "HEAD" and repository.head().commit is None:
        for version, kept in comparisons.items():
            landings[version] = RecordLanding(commit=None, committed=None, edited=False, kept=kept)
        return landings
    paths = {version: layout.version_path(model, version) for version in comparisons}
    added_by = repository.added_by(paths.values(), tip)
    # imported here, as below: a version that was registered has a seal of its own
    from mlver.git import history

    edits = history.find_tampering(repository, *paths.values(), tip=tip)
    edited_paths = {change.path for change in edits}
    places: list[str] = []
    for path in paths.values():
        # a merge that brought the record itself is no commit that added it
        commit = added_by.get(path, tip)
        places.append(f"{commit}:{path}")
    contents = repository.blobs(places)
    for (version, path), data in zip(paths.items(), contents, strict=True):
        committed = None
        if data is not None:
            committed = Digest.of_bytes(data)
        landings[version] = RecordLanding(
            commit=added_by.get(path),
            committed=committed,
            edited=path in edited_paths,
            kept=comparisons[version],
        )
    return landings


def _compare_origins(project: Project, model: str, tags: Mapping[str, GitTag]) -> dict[str, bool]:
    """Say of each version that was adopted from its own tag whether that tag is still the same."""
    comparisons: dict[str, bool] = {}
    for version, tag in tags.items():
        try:
            record, _ = project.registry.read_version(model, version)
            origin = record.adopted_tag
        except MlverError:
            # the command that reads the record itself says what is wrong with it
            continue
        if origin is not None and origin.tag == tag.name:
            comparisons[version] = is_same_tag(project, tag, origin)
    return comparisons


def is_same_tag(project: Project, tag: GitTag, origin: AdoptedTag) -> bool:
    """Say whether a tag is still the one that a version was adopted from."""
    commit = tag.commit
    # A tag of a tag names its commit in the end.
    if commit is None and tag.annotated:
        with suppress(MlverError):
            commit = resolve_revision(project.repository, tag.object_id)
    # The record states both, and a forged one may lie about either.
    return tag.object_id == origin.object and commit == origin.commit


def check_origins(project: Project, records: Iterable[VersionRecord]) -> Iterator[Finding]:
    """Yield a finding for each tag that changed since a version of another name was adopted."""
    origins: list[tuple[str, AdoptedTag]] = []
    for record in records:
        own_tag = version_tag_name(record.model, record.version)
        # A version's own tag is judged with its seal.
        if record.adopted_tag is not None and record.adopted_tag.tag != own_tag:
            origins.append((own_tag, record.adopted_tag))
    if not origins:
        return
    tags = project.repository.tags()
    for own_tag, origin in origins:
        tag = tags.get(origin.tag)
        if tag is not None and not is_same_tag(project, tag, origin):
            message = f"was moved since {own_tag} was adopted from it"
            hint = shell_command("git", "show", f"refs/tags/{origin.tag}")
            yield Finding("tag", origin.tag, message, (hint,))


# -- judging ---------------------------------------------------------------------------------------


def requires_signatures(project: Project) -> bool:
    """Say whether the settings ask for signed tags; settings that cannot be read ask for none."""
    try:
        settings = project.registry.read_shown_config()
    except MlverError:
        # They are checked where they decide.
        return False
    return settings.tags.signed


def makes_unsigned(project: Project) -> bool:
    """Say whether the settings ask for signed seals, and git would make unsigned ones here."""
    from mlver.git.signatures import signs_tags

    return requires_signatures(project) and not signs_tags(project.repository)


def require_signing(project: Project, advice: str = "") -> None:
    """Raise MlverError where a seal made now would lack the signature that the settings ask for.

    Ask before anything is written: such a seal would be damage for good. `advice` is what a person
    can do without a key.
    """
    if makes_unsigned(project):
        raise build_unsigned_error(advice)


def build_unsigned_error(advice: str = "") -> MlverError:
    ways = "let git sign tags with a key of yours (user.signingKey)"
    if advice:
        ways = f"{ways}, or {advice}"
    return MlverError(
        f"the settings ask for signed seals (tags.signed in {layout.CONFIG}), and git would not"
        f" sign the tag; {ways}, then run the command again",
        hint="git config tag.gpgSign true",
    )


def check_signatures(project: Project, tags: Mapping[str, GitTag]) -> dict[str, SignatureState]:
    """Check the signatures of tags with git, by whatever names them."""
    states: dict[str, SignatureState] = dict.fromkeys(tags, "unsigned")
    signed = {name: tag for name, tag in tags.items() if tag.is_signed}
    if not signed:
        return states
    # The checker costs processes to set up, and few tags are signed.
    from mlver.git.signatures import check_signature
    from mlver.project.history.signers import open_tag_checker

    with open_tag_checker(project.repository) as process:
        for name, tag in signed.items():
            states[name] = check_signature(process, tag)
    return states


def compare_history(project: Project, path: str, record: Digest, sealed: SealedTag) -> RecordSeal:
    """Return the seal, and say of one that seals another record whether HEAD's history had that."""
    tag, seal = sealed
    if seal.sealed in (None, record) or seal.sealed != seal.committed:
        return seal
    repository = project.repository
    # In a shallow clone, history tells nothing.
    if repository.head().commit is None or repository.is_shallow():
        return seal
    known = changes_in.find_objects(repository, [f"{tag.commit}:{path}"])[0]
    if known is None:
        return seal
    return replace(seal, apart=not history.has_held(repository, ["HEAD"], path, known.object_id))


def judge_version(
    project: Project, model: str, version: Version | str, record: Digest, *, signed: bool = False
) -> tuple[tuple[Finding, ...], RecordSeal | None]:
    """Judge a version's tag and its signature; return what is wrong, and the tag as a seal.

    With `signed`, the signature has to be good whatever the settings say.
    """
    number = str(version)
    sealed_tag = read_tagged_seals(project, model, [number]).get(number)
    if sealed_tag is None:
        return judge_seal(model, number, record, None), None
    tag = sealed_tag.tag
    path = layout.version_path(model, number)
    seal = compare_history(project, path, record, sealed_tag)
    findings = judge_seal(model, number, record, seal)
    signature = check_signatures(project, {number: tag})[number]
    required = signed or project.registry.read_shown_config().tags.signed
    if required and not signed and signature != "good":
        # What the settings rarely ask is not imported by commands that look.
        from mlver.project.tags.signing import find_before_signing

        required = path not in find_before_signing(project.repository, [path])
    findings += judge_signature(tag.name, signature, required=required)
    return findings, seal
