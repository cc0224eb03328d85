"""What is known when a training begins: what it is told, its code, its data and where it runs.

All of it is looked at before, so that nothing is recorded of a file that somebody edits meanwhile,
and what cannot be recorded is refused before hours were spent.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlver import names
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.git import loose_commits
from mlver.policy.leaks import find_document_leaks, find_leaks
from mlver.project.artifacts import agreed_links, measuring
from mlver.project.artifacts.code_state import WorkingCode, inspect_working_code
from mlver.project.history.encryption import read_encryption
from mlver.project.history.secret_params import (
    build_exposed_error,
    encrypt_params,
    find_exposed,
    refuse_tracked,
)
from mlver.project.project import Project
from mlver.project.runs.kept import DIFF_LIMIT
from mlver.project.runs.request import RunRequest
from mlver.project.worktree import environment, value_files
from mlver.project.worktree.awaited_files import AwaitedFile
from mlver.records.artifact import Artifact
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.run import AttachedFile, Machine, RunRecord, RunSources
from mlver.records.run_references import build_run_id
from mlver.records.sections.encrypt import EncryptSettings
from mlver.records.version import CodeState
from mlver.system.machine import describe_machine

# Numbers may depend on them: how many threads add up, in which order, with which code.
_VARIABLES = re.compile(
    r"[A-Z_]+_NUM_THREADS|VECLIB_MAXIMUM_THREADS|PYTHONHASHSEED|OPENBLAS_CORETYPE|MKL_CBWR"
    r"|MKL_ENABLE_INSTRUCTIONS|ONEDNN_MAX_CPU_ISA|CUBLAS_WORKSPACE_CONFIG|CUDA_VISIBLE_DEVICES"
    r"|CUDA_LAUNCH_BLOCKING|TF_DETERMINISTIC_OPS|TF_CUDNN_DETERMINISTIC|TF_ENABLE_ONEDNN_OPTS"
    r"|XLA_FLAGS|NVIDIA_TF32_OVERRIDE|OMP_SCHEDULE|OMP_DYNAMIC|OMP_PROC_BIND|SOURCE_DATE_EPOCH"
)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_:.,=+-][A-Za-z0-9_:.,=+ -]{0,99}")
_MOST_PATHS = 2_000
_SHOWN = 5
# Of larger files, no difference that is worth the time stays below the limit of what is kept.
_MOST_CHANGED_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class BegunRun:
    """A training that begins: `record` has what is known of it by now.

    `secret` are its secret parameters, of which only encrypted texts are recorded. `absent_params`
    are files that are not there yet: the training may write them. `metrics` are the files that it
    is to write, and `mark` is the time by the clock that dates files.
    """

    record: RunRecord
    settings: ModelSettings
    encryption: EncryptSettings
    secret: Mapping[str, Any]
    absent_params: tuple[str, ...]
    metrics: Mapping[str, AwaitedFile]
    mark: int
    diff: bytes | None


def choose_settings(project: Project, request: RunRequest) -> ModelSettings:
    """The settings of the model that a run is of, with what the request replaces.

    A model that has none yet is a new one. Raise MlverError where none is named and there are
    several, or none.
    """
    model = request.model
    if model is None:
        model = project.resolve_model(None)
    names.check_model(model)
    names.check_distinct(model, project.registry.list_models())
    settings = project.registry.read_settings(model)
    if settings is None:
        project.reporter.show_note(
            f"{model} has no version yet; its runs go by that name, and `mlver register {model}`"
            " makes the first"
        )
        settings = ModelSettings(model=model)
    data = dict(settings.data)
    for name, path in request.data.items():
        data[name] = ArtifactSettings(path=_require_there(project, path))
    params = tuple(map(project.resolve_path, request.params_files))
    metrics = tuple(map(project.resolve_path, request.metrics_files))
    return replace(
        settings,
        weights=_place_weights(project, request, settings),
        data=data,
        params=params or settings.params,
        param_keys=() if params else settings.param_keys,
        metrics=metrics or settings.metrics,
        metric_keys=() if metrics else settings.metric_keys,
        environment=environment.remember(project.top_folder, project.start, request.environment)
        or settings.environment,
    )


def _place_weights(
    project: Project, request: RunRequest, settings: ModelSettings
) -> ArtifactSettings | None:
    """Find where the training is to write the weights: as typed, else as `model.yaml` says."""
    if request.weights is None:
        return settings.weights
    path = project.resolve_path(request.weights)
    return replace(settings.weights or ArtifactSettings(path=path), path=path)


def _require_there(project: Project, given: str) -> str:
    """Resolve the path of a data set that was typed; raise MlverError where nothing is there."""
    path = project.resolve_path(given)
    if measuring.has_no_files(project.top_folder / path):
        raise MlverError(
            f"nothing is at {printable_name(given)}, so nobody can train on it",
            hint=shell_command("ls", "-l", "--", given),
        )
    return path


def begin_run(
    project: Project, request: RunRequest, mark: int, variables: Mapping[str, str]
) -> BegunRun:
    """Look at everything that a training begins with; nothing is written.

    `variables` are those of its environment.

    Raise MlverError where that cannot be read, or may not be recorded.
    """
    if request.step is not None and request.pipeline is None:
        raise UsageError("--step names a step of a pipeline; add --pipeline ID")
    settings = choose_settings(project, request)
    encryption = read_encryption(project)
    params, absent = _read_params(project, request, settings)
    here = [file for file in settings.params if file not in absent]
    refuse_tracked(project, here, settings.param_keys, encryption)
    public, secret = encryption.split_params(params)
    code = inspect_working_code(project, settings)
    diff, remarks = _read_diff(project, code, wanted=request.keeps_diff)
    record = replace(
        _describe_run(project, request, settings, code.state, public, variables),
        diff=None if diff is None else AttachedFile.of_bytes(diff),
        secrets=encrypt_params(secret, encryption),
    )
    refuse_unfit(record, diff, secret)
    # Last: it may take long, and nothing that is refused above needs it.
    data, data_remarks = _measure_data(project, settings)
    awaited: dict[str, AwaitedFile] = {}
    for file in settings.metrics:
        awaited[file] = AwaitedFile.before(file, project.top_folder / file, mark)
    return BegunRun(
        record=replace(record, data=data, remarks=(*remarks, *data_remarks)),
        settings=settings,
        encryption=encryption,
        secret=secret,
        absent_params=absent,
        metrics=awaited,
        mark=mark,
        diff=diff,
    )


def _describe_run(
    project: Project,
    request: RunRequest,
    settings: ModelSettings,
    code: CodeState,
    params: Mapping[str, Any],
    variables: Mapping[str, str],
) -> RunRecord:
    """Describe a run that begins now, but for its data and what is secret."""
    created = project.record_time
    prefix = find_environment(project, request.environment, settings)
    return RunRecord(
        model=settings.model,
        run=build_run_id(created, draw_digits()),
        created=created,
        author=project.repository.author(),
        message=request.message.strip(),
        command=request.command,
        outcome="finished",
        duration=0,
        code=code,
        params=params,
        environment=environment.capture_environment(
            project.top_folder, params, request.command, prefix
        ),
        sources=RunSources(
            params=settings.params, metrics=settings.metrics, environment=settings.environment
        ),
        machine=_describe_machine(),
        variables=list_variables(variables),
        pipeline=request.pipeline,
        step=request.step,
        batch=request.batch,
        labels={**settings.labels, **request.labels},
    )


def draw_digits() -> str:
    """Draw the six digits that tell runs apart which begin in the same second, in any clone."""
    return secrets.token_hex(3)


def refuse_unfit(record: RunRecord, diff: bytes | None, secret: Mapping[str, Any]) -> None:
    """Raise MlverError for a record, or for uncommitted changes, that hold a secret.

    What is pushed can never be taken back.
    """
    given = list_given(record)
    exposed = find_exposed(given, secret)
    if exposed is not None:
        raise build_exposed_error(*exposed)
    for key_path, leak_kind in find_document_leaks(given):
        raise MlverError(
            f"{printable_name(key_path)} has what looks like {leak_kind}, and nobody could take it"
            " back from a run that was pushed; give it by a variable of the environment, or write"
            " a path from the repository's top",
            hint=shell_command("mlver", "run", "--help"),
        )
    if diff is None:
        return
    text = diff.decode(errors="replace")
    exposed = find_exposed({"the uncommitted changes": text}, secret)
    leaks = [f"the secret param {exposed[0]}"] if exposed else find_leaks(text)
    if leaks:
        raise MlverError(
            f"the uncommitted changes of the code have what looks like {leaks[0]}, and nobody could"
            " take it back from a run that was pushed; --no-diff leaves them out of the record",
            hint="git diff HEAD",
        )


def list_given(record: RunRecord) -> dict[str, Any]:
    """List what a person or their files gave a record: a secret can only come from there."""
    document = record.to_document()
    keys = ("message", "command", "params", "metrics", "labels", "variables")
    return {key: document[key] for key in keys if key in document}


def list_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """List the variables on which numbers may depend, if their values are plain words."""
    chosen: dict[str, str] = {}
    for name in sorted(variables):
        if _VARIABLES.fullmatch(name) and _PLAIN_VALUE.fullmatch(variables[name]):
            chosen[name] = variables[name]
    return chosen


def find_environment(project: Project, given: str | None, settings: ModelSettings) -> Path | None:
    """Find the environment that was named, else the one that `model.yaml` does."""
    if given:
        return project.start / given
    return environment.find_remembered(project.top_folder, settings.environment)


def _read_params(
    project: Project, request: RunRequest, settings: ModelSettings
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Read the parameters, and list the files of them that are not there yet."""
    top = project.top_folder
    here = [file for file in settings.params if value_files.read_value_file(top, file) is not None]
    gathered = value_files.gather_values(top, here, (), settings.param_keys)
    params = value_files.assign_over(gathered, request.params, request.param_values)
    return params, tuple(file for file in settings.params if file not in here)


