"""The run that a version came of, where it is here: it keeps what no version record says.

Those are the uncommitted changes of the code, and the machine. A run counts only where it tells of
the same training, and its changes only where the version's record pins it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlver.errors import MlverError, printable_name, summarise_error
from mlver.project.project import Project
from mlver.project.runs.kept import KeptRun, list_run_commits, read_kept_diff, read_run_commits
from mlver.records.run import RunRecord
from mlver.records.run_references import RUN_REFERENCES
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class SourceRun:
    """`run` is None where it is not here, or tells of another training.

    `diff` are its uncommitted changes, None where it kept none, or where the version pins another
    run: its machine is told all the same. `fault` says why one of these does not count; it is empty
    where both do.
    """

    run: RunRecord | None = None
    diff: bytes | None = None
    fault: str = "no run is recorded of it"


def read_source_run(project: Project, record: VersionRecord) -> SourceRun:
    """Read the run that a version was registered from."""
    if record.run is None:
        return SourceRun()
    reference = f"{RUN_REFERENCES}/{record.run}"
    commit = list_run_commits(project, record.model).get(reference)
    if commit is None:
        shown = printable_name(record.run)
        return SourceRun(fault=f"its run {shown} is not here: mlver pull --runs")
    try:
        (outcome,) = read_run_commits(project.repository, [(reference, commit)])
        if isinstance(outcome, MlverError):
            raise outcome
        return _judge_run(project, record, outcome)
    except MlverError as error:
        return SourceRun(fault=f"its run cannot be read: {summarise_error(error)}")


def _judge_run(project: Project, record: VersionRecord, kept: KeptRun) -> SourceRun:
    """Judge whether a run tells of the training of a version, and whether its changes count."""
    run = kept.record
    name = printable_name(record.run or "")
    if (run.code.commit, run.code.dirty) != (record.code.commit, record.code.dirty):
        return SourceRun(fault=f"the run {name} here is of other code")
    weights = record.weights if run.weights is None else run.weights
    if weights.digest != record.weights.digest:
        return SourceRun(fault=f"the run {name} here wrote other weights")
    for data_set, artifact in run.data.items():
        if data_set in record.data and record.data[data_set].digest != artifact.digest:
            return SourceRun(fault=f"the run {name} here read other data: {data_set}")
    if record.kept.run is not None and kept.digest != record.kept.run:
        # Whoever can push could have put other changes there, which would be run here.
        return SourceRun(run, fault=f"the run {name} here is not the one that the record pins")
    return SourceRun(run, diff=read_kept_diff(project, kept), fault="")
