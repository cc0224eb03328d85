"""The tags that a remote has of records that are to be released: read, kept, taken over."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git import remotes
from mlver.git.git_tag import GitTag
from mlver.project.edit.edit import PlannedEdit
from mlver.project.project import Project
from mlver.project.tags.missing_seals import SealableRecord


def read_remote_tags(
    project: Project, edit: PlannedEdit | None, remote: str, object_ids: Mapping[str, str]
) -> dict[str, GitTag]:
    """Read tags that the remote has and this clone has not, or has otherwise.

    Raise MlverError where some are not here and, without `edit`, must not be fetched.
    """
    if edit is not None:
        _fetch_tags(project, edit, remote, object_ids)
    objects = project.repository.tag_objects(object_ids)
    if len(objects) < len(object_ids) and edit is None:
        raise MlverError(
            f"{remote} has tags that are not here yet, and a dry run fetches nothing",
            hint=shell_command("git", "fetch", "--tags", remote),
        )
    return objects


def _fetch_tags(
    project: Project, edit: PlannedEdit, remote: str, object_ids: Mapping[str, str]
) -> None:
    """Fetch tags: those that are not here come to stay.

    Of those that are here, only the other side's objects are looked at.
    """
    repository = project.repository
    references = [f"refs/tags/{tag}" for tag in object_ids]
    remotes.fetch_refs(repository, remote, references, project.reporter)
    local_tags = repository.tags()
    lacking: dict[str, str] = {}
    for name, object_id in object_ids.items():
        if name not in local_tags:
            lacking[name] = object_id
    arrived: dict[str, str] = {}
    for name, tag in repository.tag_objects(lacking).items():
        arrived[name] = tag.object_id
    if arrived:
        edit.name_tags(arrived)


def find_clashes(
    project: Project, remote: str, branch: str, published: Mapping[SealableRecord, GitTag]
) -> dict[str, Finding]:
    """Find the records, by path, whose tag here does not seal what the remote's tag seals.

    `published` are the remote's tags, each with its record on `branch` there.
    """
    own_tags = project.repository.tags_named(record.tag for record in published)
    clashing: dict[SealableRecord, GitTag] = {}
    for record, theirs in published.items():
        own = own_tags.get(record.tag)
        if own is not None and not _seal_same_record(own, theirs):
            clashing[record] = own
    committed = project.repository.blobs(f"HEAD:{record.path}" for record in clashing)
    findings: dict[str, Finding] = {}
    for (record, own), data in zip(clashing.items(), committed, strict=True):
        reason = "seals another record" if own.seals else "seals nothing"
        message = f"is sealed at {remote}, and the tag {record.tag} here {reason}"
        # Where HEAD has the other record, it has to get another number.
        if own.seals and data is not None and str(Digest.of_bytes(data)) == own.seals:
            pull = shell_command("git", "pull", "--no-rebase", remote, branch)
            hints: tuple[str, ...] = (pull, "mlver resolve")
        else:
            look = shell_command("git", "show", "--no-patch", record.tag)
            delete = shell_command("git", "tag", "-d", record.tag)
            hints = (look, delete, "mlver release")
        findings[record.path] = Finding("record", record.path, message, hints)
    return findings


def _seal_same_record(own: GitTag, theirs: GitTag) -> bool:
    if own.object_id == theirs.object_id:
        return True
    return own.annotated and own.seals is not None and own.seals == theirs.seals


def take_over_tags(project: Project, edit: PlannedEdit, published: Mapping[str, GitTag]) -> None:
    """Let this clone have the remote's tags where its own are other objects for the same records.

    Otherwise `git fetch --tags` would stop at them for good.
    """
    if not published:
        return
    moves: dict[str, tuple[str, str]] = {}
    for name, tag in project.repository.tags_named(published).items():
        theirs = published[name]
        if not _seal_same_record(tag, theirs):
            continue
        # A signature that is here is worth more than an object that is there.
        if tag.object_id != theirs.object_id and (theirs.is_signed or not tag.is_signed):
            moves[name] = (tag.object_id, theirs.object_id)
    if moves:
        edit.take_over_tags(moves)
