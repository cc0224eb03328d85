"""Runs that are pushed and pulled on request: references that one side has and the other lacks.

A run never changes, and its name is its own, so nothing is ever forced and two clones never clash.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError, printable_name, shell_command, summarise_error
from mlver.findings import Finding
from mlver.git import loose_commits, references, remotes
from mlver.project.project import Project
from mlver.project.runs.kept import (
    list_run_commits,
    read_run_commits,
    refuse_other_contents,
)
from mlver.project.transaction import locking
from mlver.records.run_references import RUN_REFERENCES, parse_run_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRunsResult:
    """`runs` were sent to `remote`, as `MODEL/RUN`; it had `present` of those that are here.

    `refused` are those that are not sent: they cannot be read here, or are others there. On a dry
    run all of that would be so.
    """

    remote: str
    runs: tuple[str, ...]
    present: int
    refused: tuple[Finding, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtRunsResult:
    """`runs` came from `remote`, as `MODEL/RUN`; `present` of those that it has were here already.

    `refused` are those that are not taken: they are no runs, or are others here. A dry run fetches
    nothing, so it cannot tell which are none.
    """

    remote: str
    runs: tuple[str, ...]
    present: int
    refused: tuple[Finding, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0


def push_runs(project: Project, remote: str | None, *, dry_run: bool = False) -> SentRunsResult:
    """Send the runs that are here, and that a remote of git lacks.

    Raise MlverError where there is no remote, or where it refuses them.
    """
    chosen = _choose_remote(project, remote)
    repository = project.repository
    here = list_run_commits(project)
    there = remotes.list_references_below(repository, chosen, RUN_REFERENCES)
    lacking = {name: commit for name, commit in here.items() if name not in there}
    sound, refused = _part_runs(project, lacking)
    refused += _find_rivals(here, there, chosen)
    if sound and not dry_run:
        references.push_references(repository, chosen, list(sound), project.reporter)
    return SentRunsResult(
        remote=chosen,
        runs=tuple(map(_shorten, sound)),
        present=len(here) - len(lacking),
        refused=tuple(refused),
        dry_run=dry_run,
    )


def pull_runs(project: Project, remote: str | None, *, dry_run: bool = False) -> BroughtRunsResult:
    """Bring the runs that a remote of git has, and that are not here; each is checked first.

    Raise MlverError where there is no remote, or where they cannot be fetched.
    """
    chosen = _choose_remote(project, remote)
    there = remotes.list_references_below(project.repository, chosen, RUN_REFERENCES)
    locked = nullcontext(project) if dry_run else locking(project, "pull runs")
    with locked as holding:
        # Under the lock: what a killed pull left may have named some just now.
        here = list_run_commits(holding)
        lacking = {name: commit for name, commit in there.items() if name not in here}
        wanted = {name: commit for name, commit in lacking.items() if parse_run_reference(name)}
        sound, refused = dict(wanted), list[Finding]()
        if wanted and not dry_run:
            # They get their names here only once they were checked.
            for batch in references.split_long(list(wanted)):
                remotes.fetch_refs(holding.repository, chosen, batch, project.reporter)
            sound, refused = _part_runs(holding, wanted)
            loose_commits.take_references(holding.repository, sound)
    for name in lacking:
        if name not in wanted:
            message = "names no run: its name is none of a model and a run"
            refused.append(Finding("record", _shorten(name), message, ("mlver runs",)))
    refused += _find_rivals(here, there, chosen)
    return BroughtRunsResult(
        remote=chosen,
        runs=tuple(map(_shorten, sound)),
        present=len(there) - len(lacking),
        refused=tuple(refused),
        dry_run=dry_run,
    )


def _choose_remote(project: Project, remote: str | None) -> str:
    if project.offline:
        raise UsageError("--offline asks no remote, and runs are pushed and pulled by nothing else")
    if remote is None and remotes.default_remote(project.repository) is None:
        raise MlverError(
            "there is no remote of git to exchange runs with", hint="git remote add origin URL"
        )
    return remotes.choose_remote(project.repository, remote)


def _part_runs(
    project: Project, commits: Mapping[str, str]
) -> tuple[dict[str, str], list[Finding]]:
    """Part the references that hold runs from those that hold none, and say why."""
    sound: dict[str, str] = {}
    refused: list[Finding] = []
    outcomes = read_run_commits(project.repository, commits.items())
    for (name, commit), outcome in zip(commits.items(), outcomes, strict=True):
        fault = outcome if isinstance(outcome, MlverError) else None
        if fault is None:
            fault = _find_fault(project, name, commit)
        if fault is None:
            sound[name] = commit
            continue
        reason = summarise_error(fault).removeprefix(f"{printable_name(name)} ")
        refused.append(Finding("record", _shorten(name), reason, ("mlver runs",)))
    return sound, refused


def _find_fault(project: Project, name: str, commit: str) -> MlverError | None:
    try:
        refuse_other_contents(project.repository, name, commit)
    except MlverError as error:
        return error
    return None


def _find_rivals(here: Mapping[str, str], there: Mapping[str, str], remote: str) -> list[Finding]:
    """Find the references that name other commits on the two sides: somebody forged one."""
    rivals: list[Finding] = []
    for name, commit in here.items():
        if there.get(name, commit) != commit:
            message = f"names another commit here than at {remote}; neither was moved"
            hint = shell_command("git", "ls-remote", "--", remote, f"{RUN_REFERENCES}/*")
            rivals.append(Finding("record", _shorten(name), message, (hint,)))
    return rivals


def _shorten(name: str) -> str:
    return printable_name(name.removeprefix(f"{RUN_REFERENCES}/"))
