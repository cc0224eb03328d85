"""What others could not get: bytes that no remote has, and records that no branch there has."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.errors import MlverError, shell_command, summarise_error
from mlver.findings import Finding
from mlver.git import changes_in
from mlver.git.remotes import default_remote, leads_home
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, list_remotes
from mlver.project.remote.needed import describe_lacking, list_needed
from mlver.project.remote.places import find_trust_place
from mlver.project.remote.team import open_team
from mlver.project.remote.trusted_places import is_trusted
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet

_PUSH = ("mlver push",)


def find_unshared(project: Project, records: Sequence[VersionRecord]) -> tuple[Finding, ...]:
    """Ask every remote that is confirmed, over the network, what it lacks of these versions.

    A remote that does not answer, or that nobody confirmed, is named. Raise MlverError where a
    manifest is missing.
    """
    remotes = list_remotes(project)
    if not remotes:
        return ()
    needed = list_needed(project, records)
    findings: list[Finding] = []
    answers: list[DigestSet] = []
    for remote in remotes:
        try:
            answers.append(_find_missing(project, remote, needed))
        except MlverError as error:
            message = f"was not asked: {summarise_error(error)}"
            findings.append(Finding("remote", remote.name, message, error.hints))
    if answers:
        lost = [digest for digest in needed if all(digest in missing for missing in answers)]
        message = "are on no remote, so others cannot get them"
        lacking = DigestSet.from_digests(lost)
        findings += describe_lacking(project, records, lacking, message, _PUSH)
    return (*findings, *_find_unpublished(project, records))


def _find_missing(project: Project, remote: ConfiguredRemote, needed: DigestSet) -> DigestSet:
    if project.offline:
        raise MlverError("--offline asks no remote")
    if not is_trusted(find_trust_place(project, remote)):
        raise MlverError(
            "nobody on this machine has confirmed it",
            hint=shell_command("mlver", "remote", "show", remote.name, "--yes"),
        )
    missing = open_team(project, remote).store.find_missing(dict.fromkeys(needed))
    return DigestSet.from_digests(missing)


def _find_unpublished(project: Project, records: Sequence[VersionRecord]) -> tuple[Finding, ...]:
    """The records that no branch of a git remote has, as far as they were fetched."""
    repository = project.repository
    remote = default_remote(repository)
    if remote is None:
        return ()
    tips: list[str] = []
    if not leads_home(repository, remote):
        arguments = ["for-each-ref", "--format=%(objectname)", "refs/remotes/"]
        tips = repository.process.read(arguments).decode().split()
    published: set[str] = set()
    paths = [layout.version_path(record.model, record.version) for record in records]
    for tip in dict.fromkeys(tips):
        there = changes_in.find_objects(repository, [f"{tip}:{path}" for path in paths])
        known = zip(paths, there, strict=True)
        published.update(path for path, record in known if record is not None)
    message = "is on no branch of a git remote that was fetched, so others cannot see it"
    return tuple(Finding("record", path, message, _PUSH) for path in paths if path not in published)