def _read_diff(
    project: Project, code: WorkingCode, *, wanted: bool
) -> tuple[bytes | None, tuple[str, ...]]:
    """Read the uncommitted changes, and say what of them cannot be recorded."""
    remarks: list[str] = []
    if code.untracked:
        listing = ", ".join(map(printable_name, code.untracked[:_SHOWN]))
        if len(code.untracked) > _SHOWN:
            listing += f" and {len(code.untracked) - _SHOWN:,} more"
        remarks.append(f"these files are in no commit, and not recorded: {listing}")
    if not (wanted and code.changed) or code.state.commit is None:
        return None, tuple(remarks)
    if len(code.changed) > _MOST_PATHS:
        remarks.append(f"{len(code.changed):,} files are not committed, too many to record")
        return None, tuple(remarks)
    diff = None
    if _measure_changed(project, code) <= _MOST_CHANGED_BYTES:
        diff = loose_commits.read_diff(project.repository, code.changed, DIFF_LIMIT)
    if diff is None:
        remarks.append(
            f"the uncommitted changes take more than {DIFF_LIMIT >> 20} MiB, and are not recorded"
        )
    return diff, tuple(remarks)


def _measure_changed(project: Project, code: WorkingCode) -> int:
    """How many bytes the changed files have; git would hold each of them in memory."""
    size = 0
    for path in code.changed:
        with suppress(OSError):
            size += (project.top_folder / path).lstat().st_size
    return size


