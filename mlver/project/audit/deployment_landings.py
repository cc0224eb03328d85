"""Deployments by the commits that brought them: their dates, and who made them.

What a merge wrote itself, it may have put behind a younger one and under another number; the dates
and the people of its parents count, and none of them is judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.errors import MlverError, shell_command
from mlver.findings import Finding, FindingKind
from mlver.git import trees
from mlver.git.commit_log import CommitEntry, read_commit_log
from mlver.git.repository import GitRepository
from mlver.policy.people import is_confirmed
from mlver.policy.promotion_dates import find_late_date
from mlver.project.audit.record_authors import list_people
from mlver.records import layout
from mlver.records.deployment import DeploymentRecord


@dataclass(frozen=True, slots=True)
class LandedDeployment:
    """A deployment with the date of the one before it, and those of what brought its versions.

    `overtaking` are the paths of what followed these, by its date before the deployment.
    """

    record: DeploymentRecord
    former: str | None
    origins: frozenset[str]
    overtaking: tuple[str, ...]

    def find_late(self, commits: Sequence[CommitEntry]) -> str | None:
        """Say that it is later than its commits, unless it waited for no clock and is dated by what
        it follows.
        """
        times = [commit.committed for commit in commits if commit.committed is not None]
        if not times or self.record.created in {self.former, *self.origins}:
            return None
        return find_late_date(self.record.created, max(times))


def judge_deployment_landings(
    repository: GitRepository, deployments: Iterable[LandedDeployment], tip: str = "HEAD"
) -> Iterator[Finding]:
    """Judge deployments by the history of `tip`."""
    judged = list(deployments)
    if not judged or (tip == "HEAD" and repository.head().commit is None):
        return
    landings = _read_landings(repository, tip)
    for deployment in judged:
        record, former = deployment.record, deployment.former
        commits = landings.get(record.record_path, [])
        if any(len(commit.parents) > 1 for commit in commits):
            continue
        if former is not None and record.created < former:
            words = f"is dated {record.created}, before the one that it follows ({former})"
            yield _report(record, "unconfirmed", words)
        for path in deployment.overtaking:
            if commits and all(_was_there(repository, path, commit) for commit in commits):
                words = f"serves what {path} had taken the stage from, which was there already"
                yield _report(record, "unconfirmed", words)
        late = deployment.find_late(commits)
        if late is not None:
            yield _report(record, "date", late)
        if commits and not is_confirmed(record.author, list_people(commits)):
            words = f"names {record.author} as its author, whom no commit of it names"
            yield _report(record, "unconfirmed", words)


def _was_there(repository: GitRepository, path: str, commit: CommitEntry) -> bool:
    """Say whether the parent of a commit has a file; the first commit of all has no parent."""
    with suppress(MlverError):
        return path in trees.committed_files(repository, f"{commit.commit}^", path)
    return False


def _read_landings(repository: GitRepository, tip: str) -> dict[str, list[CommitEntry]]:
    """Read, by path, the commits that gave deployments their contents.

    What a shallow clone begins with says nothing of who added what it has.
    """
    boundary = repository.boundary()
    landings: dict[str, list[CommitEntry]] = {}
    for entry in read_commit_log(repository, tip, [layout.DEPLOYMENTS]):
        if entry.commit in boundary:
            continue
        for path, object_id in entry.contents.items():
            if object_id is not None:
                landings.setdefault(path, []).append(entry)
    return landings


def _report(record: DeploymentRecord, kind: FindingKind, message: str) -> Finding:
    path = record.record_path
    return Finding(kind, path, message, (shell_command("git", "log", "-p", "--", path),))
