"""Register a version: hash and store its artifacts, commit its record and seal it with a tag."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from mlver.digest import Digest
from mlver.document import codec
from mlver.document.amend import amend_document
from mlver.project.artifacts.agreed_links import restoring_agreed
from mlver.project.artifacts.elsewhere.required import require_holders
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.edit import planned_tags
from mlver.project.edit.edit import PlannedEdit, refuse_unfinished
from mlver.project.edit.manifests import put_new_files
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_possible_date
from mlver.project.project import Project
from mlver.project.registering.from_run import (
    apply_run,
    complete_request,
    find_source,
    gather_given_or_run,
    inspect_code_or_run,
    keep_environment,
    require_own_weights,
    require_same_artifacts,
)
from mlver.project.registering.inputs import RegisterInputs, resolve_inputs
from mlver.project.registering.kept_beside import derive_kept
from mlver.project.registering.leftovers import find_leftovers
from mlver.project.registering.lineage import trace_lineage
from mlver.project.registering.omissions import find_dropped, list_left_out
from mlver.project.registering.record import (
    WorkTreeState,
    build_record,
    measure_artifacts,
    pin_modes,
)
from mlver.project.registering.registered_artifacts import (
    RegisteredArtifact,
    find_lacking_remote,
    find_unignored,
    is_repeated,
    summarise_artifacts,
)
from mlver.project.registering.remote_data import RemoteData, hash_remote_data, pin_listing
from mlver.project.registering.request import RegisterRequest, check_request
from mlver.project.registering.secret_artifacts import encrypt_artifacts
from mlver.project.registering.uses import check_uses, choose_uses
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.runs.kept import KeptRun
from mlver.project.runs.registered import refuse_registered
from mlver.project.tags import seals
from mlver.project.transaction import open_edit
from mlver.project.worktree.environment import NO_ENVIRONMENT
from mlver.records import layout
from mlver.records.model import ModelSettings
from mlver.records.tags import version_tag_name
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterResult:
    """`record` is the digest of the record's bytes.

    `commit` and `tag` are None where the record was only staged, or in a dry run. `unignored` are
    artifact paths that git neither ignores nor holds, `untracked` other files that no commit holds,
    and `uncommitted` the params and metrics files that HEAD does not have as they are. `leftovers`
    are patterns of what programs left behind in the artifacts. `left_out` are the paths that
    `.mlverignore` left out of them, that of a folder with a slash; `dropped` are the files among
    them that the version before or the highest has, each with that version.
    `unreadable` are the files of the weights that are not what their names say, with the reason.
    `secrets` names the params that are encrypted. `unchanged`: artifacts, params and metrics are
    those of the version before, and none is secret. `amended` is the digest of the record that this
    one replaced. `uses` are the versions of other models that it uses, and `inherited_uses` says
    that nobody named them: the version before uses them. `remote` is the one that gets objects by
    default, where this version has some that it cannot have yet; else None.
    """

    model: str
    version: str
    previous: str | None
    parent: str | None
    mixed: Mapping[str, str]
    uses: tuple[str, ...]
    inherited_uses: bool
    record: str
    path: str
    artifacts: tuple[RegisteredArtifact, ...]
    unchanged: bool
    params: int
    secrets: tuple[str, ...]
    metrics: Mapping[str, Any]
    environment: str
    packages: int
    dirty: bool
    commit: str | None
    tag: str | None
    dry_run: bool
    unignored: tuple[str, ...]
    untracked: tuple[str, ...]
    uncommitted: tuple[str, ...]
    leftovers: tuple[str, ...]
    left_out: tuple[str, ...]
    dropped: Mapping[str, str]
    unreadable: Mapping[str, str]
    amended: str | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A record, the bytes that its digest is of, and the artifacts that were measured for it.

    `before` is the version before it. `kept` are the files that were derived and that it pins.
    """

    record: VersionRecord
    data: bytes
    measured: Mapping[str, MeasuredArtifact]
    before: VersionRecord | None
    kept: Mapping[str, bytes] = field(default_factory=dict)