def _describe_machine() -> Machine:
    facts = describe_machine()
    return Machine(
        processor=facts.processor,
        processors=facts.processors,
        instructions=facts.instructions,
        memory=facts.memory,
        accelerators=facts.accelerators,
    )


def _measure_data(
    project: Project, settings: ModelSettings
) -> tuple[dict[str, Artifact], tuple[str, ...]]:
    """Measure the data sets; one that cannot be is no reason not to train, and is remarked upon."""
    data: dict[str, Artifact] = {}
    remarks: list[str] = []
    for name, artifact in settings.data.items():
        if artifact.is_remote:
            remarks.append(f"the data set {name} lies at an address, and was not hashed")
            continue
        try:
            data[name] = measure_artifact(project, artifact)
        except MlverError as error:
            remarks.append(f"the data set {name} was not hashed: {error.message}")
    return data, tuple(remarks)


def measure_artifact(project: Project, settings: ArtifactSettings) -> Artifact:
    """Hash what lies at the place of an artifact, every byte; nothing of it is stored.

    Raise MlverError where that cannot be done.
    """
    agreed: Sequence[agreed_links.AgreedLink] = ()
    if settings.follow:
        agreed = tuple(
            link for link in agreed_links.read_agreed(project) if link.path == settings.path
        )
    if measuring.has_no_files(project.top_folder / settings.path):
        raise MlverError(f"nothing is at {printable_name(settings.path)}")
    measured = measuring.measure_into(
        project, settings.path, None, follow=not settings.stored, agreed=agreed
    )
    return Artifact(
        path=settings.path,
        digest=measured.digest,
        size=measured.size,
        files=measured.files,
        format=settings.format,
        stored=False,
        batch=settings.batch,
        license=settings.license,
    )
