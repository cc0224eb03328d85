"""Amend the version that HEAD's own commit registered: the record, the commit and the seal."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, shell_command
from mlver.names import PLACEHOLDER
from mlver.project.artifacts.elsewhere.required import require_holders
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.edit import planned_tags
from mlver.project.edit.edit import PlannedEdit, refuse_unfinished
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_possible_date
from mlver.project.history.encryption import read_encryption
from mlver.project.history.secret_params import (
    encrypt_params,
    refuse_exposed,
    refuse_tracked,
)
from mlver.project.project import Project
from mlver.project.registering.amendable import AmendableVersion, find_amendable
from mlver.project.registering.inputs import merge_settings
from mlver.project.registering.kept_beside import derive_kept, list_kept_paths
from mlver.project.registering.record import (
    WorkTreeState,
    check_given,
    measure_artifacts,
    pin_artifact,
)
from mlver.project.registering.register import (
    EncodedRecord,
    RegisterResult,
    build_result,
    encode_record,
    list_beside,
    plan_beside,
    read_before,
    write_message,
)
from mlver.project.registering.remote_data import RemoteData, hash_remote_data
from mlver.project.registering.request import RegisterRequest, check_request
from mlver.project.registering.secret_artifacts import encrypt_artifacts
from mlver.project.registering.uses import check_uses, resolve_uses
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.tags import seals
from mlver.project.transaction import open_edit
from mlver.project.worktree import environment, value_files
from mlver.project.worktree.value_files import ValueSource
from mlver.records.artifact import Artifact
from mlver.records.model import ModelSettings
from mlver.records.sections.encrypt import EncryptSettings
from mlver.records.tags import version_tag_name
from mlver.records.values import flatten_values, is_same_value, thaw_value
from mlver.records.version import TrainingEnvironment, VersionRecord


def refuse_fixed_options(request: RegisterRequest) -> None:
    """Raise UsageError for what an amended version takes over: its number, its origin, its code."""
    fixed = {
        "--version": request.version,
        "--bump": request.bump,
        "--pre": request.pre,
        "--allow-lower": request.allow_lower,
        "--parent": request.parent,
        "--update": request.update != "full",
        "--no-commit": not request.commit,
        "--allow-dirty": request.allow_dirty,
        "--allow-mixed": request.allow_mixed,
        "--allow-unfinished": request.allow_unfinished,
        "--follow": request.follow is not None,
    }
    given = [option for option, value in fixed.items() if value]
    if given:
        raise UsageError(
            f"--amend keeps the number, the origin and the code of the version, so"
            f" {', '.join(given)} has no place beside it"
        )


def amend_version(project: Project, request: RegisterRequest) -> RegisterResult:
    """Replace the version of a model that HEAD's own commit registered; its number stays.

    Whatever the request does not name is as the former record has it. Raise UsageError or
    MlverError, with nothing changed, when that cannot be done.
    """
    project.registry.read_config()
    check_uses(project, request)
    check_request(project, request)
    refuse_fixed_options(request)
    require_possible_date(project, "version", project.record_time)
    refuse_protected(project)
    seals.require_signing(project)
    remote = hash_remote_data(project, request, {*request.data, *request.listings})
    editing = open_edit(project, f"amend {request.model}", dry_run=request.dry_run)
    with naming_commits(project.repository), editing as edit:
        refuse_unfinished(project.repository)
        former = find_amendable(project, request.model)
        settings = merge_settings(project, request)
        encryption = read_encryption(project)
        storing = edit is not None
        measured = _measure_named(
            project, request, settings, store=storing, remote=remote, encryption=encryption
        )
        record = _build_amended(project, request, former.record, settings, measured, encryption)
        before = read_before(project, record)
        kept: dict[str, bytes] = {}
        if edit is not None:
            record = encrypt_artifacts(project, record, measured, former.record, encryption)
            record, kept = derive_kept(project, record, measured, before)
        _require_change(project, former.record, record, settings)
        encoded = EncodedRecord(record, encode_record(project, record), measured, before, kept)
        result = build_result(project, request, encoded, WorkTreeState(record.code.dirty, (), ()))
        result = replace(result, amended=str(Digest.of_bytes(former.data)))
        if edit is None:
            return result
        commit = _commit_amended(project, edit, settings, former, encoded)
    return replace(result, commit=commit, tag=version_tag_name(record.model, record.version))


def _measure_named(
    project: Project,
    request: RegisterRequest,
    settings: ModelSettings,
    *,
    store: bool,
    remote: RemoteData,
    encryption: EncryptSettings,
) -> dict[str, MeasuredArtifact]:
    """Measure the artifacts that the request names; of the others, the record says what counts."""
    named = {*request.data, *request.unstored, *request.listings}
    named -= _list_untouched(settings, {*request.data, *request.listings})
    if request.weights is not None:
        named.add("weights")
    measured = measure_artifacts(
        project, request, settings, store=store, remote=remote, only=named, encryption=encryption
    )
    weights = settings.weights if "weights" in measured else None
    data = {name: artifact for name, artifact in settings.data.items() if name in measured}
    require_holders(project, replace(settings, weights=weights, data=data), measured)
    return measured


def _list_untouched(settings: ModelSettings, named: Container[str]) -> set[str]:
    """The data sets at an address that are not asked for: `--no-store` says nothing new of them."""
    untouched: set[str] = set()
    for name, artifact in settings.data.items():
        if artifact.is_remote and name not in named:
            untouched.add(name)
    return untouched


def _build_amended(
    project: Project,
    request: RegisterRequest,
    former: VersionRecord,
    settings: ModelSettings,
    measured: Mapping[str, MeasuredArtifact],
    encryption: EncryptSettings,
) -> VersionRecord:
    """Build the record: what the request says, and for the rest what the former one does.

    Raise MlverError or InvalidDocument as a registration does.
    """
    params, other_params = _amend_values(
        project,
        ValueSource(settings.params, settings.param_keys, "--param-key"),
        (request.params_files or request.param_keys, request.params, request.param_values),
        (former.params, former.replaced_values["params"]),
    )
    metrics, other_metrics = _amend_values(
        project,
        ValueSource(settings.metrics, settings.metric_keys, "--metric-key"),
        (request.metrics_files or request.metric_keys, request.metrics, request.metric_values),
        (former.metrics, former.replaced_values["metrics"]),
    )
    check_given(settings, params, metrics)
    if request.params_files:
        refuse_tracked(project, settings.params, settings.param_keys, encryption)
    params, secret = encryption.split_params(params)
    artifacts = _amend_artifacts(project, request, former, settings, measured)
    replaced = {"params": encryption.drop_secret(other_params), "metrics": other_metrics}
    amended = replace(
        former,
        created=project.record_time,
        author=project.repository.author(),
        message=request.message.strip() or former.message,
        weights=artifacts.pop("weights"),
        data=artifacts,
        params=params,
        metrics=metrics,
        secrets={**former.secrets, **encrypt_params(secret, encryption)},
        environment=_amend_environment(project, request, former, params),
        uses=former.uses if request.uses is None else resolve_uses(project, request.uses),
        labels={**former.labels, **request.labels},
        extra=former.replace_described(replaced),
    )
    refuse_exposed(amended, secret)
    return amended


def _amend_artifacts(
    project: Project,
    request: RegisterRequest,
    former: VersionRecord,
    settings: ModelSettings,
    measured: Mapping[str, MeasuredArtifact],
) -> dict[str, Artifact]:
    artifacts = former.named_artifacts()
    for name, found in measured.items():
        artifacts[name] = pin_artifact(project, settings, name, found, artifacts.get(name))
    _require_those_of_run(former, artifacts)
    for name in (*request.licenses, *request.batches):
        described = settings.named_artifacts[name]
        if name in artifacts:
            artifacts[name] = replace(
                artifacts[name], license=described.license, batch=described.batch
            )
    return artifacts


def _require_those_of_run(former: VersionRecord, artifacts: Mapping[str, Artifact]) -> None:
    """Raise MlverError where a version of a run is to get other weights or data than that had."""
    if former.run is None:
        return
    for name, before in former.named_artifacts().items():
        if artifacts[name].digest != before.digest:
            raise MlverError(
                f"{former.model} {former.version} came from the run {former.run}, which had other"
                f" {name}; what has changed since then is a version of its own",
                hint=shell_command("mlver", "register", former.model, "-m", PLACEHOLDER),
            )


def _amend_environment(
    project: Project,
    request: RegisterRequest,
    former: VersionRecord,
    params: Mapping[str, Any],
) -> TrainingEnvironment | None:
    known = former.environment
    command = request.command or (None if known is None else known.command)
    if request.environment is not None:
        folder = project.start / request.environment
        return environment.capture_environment(project.top_folder, params, command, folder)
    if known is None:
        return None
    return replace(known, command=command, seed=environment.find_seed(params))


def _amend_values(
    project: Project,
    source: ValueSource,
    given: tuple[object, Any, Mapping[str, Any]],
    former: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gather values from files that are named now, or those that the record has, and what is given
    on top of them; also the values of files that others replaced.
    """
    named, words, values_given = given
    if named:
        return value_files.gather_replaced(project.top_folder, source, words, values_given)
    values, former_replaced = former
    amended = value_files.assign_over(thaw_value(values), words, values_given)
    replaced = dict(former_replaced)
    now = flatten_values(amended)
    for name, value in flatten_values(values).items():
        if name in now and not is_same_value(value, now[name]):
            replaced.setdefault(name, value)
    return amended, replaced


def _require_change(
    project: Project, former: VersionRecord, record: VersionRecord, settings: ModelSettings
) -> None:
    """Raise MlverError where the record would say the same, but for its date and its author."""
    same_date = replace(record, created=former.created, author=former.author)
    if same_date == former and settings == project.registry.read_settings(record.model):
        raise MlverError(
            "there is nothing to amend: say what is to change, such as the message",
            hint=shell_command("mlver", "register", record.model, "--amend", "-m", "WHY"),
        )


def _commit_amended(
    project: Project,
    edit: PlannedEdit,
    settings: ModelSettings,
    former: AmendableVersion,
    encoded: EncodedRecord,
) -> str:
    record = encoded.record
    edit.put_file(record.record_path, encoded.data)
    plan_beside(project, edit, settings, encoded)
    needed = list_beside(record) + list_kept_paths(record)
    for path in former.manifests:
        if path not in needed:
            edit.remove_file(path)
    tag = planned_tags.plan_version_tag(record, encoded.data)
    return edit.commit_files(
        write_message(record),
        (tag,),
        description=f"amend {record.model} {record.version}",
        replaced=former.replaced_tags,
    )