def register_version(project: Project, request: RegisterRequest) -> RegisterResult:
    """Register a version.

    Raise UsageError or MlverError, with nothing changed, when that cannot be done.
    """
    # settings that cannot be read are refused before anything is measured
    project.registry.read_config()
    run = find_source(project, request)
    request = complete_request(project, request, run)
    check_uses(project, request)
    check_request(project, request)
    if request.commit:
        require_possible_date(project, "version", project.record_time)
        refuse_protected(project, "add --no-commit")
        seals.require_signing(project, "add --no-commit")
    remote = hash_remote_data(project, request)
    editing = open_edit(project, f"register {request.model}", dry_run=request.dry_run)
    agreeing = nullcontext() if request.dry_run else restoring_agreed(project)
    with naming_commits(project.repository), editing as edit, agreeing:
        inputs = resolve_inputs(project, request)
        inputs = replace(inputs, settings=keep_environment(inputs.settings, run))
        encoded, code = _make_record(project, request, inputs, remote, run, edit)
        # built before the record lands: afterwards nothing may fail any more
        result = build_result(project, request, encoded, code)
        if edit is None:
            return result
        plan_files(project, edit, inputs.settings, encoded)
        if not request.commit:
            edit.stage_files(description=_describe_edit(encoded.record))
            return result
        commit = _commit_record(edit, encoded)
    record = encoded.record
    return replace(result, commit=commit, tag=version_tag_name(record.model, record.version))


def _make_record(
    project: Project,
    request: RegisterRequest,
    inputs: RegisterInputs,
    remote: RemoteData,
    run: KeptRun | None,
    edit: PlannedEdit | None,
) -> tuple[EncodedRecord, WorkTreeState]:
    """Measure the artifacts and make the record; store the bytes where there is an edit."""
    # Before the code is looked at: in a merge, "commit everything" would be wrong advice.
    refuse_unfinished(project.repository)
    # Before anything is stored: what cannot be recorded is refused at once.
    if run is not None:
        refuse_registered(project, run)
    given = gather_given_or_run(project, request, inputs.settings, run)
    code = inspect_code_or_run(project, request, inputs, run)
    measured = measure_artifacts(
        project, request, inputs.settings, remote, store=bool(edit), encryption=given.encryption
    )
    require_holders(project, inputs.settings, measured)
    if run is not None:
        require_same_artifacts(run, measured)
        require_own_weights(run, inputs.weights.path, measured["weights"].digest)
    record = build_record(project, request, inputs, measured, given, dirty=code.dirty)
    if run is not None:
        record = apply_run(record, run)
    record = trace_lineage(project, request, inputs, record)
    before = read_before(project, record)
    record = replace(record, uses=choose_uses(project, request, before))
    record = pin_modes(project, record, measured, before)
    kept: dict[str, bytes] = {}
    if edit is not None:
        record = encrypt_artifacts(project, record, measured, before, given.encryption)
        record, kept = derive_kept(project, record, measured, before)
    _note_environment(project, record)
    return EncodedRecord(record, encode_record(project, record), measured, before, kept), code


def read_before(project: Project, record: VersionRecord) -> VersionRecord | None:
    """Read the version before."""
    if record.previous is None:
        return None
    previous, _ = project.registry.read_version(record.model, record.previous)
    return previous


def _note_environment(project: Project, record: VersionRecord) -> None:
    if record.environment is None or record.environment.source == NO_ENVIRONMENT:
        project.reporter.show_note(
            "no training environment found, so the record lists no packages; activate it, or add"
            " --environment DIR"
        )


def encode_record(project: Project, record: VersionRecord) -> bytes:
    project_schema = project.registry.read_file(layout.VERSION_SCHEMA)
    return codec.encode_document("version", record.to_document(), project_schema)


# -- landing the record ------------------------------------------------------------------------


