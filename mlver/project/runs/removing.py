"""`mlver runs --remove`: forget runs that nobody needs any more, here and, on request, on a remote.

A run that the record of a version names stays, whichever reference leads to that record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.git import loose_commits, reachable, references, remotes
from mlver.project.project import Project
from mlver.project.runs.kept import find_run_commit
from mlver.project.transaction import locking
from mlver.records import layout
from mlver.records.run_references import RUN_REFERENCES

# Shows a person the runs, as `MODEL/RUN`, and says whether they agree.
ConfirmRemoval = Callable[[Sequence[str]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedRunsResult:
    """`runs` were removed, as `MODEL/RUN`, and `there` are those that `remote` had as well.

    On a dry run all of that would be so.
    """

    runs: tuple[str, ...]
    remote: str | None
    there: tuple[str, ...]
    dry_run: bool


def remove_runs(
    project: Project,
    texts: Sequence[str],
    model: str | None,
    *,
    remote: str | None,
    dry_run: bool,
    confirm: ConfirmRemoval,
) -> RemovedRunsResult:
    """Remove the runs that texts name, all or none; without a `remote`, only here.

    Raise MlverError where one is not here, where a version came of one, or where nobody agreed.
    """
    chosen = dict(find_run_commit(project, text, model) for text in texts)
    _refuse_needed(project, chosen)
    there = {} if remote is None else _find_there(project, remote, chosen)
    result = RemovedRunsResult(
        runs=tuple(map(_shorten, chosen)),
        remote=remote,
        there=tuple(map(_shorten, there)),
        dry_run=dry_run,
    )
    if dry_run:
        return result
    if not confirm(result.runs):
        options = [word for name in result.runs for word in ("--remove", name)]
        raise MlverError(
            "nothing was removed: nobody agreed",
            hint=shell_command("mlver", "runs", *options, "--yes"),
        )
    with locking(project, "remove runs") as holding:
        # Somebody may have registered a version meanwhile.
        _refuse_needed(holding, chosen)
        if remote is not None and there:
            # Before they are gone here: whoever is interrupted can name them again.
            references.delete_pushed(holding.repository, remote, list(there), project.reporter)
        loose_commits.drop_references(holding.repository, chosen)
    return result


def _refuse_needed(project: Project, chosen: Mapping[str, str]) -> None:
    """Raise MlverError for a run that the record of a version names, here or in the history."""
    names = {_shorten(reference).encode(): reference for reference in chosen}
    for path, data in _read_version_records(project, {name.split(b"/")[0] for name in names}):
        for name in names:
            if name in data:
                shown = printable_name(name.decode())
                raise MlverError(
                    f"{shown} stays, and nothing was removed: {printable_name(path)} names it as"
                    " the run that its version came of",
                    hint=shell_command("mlver", "runs", "--show", shown),
                )


def _read_version_records(project: Project, models: Iterable[bytes]) -> Iterable[tuple[str, bytes]]:
    """Read every version record that anything leads to, and those that are not committed yet.

    One that is damaged counts by its bytes.
    """
    for model in sorted(name.decode() for name in models):
        folder = layout.versions_folder(model)
        for number in project.registry.list_versions(model):
            path = layout.version_path(model, number)
            data = project.registry.read_file(path)
            if data is not None:
                yield path, data
        files = reachable.list_reachable(project.repository, folder)
        for object_id, data in reachable.read_files(project.repository, files):
            yield files[object_id], data


def _find_there(project: Project, remote: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """Find which of the runs a remote has; raise MlverError where one is another there."""
    if project.offline:
        raise UsageError("--offline asks no remote, and --git-remote names one")
    found = remotes.list_references_below(project.repository, remote, RUN_REFERENCES)
    there = {name: found[name] for name in chosen if name in found}
    for name, commit in there.items():
        if commit != chosen[name]:
            raise MlverError(
                f"{_shorten(name)} is another run at {remote} than here; nothing was removed",
                hint=shell_command("git", "ls-remote", "--", remote, f"{RUN_REFERENCES}/*"),
            )
    return there


def _shorten(name: str) -> str:
    return printable_name(name.removeprefix(f"{RUN_REFERENCES}/"))
