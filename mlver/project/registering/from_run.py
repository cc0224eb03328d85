"""A version that is registered from a recorded run: what was recorded then stands in its record.

The weights and the data are measured now, and have to be those of the run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.history.encryption import read_encryption
from mlver.project.project import Project
from mlver.project.registering.inputs import RegisterInputs
from mlver.project.registering.record import (
    GivenValues,
    WorkTreeState,
    check_given,
    gather_given,
    inspect_code,
)
from mlver.project.registering.request import RegisterRequest, list_options
from mlver.project.runs.kept import KeptRun, find_run
from mlver.project.worktree import environment, value_files
from mlver.records.model import ModelSettings
from mlver.records.values import flatten_values, is_same_value
from mlver.records.version import VersionRecord

BATCH_LABEL = "batch"
# What `extra` says of a run that did not finish.
OUTCOME = "outcome"


def find_source(project: Project, request: RegisterRequest) -> KeptRun | None:
    """Find the run that a version is registered from; None where it is from none.

    Raise MlverError where it or its code is not here, and for one that did not finish, unless the
    request allows that.
    """
    if request.run is None:
        if request.allow_unfinished:
            raise UsageError("--allow-unfinished says something of a run: name it by --run")
        return None
    if request.amend:
        raise UsageError("--run takes everything from a run, and --amend from a version")
    if request.environment is not None:
        raise UsageError("--run takes the environment from the run, so --environment says too much")
    run = find_run(project, request.run, request.model)
    record = run.record
    if record.model != request.model:
        raise UsageError(f"{record.run} is a run of {record.model}, not of {request.model}")
    if record.outcome != "finished" and not request.allow_unfinished:
        again = replace(request, allow_unfinished=True)
        words = ["mlver", "register", request.model, *list_options(again), "-m", request.message]
        ended = "failed" if record.outcome == "failed" else "was interrupted"
        raise MlverError(
            f"the run {record.run} {ended}, so nobody knows what its weights are worth; train"
            " again, or add --allow-unfinished, which the record will say",
            hint=shell_command(*words),
        )
    commit = record.code.commit
    if commit is not None and not project.repository.has_commit(commit):
        raise MlverError(
            f"the code of the run {record.run} is not here: the commit {commit}",
            hint="git fetch --all",
        )
    return run


def complete_request(
    project: Project, request: RegisterRequest, run: KeptRun | None
) -> RegisterRequest:
    """Complete a request with what the run says; what was typed counts."""
    if run is None:
        return request
    record = run.record
    data = {name: _type_path(project, artifact.path) for name, artifact in record.data.items()}
    labels = dict(record.labels)
    if record.batch is not None:
        labels[BATCH_LABEL] = record.batch
    weights = None if record.weights is None else _type_path(project, record.weights.path)
    known = project.registry.read_settings(request.model) or ModelSettings(model=request.model)
    sources = record.sources
    return replace(
        request,
        message=request.message or record.message,
        weights=request.weights or weights,
        data={**data, **request.data},
        labels={**labels, **request.labels},
        command=request.command or record.command,
        params_files=request.params_files or _type_new(project, sources.params, known.params),
        metrics_files=request.metrics_files or _type_new(project, sources.metrics, known.metrics),
    )


def keep_environment(settings: ModelSettings, run: KeptRun | None) -> ModelSettings:
    """Have `model.yaml` name the environment of the run, as `--environment` does."""
    if run is None or run.record.sources.environment is None:
        return settings
    return replace(settings, environment=run.record.sources.environment)


def _type_new(project: Project, files: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """The files of a run as a person would type them; none where `model.yaml` names the same,
    perhaps with keys to pick from them.
    """
    return () if files == known else tuple(_type_path(project, file) for file in files)


def _type_path(project: Project, path: str) -> str:
    """A path of a record, as a person would type it where mlver was called."""
    return os.path.relpath(project.top_folder / path, project.start)


def gather_given_or_run(
    project: Project, request: RegisterRequest, settings: ModelSettings, run: KeptRun | None
) -> GivenValues:
    """Gather the values of a run, or those of the files where there is none; and given ones."""
    if run is None:
        return gather_given(project, request, settings)
    return _gather_from_run(project, request, settings, run)


def inspect_code_or_run(
    project: Project, request: RegisterRequest, inputs: RegisterInputs, run: KeptRun | None
) -> WorkTreeState:
    """Say what of the code was not committed when a run began; now, where there is none.

    Raise MlverError where there is such code, unless the request allows that.
    """
    if run is None:
        return inspect_code(project, request, inputs)
    now = inspect_code(project, replace(request, allow_dirty=True), inputs)
    return _judge_run_code(request, run, now)


def _gather_from_run(
    project: Project, request: RegisterRequest, settings: ModelSettings, run: KeptRun
) -> GivenValues:
    """Gather the values of a run, and those of the command line over them."""
    record = run.record
    params = value_files.assign_over(record.params, request.params, request.param_values)
    metrics = value_files.assign_over(record.metrics, request.metrics, request.metric_values)
    check_given(settings, params, metrics)
    encryption = read_encryption(project)
    public, secret = encryption.split_params(params)
    kept = {name: text for name, text in record.secrets.items() if name not in secret}
    in_files = _read_file_params(project, settings)
    replaced = {
        "params": encryption.drop_secret(_find_replaced(in_files, public)),
        "metrics": _find_replaced(record.metrics, metrics),
    }
    return GivenValues(public, metrics, replaced, secret, encryption, kept)


def _read_file_params(project: Project, settings: ModelSettings) -> dict[str, Any]:
    """Read the params files as they are now; those that are not there say nothing."""
    top = project.top_folder
    here = [file for file in settings.params if value_files.read_value_file(top, file) is not None]
    return value_files.gather_values(top, here, (), settings.param_keys)


def _find_replaced(in_files: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Find the values of files, by dotted name, that a record has otherwise."""
    now = flatten_values(values)
    replaced: dict[str, Any] = {}
    for name, value in flatten_values(in_files).items():
        if name in now and not is_same_value(value, now[name]):
            replaced[name] = value
    return replaced


