"""Tags that stand where a seal should be: those that seal nothing, those that seal another record,
and those that are another object than the remote's tag of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.findings import Finding
from mlver.git import changes_in, history, remotes
from mlver.git.git_tag import GitTag
from mlver.git.main_branch import find_main_branch
from mlver.git.repository import GitRepository
from mlver.policy.chain import UNSIGNED, RecordLanding, judge_seal, judge_tag
from mlver.project.edit.edit import find_unfinished
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.tags import seals
from mlver.project.tags.missing_seals import SealableRecord, find_before_seals
from mlver.project.tags.signing import find_before_signing
from mlver.records import layout


def find_silent_tags(
    project: Project, commit: str, records: Sequence[SealableRecord], tags: Mapping[str, GitTag]
) -> list[Finding]:
    """Find the tags that name none of these records, which `commit` holds.

    A version may have been adopted from such a tag; then nothing is wrong with it.
    """
    silent = [record for record in records if _is_silent(tags.get(record.tag))]
    if not silent:
        return []
    committed = CommittedRecords.at_commit(project.repository, commit)
    committed.fetch_files(record.path for record in silent)
    at_commit = replace(project, registry=RecordRegistry(committed))
    findings: list[Finding] = []
    versions: dict[str, list[str]] = {}
    for record in silent:
        place = layout.parse_path(record.path)
        if place is None or place.kind != "version":
            findings += _judge_promotion_tag(project, commit, record, tags[record.tag])
        else:
            versions.setdefault(place.model, []).append(place.version)
    for model, numbers in versions.items():
        findings += _judge_version_tags(at_commit, model, numbers)
    return findings


def _is_silent(tag: GitTag | None) -> bool:
    return tag is not None and not (tag.annotated and tag.seals)


def _judge_promotion_tag(
    project: Project, commit: str, record: SealableRecord, tag: GitTag
) -> tuple[Finding, ...]:
    landed, sealed = project.repository.blobs(
        [f"{commit}:{record.path}", f"{tag.commit}:{record.path}"]
    )
    seal = seals.seal_from_bytes(tag, sealed)
    digest = seals.seal_from_bytes(tag, landed).committed
    if digest is None:
        return ()
    return judge_tag(tag.name, record.path, digest, seal)


def _judge_version_tags(project: Project, model: str, numbers: Sequence[str]) -> Iterator[Finding]:
    for number, sealed_tag in seals.read_tagged_seals(project, model, numbers).items():
        try:
            digest = project.registry.read_version_digest(model, number)
        except MlverError as error:
            path = layout.version_path(model, number)
            yield Finding("record", path, summarise_error(error, path), error.hints)
            continue
        if digest is not None:
            yield from judge_seal(model, number, digest, sealed_tag.seal)


def find_other_seals(
    project: Project, commit: str, records: Sequence[SealableRecord], tags: Mapping[str, GitTag]
) -> list[Finding]:
    """Find the tags that seal something else than the record that `commit` holds at its path."""
    sealed = [record for record in records if _is_sealing(tags.get(record.tag))]
    if not sealed:
        return []
    # By object id: a folder is read once, and not again for each record in it.
    committed = CommittedRecords.at_commit(project.repository, commit)
    committed.fetch_files(record.path for record in sealed)
    findings: list[Finding] = []
    others: list[SealableRecord] = []
    for record in sealed:
        try:
            data = committed.read_file(record.path)
        except MlverError as error:
            message = summarise_error(error, record.path)
            findings.append(Finding("record", record.path, message, error.hints))
            continue
        # A submodule that lies where the record should be has no bytes.
        if data is None or str(Digest.of_bytes(data)) != tags[record.tag].seals:
            others.append(record)
    return [*findings, *_describe_other_seals(project, others, tags)]


def _is_sealing(tag: GitTag | None) -> bool:
    return tag is not None and not _is_silent(tag)


def _describe_other_seals(
    project: Project, records: Sequence[SealableRecord], tags: Mapping[str, GitTag]
) -> Iterator[Finding]:
    """Say what these tags seal, and how to find out which of the two records is the right one."""
    if not records:
        return
    places = [f"{tags[record.tag].commit}:{record.path}" for record in records]
    for record, data in zip(records, project.repository.blobs(places), strict=True):
        tag = tags[record.tag]
        if data is not None and str(Digest.of_bytes(data)) == tag.seals:
            held_by = str(tag.commit)[:10]
            message = f"seals another {record.path} than HEAD's: that of commit {held_by}"
            show_changes = shell_command("git", "log", "-p", "--", record.path)
            yield Finding("tag", tag.name, message, ("mlver verify --all", show_changes))
            continue
        # No commit ever had what it names, so no record is lost with it.
        message = f"names {tag.seals}, which {record.path} is neither on HEAD nor on its own commit"
        look = shell_command("git", "show", tag.name)
        delete = shell_command("git", "tag", "-d", tag.name)
        yield Finding("tag", tag.name, message, (look, delete, "mlver tag"))


def find_unsigned(
    project: Project, commit: str, tagged: Iterable[tuple[SealableRecord, GitTag]]
) -> dict[str, Finding]:
    """Find the seals of records of `commit`, by path, that are not signed though they have to be.

    They have to where the settings ask for that and did when the record landed.
    """
    unsigned = {record.path: tag for record, tag in tagged if tag.seals and not tag.is_signed}
    if not unsigned or not seals.requires_signatures(project):
        return {}
    # What the settings rarely ask is read only then.
    promotions = [path for path in unsigned if not layout.is_version_path(path)]
    exempt = {
        *find_before_seals(project.repository, commit, promotions),
        *find_before_signing(project.repository, unsigned, commit),
    }
    findings: dict[str, Finding] = {}
    for path, tag in unsigned.items():
        if path not in exempt:
            hints = (shell_command("git", "tag", "-d", tag.name), "mlver tag")
            message = f"{UNSIGNED}; where it was pushed, it has to be deleted there, too"
            findings[path] = Finding("tag", tag.name, message, hints)
    return findings


def find_record_landings(
    project: Project, tagged: Sequence[tuple[SealableRecord, GitTag]], tip: str
) -> dict[str, RecordLanding]:
    """Find how the records landed in `tip`, by path, that were adopted from these tags.

    The project reads its records from that commit.
    """
    silent_tags: dict[str, dict[str, GitTag]] = {}
    record_paths: list[str] = []
    for record, tag in tagged:
        place = layout.parse_path(record.path)
        if tag.seals or place is None or place.kind != "version":
            continue
        silent_tags.setdefault(place.model, {})[place.version] = tag
        record_paths.append(record.path)
    source = project.registry.source
    if isinstance(source, CommittedRecords):
        source.fetch_files(record_paths)
    landings: dict[str, RecordLanding] = {}
    for model, tags in silent_tags.items():
        for version, landing in seals.find_landings(project, model, tags, tip).items():
            landings[layout.version_path(model, version)] = landing
    return landings


def find_rival_tags(
    project: Project,
    remote: str,
    commit: str,
    records: Sequence[SealableRecord],
    published: Mapping[str, str],
) -> list[Finding]:
    """Say of the tags of these records, which `remote` has as other objects, how they differ.

    `published` are the objects that it has. They are fetched, and get no names here.
    """
    if not records:
        return []
    names = [record.tag for record in records]
    references = [f"refs/tags/{name}" for name in names]
    remotes.fetch_refs(project.repository, remote, references, project.reporter)
    theirs = project.repository.tag_objects({name: published[name] for name in names})
    ours = project.repository.tags_named(names)
    known = [(record, theirs[record.tag]) for record in records if record.tag in theirs]
    unsigned = find_unsigned(project, commit, known)
    findings: list[Finding] = []
    for record in records:
        name = record.tag
        tag = theirs.get(name)
        if record.path in unsigned and ours[name].is_signed:
            message = f"is signed here and not at {remote}, and the settings ask for signed seals"
            replace_theirs = shell_command("git", "push", "--force", remote, f"refs/tags/{name}")
            findings.append(Finding("tag", name, message, (replace_theirs,)))
        elif tag is not None and tag.seals and tag.seals == ours[name].seals:
            findings.append(describe_rival(remote, name))
        else:
            findings.append(_describe_other_record(project, remote, record, ours[name], tag))
    return findings


def _describe_other_record(
    project: Project, remote: str, record: SealableRecord, ours: GitTag, theirs: GitTag | None
) -> Finding:
    """Describe a tag that seals another record than the remote's: which of them has landed."""
    message = f"seals another record than {remote}'s tag of this name"
    repository = project.repository
    reference = f"refs/tags/{record.tag}"
    if find_unfinished(repository) is not None:
        return Finding("tag", record.tag, message, ("git status", "mlver resolve"))
    main = find_main_branch(repository, remote).remote_reference
    landed = main is not None and _has_landed(repository, main, record.path, ours)
    if main is None or theirs is None or not landed:
        look = shell_command("git", "ls-remote", remote, reference)
        return Finding("tag", record.tag, message, (look, "git pull", "mlver resolve"))
    if _has_landed(repository, main, record.path, theirs):
        return Finding("tag", record.tag, message, ("mlver verify --all",))
    message = (
        f"{message}, whose record never landed on {main.split('/', 2)[2]}: whoever pushed that tag"
        " may delete it there"
    )
    look = shell_command("git", "show", "--no-patch", theirs.object_id)
    delete = shell_command("git", "push", remote, f":{reference}")
    return Finding("tag", record.tag, message, (look, delete, "mlver tag --push"))


def _has_landed(repository: GitRepository, main: str, path: str, tag: GitTag) -> bool:
    """Say whether the main branch ever had the record that the tag's commit holds."""
    known = changes_in.find_objects(repository, [f"{tag.commit}:{path}"])[0]
    if known is None:
        return False
    return history.has_held(repository, [main], path, known.object_id)


def describe_rival(remote: str, name: str) -> Finding:
    """Describe a tag that is another object than the remote's, of one record."""
    message = (
        f"is another object here than at {remote}, for one record,"
        " so that git fetch --tags stops at it; take over the one that is published"
    )
    hints = (
        shell_command("git", "tag", "-d", name),
        shell_command("git", "fetch", remote, "tag", name),
    )
    return Finding("tag", name, message, hints)
