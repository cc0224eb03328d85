"""The versions that were registered from runs."""

from __future__ import annotations

from collections.abc import Iterable

from mlver.errors import MlverError, shell_command
from mlver.project.project import Project
from mlver.project.runs.kept import KeptRun


def find_registered(project: Project, runs: Iterable[KeptRun]) -> dict[str, tuple[str, ...]]:
    """Find the versions that were registered from these runs, by `MODEL/RUN`."""
    digests = {f"{run.record.model}/{run.record.run}": run.digest for run in runs}
    registered: dict[str, tuple[str, ...]] = {}
    for model in sorted({name.rpartition("/")[0] for name in digests}):
        numbers = project.registry.list_versions(model)
        for outcome in project.registry.read_versions(model, numbers):
            # `verify` says what is wrong with a record that cannot be read.
            if isinstance(outcome, MlverError):
                continue
            record, _ = outcome
            # It came from another run where that has another record than the version pins.
            if record.run in digests and record.kept.run in (None, digests[record.run]):
                registered[record.run] = (*registered.get(record.run, ()), record.version)
    return registered


def refuse_registered(project: Project, run: KeptRun) -> None:
    """Raise MlverError where a version was registered from a run: it becomes no second one."""
    record = run.record
    for version in find_registered(project, [run]).get(f"{record.model}/{record.run}", ()):
        raise MlverError(
            f"the run {record.run} is {record.model} {version} already, and one training is one"
            " version",
            hint=shell_command("mlver", "show", f"{record.model}@{version}"),
        )