def _judge_run_code(request: RegisterRequest, run: KeptRun, state: WorkTreeState) -> WorkTreeState:
    """The state of the code of a run; `state` is that of the work tree now.

    Raise MlverError where it was not committed, unless the request allows that.
    """
    record = run.record
    if record.code.dirty and not request.allow_dirty:
        again = replace(request, allow_dirty=True)
        words = ["mlver", "register", request.model, *list_options(again), "-m", request.message]
        raise MlverError(
            f"the code of the run {record.run} was not committed, so the version could not say what"
            " it was trained with; commit it and run it again, or add --allow-dirty, which the"
            " record will say",
            hint=shell_command(*words),
        )
    return replace(state, dirty=record.code.dirty)


def require_same_artifacts(run: KeptRun, measured: Mapping[str, MeasuredArtifact]) -> None:
    """Raise MlverError where the data that lie here are not what the run read."""
    record = run.record
    for name, artifact in record.data.items():
        found = measured.get(name)
        if found is not None and found.digest != artifact.digest:
            raise MlverError(
                f"the data set {name} is not the one that the run {record.run} was trained on:"
                f" {printable_name(artifact.path)} has changed since; put it back, or run the"
                " training again",
                hint=shell_command("mlver", "runs", record.model, "--show", record.run),
            )


def require_own_weights(run: KeptRun, path: str, digest: Digest) -> None:
    """Raise MlverError where the weights at a path, of this digest, are not what the run wrote."""
    record = run.record
    shown = printable_name(path)
    if record.weights is None:
        raise MlverError(
            f"the run {record.run} wrote no weights, so those at {shown} ({digest}) are not its;"
            " run the training again, and name where it writes them",
            hint=shell_command("mlver", "run", record.model, "--weights", path, "--", "COMMAND"),
        )
    if record.weights.digest != digest:
        raise MlverError(
            f"the weights are not those that the run {record.run} wrote: {shown} is {digest}, and"
            f" it wrote {record.weights.digest}; put these back, or run the training again",
            hint=shell_command("mlver", "runs", record.model, "--show", record.run),
        )


def apply_run(record: VersionRecord, run: KeptRun) -> VersionRecord:
    """Put what was recorded of the run in place of what is so now."""
    source = run.record
    trained = replace(
        source.environment,
        command=None if record.environment is None else record.environment.command,
        seed=environment.find_seed(record.params),
    )
    extra = dict(record.extra)
    if source.outcome != "finished":
        extra[OUTCOME] = source.outcome
    return replace(
        record,
        extra=extra,
        code=source.code,
        environment=trained,
        run=f"{source.model}/{source.run}",
        kept=replace(record.kept, run=run.digest),
        pipeline=source.pipeline,
        step=source.step,
    )
