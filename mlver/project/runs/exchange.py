"""Runs that are pushed and pulled on request: references that one side has and the other lacks.

A run never changes, and its name is its own, so nothing is ever forced and two clones never clash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError, printable_name, shell_command, summarise_error
from mlver.findings import Finding
from mlver.git import loose_commits, references, remotes
from mlver.project.project import Project
from mlver.project.runs.kept import (
    list_run_commits,
    read_run_commits,
    refuse_unsound,
)
from mlver.project.transaction import locking
from mlver.records.run_references import RUN_REFERENCES, parse_run_reference

# A remote that refuses so many and takes none refuses them all.
_MOST_REFUSED = 20


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
    if sound and not dry_run:

        def send(names: Sequence[str]) -> None:
            references.push_references(repository, chosen, names, project.reporter)

        sound, held_back = _transfer_apart(project, chosen, sound, send)
        refused += held_back
    refused += _find_rivals(here, there, chosen)
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
            def fetch(names: Sequence[str]) -> None:
                repository, reporter = holding.repository, project.reporter
                remotes.fetch_refs(repository, chosen, names, reporter, checked=True)

            fetched, held_back = _transfer_apart(holding, chosen, wanted, fetch)
            sound, refused = _part_runs(holding, fetched)
            refused += held_back
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
        try:
            if isinstance(outcome, MlverError):
                raise outcome
            refuse_unsound(project, outcome, commit)
        except MlverError as error:
            refused.append(_describe_refused(name, error))
            continue
        sound[name] = commit
    return sound, refused


def _describe_refused(name: str, error: MlverError) -> Finding:
    reason = summarise_error(error).removeprefix(f"{printable_name(name)} ")
    return Finding("record", _shorten(name), reason, ("mlver runs",))


def _transfer_apart(
    project: Project,
    remote: str,
    commits: Mapping[str, str],
    transfer: Callable[[Sequence[str]], None],
) -> tuple[dict[str, str], list[Finding]]:
    """Transfer references together; where that is refused, in halves: one holds up no other.

    Return those that came through, and say of each other one why not. Raise MlverError where the
    remote does not answer any more, or takes none of many.
    """
    waiting = list(reversed(references.split_long(list(commits))))
    refused: dict[str, Finding] = {}
    is_any_through = False
    while waiting:
        batch = waiting.pop()
        try:
            transfer(batch)
            is_any_through = True
        except MlverError as error:
            if isinstance(error.__cause__, OSError):
                # The disk here refuses, and not the remote.
                raise
            if not refused:
                # Where the remote is gone, that is what has to be said.
                remotes.list_references_below(project.repository, remote, RUN_REFERENCES)
            if len(batch) == 1:
                refused[batch[0]] = _describe_refused(batch[0], error)
            else:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
            if not is_any_through and len(refused) > _MOST_REFUSED:
                raise
    through = {name: commit for name, commit in commits.items() if name not in refused}
    return through, list(refused.values())


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