def plan_files(
    project: Project, edit: PlannedEdit, settings: ModelSettings, encoded: EncodedRecord
) -> None:
    record = encoded.record
    record_path = layout.version_path(record.model, record.version)
    edit.create_file(record_path, encoded.data)
    plan_beside(project, edit, settings, encoded)


def plan_beside(
    project: Project, edit: PlannedEdit, settings: ModelSettings, encoded: EncodedRecord
) -> None:
    """Plan what goes with a record.

    That is manifests, listings, what is kept of tensors and tables, and a `model.yaml` that says
    more.
    """
    record = encoded.record
    manifests: dict[str, bytes] = dict(encoded.kept)
    for artifact in encoded.measured.values():
        if artifact.manifest is not None:
            manifests[layout.manifest_path(artifact.digest)] = artifact.manifest
        listing = pin_listing(artifact)
        if listing is not None and artifact.listing is not None:
            manifests[layout.listing_path(listing)] = artifact.listing
    put_new_files(project, edit, manifests)
    # a file that says the same already keeps its bytes, and stays out of the commit
    if settings != project.registry.read_settings(record.model):
        path = layout.settings_path(record.model)
        existing = project.registry.read_file(path)
        edit.put_file(path, amend_document("model", existing, settings.to_document()))


def list_beside(record: VersionRecord) -> list[str]:
    """List the paths of the manifests and listings that a record needs, if they were written."""
    paths: list[str] = []
    for artifact in record.named_artifacts().values():
        paths.append(layout.manifest_path(artifact.digest))
        if artifact.listing is not None:
            paths.append(layout.listing_path(artifact.listing))
    return paths


def _commit_record(edit: PlannedEdit, encoded: EncodedRecord) -> str:
    tag = planned_tags.plan_version_tag(encoded.record, encoded.data)
    return edit.commit_files(
        write_message(encoded.record),
        (tag,),
        otherwise="add --no-commit",
        description=_describe_edit(encoded.record),
    )


def write_message(record: VersionRecord) -> str:
    """Write the message of the commit that registers a version."""
    return f"mlver: {_describe_edit(record)}\n\n{record.message}"


def _describe_edit(record: VersionRecord) -> str:
    return f"register {record.model} {record.version}"


# -- the result --------------------------------------------------------------------------------


def build_result(
    project: Project, request: RegisterRequest, encoded: EncodedRecord, code: WorkTreeState
) -> RegisterResult:
    record, environment = encoded.record, encoded.record.environment
    assert environment is not None
    artifacts = summarise_artifacts(record, encoded.measured, encoded.before)
    # with a later version the person has seen the advice already
    unignored = find_unignored(project, record) if encoded.before is None else ()
    return RegisterResult(
        model=record.model,
        version=record.version,
        previous=record.previous,
        parent=record.parent,
        mixed=record.mixed,
        uses=tuple(f"{use.model}@{use.version}" for use in record.uses),
        inherited_uses=bool(record.uses) and request.uses is None and not request.amend,
        record=str(Digest.of_bytes(encoded.data)),
        path=layout.version_path(record.model, record.version),
        artifacts=artifacts,
        unchanged=is_repeated(record, artifacts, encoded.before),
        params=len(flatten_values(record.params)),
        secrets=tuple(record.secrets),
        metrics=flatten_values(record.metrics),
        environment=environment.source or NO_ENVIRONMENT,
        packages=len(environment.packages),
        dirty=code.dirty,
        commit=None,
        tag=None,
        dry_run=request.dry_run,
        unignored=unignored,
        untracked=code.untracked,
        uncommitted=code.uncommitted,
        leftovers=find_leftovers(found.manifest for found in encoded.measured.values()),
        left_out=list_left_out(record, encoded.measured),
        dropped=find_dropped(project, record, encoded.measured, encoded.before),
        unreadable=record.unreadable,
        remote=find_lacking_remote(project, artifacts),
    )
