"""`mlver run`: have a command train, and record what it was told, used and measured.

Nothing is locked while it runs, and several may run at once. Its run is recorded however it ends.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mlver import names
from mlver.errors import UsageError
from mlver.project.project import Project
from mlver.project.runs.beginning import BegunRun, begin_run
from mlver.project.runs.ending import RunEnding, describe_run, finish_run
from mlver.project.runs.given import read_given
from mlver.project.runs.request import RunRequest, RunResult
from mlver.project.transaction import SCRATCH, locking
from mlver.project.worktree.awaited_files import mark_time
from mlver.records.curves import CURVES_LIMIT
from mlver.records.run import CURVES_FILE
from mlver.system.regular import read_regular
from mlver.system.running import FinishedRun, RunCommand, run_command
from mlver.system.scratch import ScratchFolder, scratch_folder, sweep_scratch

# What a training finds in its environment.
CURVES_VARIABLE, RUN_VARIABLE = "MLVER_CURVES", "MLVER_RUN"
MODEL_VARIABLE, PIPELINE_VARIABLE = "MLVER_MODEL", "MLVER_PIPELINE"
# Only what mlver itself answers goes to stdout.
_STANDARD_ERROR = 2


def run_training(project: Project, words: Sequence[str], request: RunRequest) -> RunResult:
    """Run a command where mlver was called, and record it.

    Raise MlverError where it cannot be started, or where what it begins with may not be recorded;
    raise KeyboardInterrupt for a Ctrl-C, once the run is recorded.
    """
    if not words or not words[0]:
        raise UsageError(
            "run needs the command that trains, behind `--`",
            hint="mlver run MODEL -- python train.py",
        )
    for word in words:
        names.check_text(word, "the command")
    variables = _build_variables(os.environ)
    pipeline = request.pipeline or variables.get(PIPELINE_VARIABLE) or None
    request = replace(request, command=shlex.join(words), pipeline=pipeline)
    if request.dry_run:
        begun = begin_run(project, request, 0, variables)
        planned = describe_run(begun.record)
        return replace(planned, outcome="planned", duration=None, dry_run=True)
    with running_folder(project) as scratch:
        begun = begin_run(project, request, mark_time(scratch.path), variables)
        training = _Training(begun, scratch, project.start, tuple(words), variables)
        return finish_training(project, training)


@contextmanager
def running_folder(project: Project) -> Iterator[ScratchFolder]:
    """Make a folder for the time of a run; those of runs that were killed are removed first."""
    with ExitStack() as leaving:
        with locking(project, "run") as holding:
            beside = holding.state_directory / SCRATCH
            sweep_scratch(beside)
            scratch = leaving.enter_context(scratch_folder(beside))
        yield scratch


@dataclass(frozen=True, slots=True)
class _Training:
    """A command that trains, where it runs, and what it finds in its environment."""

    begun: BegunRun
    scratch: ScratchFolder
    folder: Path
    words: tuple[str, ...]
    variables: Mapping[str, str]

    @property
    def curves(self) -> Path:
        return self.scratch.path / CURVES_FILE

    def build_command(self) -> RunCommand:
        record = self.begun.record
        told = {
            CURVES_VARIABLE: os.fspath(self.curves),
            RUN_VARIABLE: f"{record.model}/{record.run}",
            MODEL_VARIABLE: record.model,
        }
        if record.pipeline is not None:
            told[PIPELINE_VARIABLE] = record.pipeline
        return RunCommand(
            words=self.words,
            folder=self.folder,
            environment={**self.variables, **told},
            output=_STANDARD_ERROR,
            keep_open=(self.scratch.descriptor,),
        )


def finish_training(project: Project, training: _Training) -> RunResult:
    """Run the command to its end, and record it."""
    started = time.monotonic()
    try:
        finished = run_command(training.build_command())
    except KeyboardInterrupt:
        ending = RunEnding(
            outcome="interrupted",
            exit_code=None,
            duration=time.monotonic() - started,
            curves=read_written_curves(training.curves),
            given=read_given(training.scratch.path),
        )
        result = finish_run(project, training.begun, ending)
        project.reporter.report_landed(f"run {result.run} of {result.model}")
        raise
    return finish_run(project, training.begun, _describe_ending(finished, training.curves))


def _describe_ending(finished: FinishedRun, curves: Path) -> RunEnding:
    return RunEnding(
        outcome="failed" if finished.code else "finished",
        exit_code=finished.code,
        duration=finished.seconds,
        resources={
            "cpu_seconds": round(finished.cpu_seconds, 3),
            "max_rss_bytes": finished.max_rss_bytes,
        },
        curves=read_written_curves(curves),
        given=read_given(curves.parent),
    )


def read_written_curves(path: Path) -> bytes | None:
    """Read what a training logged; None where it logged nothing that is a file."""
    try:
        return read_regular(path, CURVES_LIMIT + 1) or None
    except OSError:
        return None


def _build_variables(inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of a training: hashes of Python are the same each time, unless one is chosen.

    Those of a run that this one is a part of do not hold for it.
    """
    own = (CURVES_VARIABLE, RUN_VARIABLE)
    variables = {name: value for name, value in inherited.items() if name not in own}
    return {"PYTHONHASHSEED": "0", **variables}
