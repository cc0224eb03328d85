"""Versions whose code commit no branch, tag or other reference of this clone leads to.

A squash or a rebase merge leaves it behind, and so does a history that was rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.git import changes_in, remotes
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.project.registry.tolerant import TolerantReader
from mlver.records.code_references import name_code_reference
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class LostCode:
    """The versions of a model whose code commits are lost, oldest first, and the first's commit.

    `missing`: the commits are not in this clone at all.
    """

    model: str
    versions: tuple[str, ...]
    commit: str
    missing: bool


def find_lost_code(project: Project) -> Iterator[Finding]:
    """Find the lost code commits of all versions; records that cannot be read are left out."""
    reader = TolerantReader()
    records: list[VersionRecord] = []
    for model in project.registry.list_models():
        for number in reader.try_reading(project.registry.list_versions, model) or ():
            version = reader.try_reading(project.registry.read_version, model, number)
            if version is not None:
                records.append(version[0])
    yield from describe_lost_code(project, records)


def describe_lost_code(project: Project, records: Iterable[VersionRecord]) -> Iterator[Finding]:
    """Describe the lost code commits of these versions: a finding for each model and cause."""
    for lost in _group_lost(project.repository, records):
        yield _describe_lost(project, lost)


def _group_lost(repository: GitRepository, records: Iterable[VersionRecord]) -> Iterator[LostCode]:
    commits: dict[tuple[str, str], str] = {}
    for record in records:
        if record.code.commit is not None:
            commits[record.model, record.version] = record.code.commit
    existing = changes_in.find_commits(repository, commits.values())
    dropped = changes_in.list_dropped(repository, sorted(existing))
    for missing, lost in ((True, set(commits.values()) - existing), (False, dropped)):
        versions: dict[str, list[str]] = {}
        for (model, version), commit in commits.items():
            if commit in lost:
                versions.setdefault(model, []).append(version)
        for model, numbers in versions.items():
            yield LostCode(model, tuple(numbers), commits[model, numbers[0]], missing)


def _describe_lost(project: Project, lost: LostCode) -> Finding:
    first = lost.versions[0]
    subject = f"{lost.model}@{first}"
    others = len(lost.versions) - 1
    more = ""
    if others:
        more = f"; so it is with {others} more version{'s' * (others != 1)} of {lost.model}"
    shown = lost.commit[:10]
    reference = name_code_reference(lost.model, first)
    if not lost.missing:
        message = f"was made from the commit {shown}, which is in no branch or tag here{more}"
        keep = shell_command("git", "update-ref", reference, lost.commit)
        return Finding("clone", subject, message, (keep,))
    message = f"was made from the commit {shown}, which is not in this clone{more}"
    return Finding("clone", subject, message, list_fetches(project, reference))


def list_fetches(project: Project, reference: str) -> tuple[str, ...]:
    """List the commands that may bring a code commit here; none where there is no remote."""
    remote = remotes.default_remote(project.repository)
    if remote is None:
        return ()
    if project.repository.is_shallow():
        return (shell_command("git", "fetch", "--unshallow", remote),)
    return (shell_command("git", "fetch", remote, f"{reference}:{reference}"),)
