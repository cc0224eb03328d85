"""The version record: made from a registration's inputs, the measured artifacts and the code."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlver.content import formats
from mlver.document import emit, strict
from mlver.errors import MlverError, printable_name, shell_command, summarise_names
from mlver.git.trees import compute_tree_without
from mlver.project.artifacts import (
    agreed_links,
    following,
    ignoring,
    measuring,
    modes,
    shared_cache,
    storing,
)
from mlver.project.artifacts.agreed_links import AgreedLink
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.history.encryption import read_encryption
from mlver.project.history.secret_params import (
    encrypt_params,
    refuse_exposed,
    refuse_tracked,
)
from mlver.project.project import Project
from mlver.project.registering.described import inherit_labels
from mlver.project.registering.inputs import RegisterInputs
from mlver.project.registering.remote_data import RemoteData, pin_listing
from mlver.project.registering.request import RegisterRequest, list_options
from mlver.project.worktree import environment, value_files
from mlver.project.worktree.value_files import ValueSource
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.manifest import read_paths
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.sections.encrypt import EncryptSettings
from mlver.records.values import thaw_value
from mlver.records.version import CodeState, VersionRecord

# A message that names every changed file would scroll the reason off the screen.
_SHOWN = 5
# Of a record's most bytes, those kept for all but params and metrics: a thousand packages fit.
_OTHER_BYTES = 256 << 10
NO_ENCRYPTION = EncryptSettings()


@dataclass(frozen=True, slots=True)
class WorkTreeState:
    """`dirty`: code differs from HEAD; `untracked`: files that no commit holds.

    `uncommitted` are the params and metrics files that HEAD does not have as they are.
    """

    dirty: bool
    untracked: tuple[str, ...]
    uncommitted: tuple[str, ...]


def inspect_code(
    project: Project, request: RegisterRequest, inputs: RegisterInputs
) -> WorkTreeState:
    """Compare the work tree with HEAD, apart from the files that the record itself pins.

    Raise MlverError where code is not committed, unless the request allows that.
    """
    changed, unknown = project.repository.changes()
    own = measuring.collect_own_paths(project, inputs.settings)
    # new weights and metrics are the reason to register, so they do not count as dirt
    dirty = [path for path in changed if not own.covers_path(path)]
    if dirty and not request.allow_dirty:
        listing = summarise_names(dirty, _SHOWN)
        raise MlverError(
            "the code is not committed, so the version could not say what it was trained with;"
            " commit it, or add --allow-dirty, which the record will say:\n" + listing,
            hint="git commit --all",
        )
    untracked: list[str] = []
    for path in unknown:
        if not own.covers_path(path) and not own.reach_into(path):
            untracked.append(path)
    settings = inputs.settings
    uncommitted = _list_uncommitted([*settings.params, *settings.metrics], [*changed, *unknown])
    return WorkTreeState(bool(dirty), tuple(untracked), uncommitted)


def _list_uncommitted(files: Iterable[str], differing: Sequence[str]) -> tuple[str, ...]:
    """List the files that are among those that differ, or lie in a folder that does."""
    folders = tuple(path for path in differing if path.endswith("/"))
    uncommitted: list[str] = []
    for path in dict.fromkeys(files):
        if path in differing or path.startswith(folders):
            uncommitted.append(path)
    return tuple(uncommitted)


def measure_artifacts(
    project: Project,
    request: RegisterRequest,
    settings: ModelSettings,
    remote: RemoteData,
    *,
    store: bool,
    only: Container[str] | None = None,
    encryption: EncryptSettings = NO_ENCRYPTION,
) -> dict[str, MeasuredArtifact]:
    """Measure the weights and each data set, by name; `store` also keeps the bytes of each.

    With `only`, those of these names. `remote` was found at addresses. An artifact whose settings
    say `stored: false` is never kept, and one that is secret by `encrypt_artifacts`. Raise
    MlverError for a link out of the work tree that is not followed, and where `.mlverignore`
    changes meanwhile.
    """
    agreed = _agree_links(project, request, settings, dry_run=not store)
    measured: dict[str, MeasuredArtifact] = {}
    rules: set[bytes] = set()
    _refuse_unfollowed(project, request, settings, agreed)
    with storing.open_measurer(project, store=store, agreed=agreed) as measure:
        for name, artifact in settings.named_artifacts.items():
            if only is not None and name not in only:
                continue
            if artifact.is_remote:
                measured[name] = remote.take_measured(name, artifact)
            else:
                rules.add(ignoring.read_ignore_file(project))
                is_secret = encryption.covers_artifact(settings.model, name)
                measured[name] = measure(artifact.path, store=artifact.stored and not is_secret)
                rules.add(ignoring.read_ignore_file(project))
    if len(rules) > 1:
        # All artifacts of a version are measured by the same rules.
        raise MlverError(
            f"{ignoring.IGNORE_FILE} was changed while the artifacts were hashed; run the same"
            " command again",
            hint=shell_command("cat", "-n", "--", ignoring.IGNORE_FILE),
        )
    if store:
        _share_measured(project, settings, measured, encryption)
    return measured


def _share_measured(
    project: Project,
    settings: ModelSettings,
    measured: Mapping[str, MeasuredArtifact],
    encryption: EncryptSettings,
) -> None:
    """Give the other checkouts of this host what was stored, where they share a cache."""
    stored: dict[str, str] = {}
    for name, artifact in settings.named_artifacts.items():
        is_secret = encryption.covers_artifact(settings.model, name)
        if artifact.stored and not is_secret and name in measured:
            stored[name] = artifact.path
    shared_cache.share_measured(project, measured, stored)


def _refuse_unfollowed(
    project: Project,
    request: RegisterRequest,
    settings: ModelSettings,
    agreed: frozenset[AgreedLink],
) -> None:
    # where others keep the bytes, such as DVC, links may lead to what they keep
    artifacts = [artifact for artifact in settings.named_artifacts.values() if artifact.stored]
    links = following.list_unfollowed(project, [artifact.path for artifact in artifacts], agreed)
    if not links:
        return
    again = replace(request, follow=True)
    words = ["mlver", "register", request.model, *list_options(again)]
    raise MlverError(
        f"{following.describe_links(links)}; add --follow to register what is there, and to let a"
        " checkout write there",
        hint=shell_command(*words, "-m", request.message),
    )


def _agree_links(
    project: Project, request: RegisterRequest, settings: ModelSettings, *, dry_run: bool
) -> frozenset[AgreedLink]:
    """Find the links that are followed: those of the settings to which this user agreed."""
    places = settings.followed_paths
    agreed = agreed_links.read_agreed(project)
    if request.follow:
        agreed |= following.find_agreements(project, places)
        if not dry_run:
            agreed_links.keep_agreements(project, agreed)
    elif request.follow is False and not dry_run:
        own = [artifact.path for artifact in settings.named_artifacts.values()]
        agreed_links.forget_links(project, own)
    return frozenset(link for link in agreed if link.path in places)


@dataclass(frozen=True, slots=True)
class GivenValues:
    """The params and metrics of files and of the command line.

    `replaced` are the values of files, by dotted name, that the command line gave others for.
    `secret` are params, by dotted name, that stand in the record encrypted only; `encrypted` are
    the texts of those that a run has so already.
    """

    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    replaced: Mapping[str, Mapping[str, Any]]
    secret: Mapping[str, Any] = field(default_factory=dict)
    encryption: EncryptSettings = field(default_factory=EncryptSettings)
    encrypted: Mapping[str, str] = field(default_factory=dict)


def gather_given(
    project: Project, request: RegisterRequest, settings: ModelSettings
) -> GivenValues:
    """Gather the values.

    Raise InvalidDocument or MlverError where a file is not valid, or where they are too many.
    """
    top = project.top_folder
    params, other_params = value_files.gather_replaced(
        top,
        ValueSource(settings.params, settings.param_keys, "--param-key"),
        request.params,
        request.param_values,
    )
    metrics, other_metrics = value_files.gather_replaced(
        top,
        ValueSource(settings.metrics, settings.metric_keys, "--metric-key"),
        request.metrics,
        request.metric_values,
    )
    check_given(settings, params, metrics)
    encryption = read_encryption(project)
    refuse_tracked(project, settings.params, settings.param_keys, encryption)
    public, secret = encryption.split_params(params)
    replaced = {"params": encryption.drop_secret(other_params), "metrics": other_metrics}
    return GivenValues(public, metrics, replaced, secret, encryption)


def check_given(
    settings: ModelSettings, params: Mapping[str, Any], metrics: Mapping[str, Any]
) -> None:
    """Refuse metrics that are no numbers, and values that leave the record no room for the rest."""
    metrics_source = ", ".join(settings.metrics) or "the metrics given"
    value_files.check_numbers(metrics, metrics_source)
    size = 0
    for values, noun in ((params, "params"), (metrics, "metrics")):
        where = f"the {noun} of {settings.model}"
        size += len(emit.dump_document(thaw_value(values), where))
    if size <= strict.MAX_BYTES - _OTHER_BYTES:
        return
    files = [*settings.params, *settings.metrics]
    limit = strict.MAX_BYTES - _OTHER_BYTES
    raise MlverError(
        f"params and metrics take {size:,} bytes together, and a record has room for {limit:,};"
        " leave out what is no parameter or metric, such as a table: that can be a data set",
        hint=shell_command("ls", "-l", "--", *files) if files else None,
    )


def build_record(
    project: Project,
    request: RegisterRequest,
    inputs: RegisterInputs,
    measured: Mapping[str, MeasuredArtifact],
    given: GivenValues,
    *,
    dirty: bool,
) -> VersionRecord:
    """Build the record, but for what it follows.

    Raise MlverError where the environment that the request names is none.
    """
    head = project.repository.head()
    settings = inputs.settings
    prefix = _find_environment(project, request, settings)
    tree = None
    if head.commit is not None:
        tree = compute_tree_without(project.repository, head.commit, layout.ROOT)
    record = VersionRecord(
        model=request.model,
        version=str(inputs.version),
        created=project.record_time,
        author=project.repository.author(),
        message=request.message.strip(),
        parent=None,
        update=request.update,
        code=CodeState(commit=head.commit, tree=tree, branch=head.branch, dirty=dirty),
        weights=_pin_weights(inputs.weights, measured["weights"]),
        data=_pin_data(settings.data, measured),
        params=given.params,
        metrics=given.metrics,
        environment=environment.capture_environment(
            project.top_folder, given.params, request.command or settings.command, prefix
        ),
        secrets={**given.encrypted, **encrypt_params(given.secret, given.encryption)},
        labels=inherit_labels(settings, request),
        extra=VersionRecord.describe_replaced(given.replaced),
    )
    refuse_exposed(record, given.secret)
    return record


def _find_environment(
    project: Project, request: RegisterRequest, settings: ModelSettings
) -> Path | None:
    """Find the environment that the request names, else the one that `model.yaml` does."""
    if request.environment:
        return project.start / request.environment
    remembered = environment.find_remembered(project.top_folder, settings.environment)
    if remembered is None and settings.environment is not None:
        folder = printable_name(settings.environment)
        project.reporter.show_note(
            f"{settings.record_path} names the environment {folder}, and there is none here;"
            " --environment DIR names another"
        )
    return remembered


def _pin_weights(settings: ArtifactSettings, measured: MeasuredArtifact) -> Artifact:
    file_format = settings.format
    # of data, suffixes say little: a folder of pictures has many
    if not file_format:
        file_format = formats.detect_format(_list_file_names(settings.path, measured))
    return _pin_artifact(settings, measured, file_format)


def _pin_data(
    data: Mapping[str, ArtifactSettings], measured: Mapping[str, MeasuredArtifact]
) -> dict[str, Artifact]:
    pinned: dict[str, Artifact] = {}
    for name, settings in data.items():
        pinned[name] = _pin_artifact(settings, measured[name], settings.format)
    return pinned


def _pin_artifact(
    settings: ArtifactSettings, measured: MeasuredArtifact, file_format: str | None
) -> Artifact:
    return Artifact(
        path=settings.path,
        digest=measured.digest,
        size=measured.size,
        files=measured.files,
        format=file_format,
        stored=settings.stored and not settings.is_remote,
        batch=settings.batch,
        license=settings.license,
        listing=pin_listing(measured),
        claimed=measured.claimed,
    )


def pin_artifact(
    project: Project,
    settings: ModelSettings,
    name: str,
    measured: MeasuredArtifact,
    before: Artifact | None,
) -> Artifact:
    """Pin one artifact as it was measured."""
    own_settings = settings.named_artifacts[name]
    if name == "weights":
        pinned = _pin_weights(own_settings, measured)
    else:
        pinned = _pin_artifact(own_settings, measured, own_settings.format)
    return replace(pinned, executable=modes.pin_executable(project, measured, before))


def pin_modes(
    project: Project,
    record: VersionRecord,
    measured: Mapping[str, MeasuredArtifact],
    before: VersionRecord | None,
) -> VersionRecord:
    """Add to each artifact which of its files may be executed."""
    artifacts_before = {} if before is None else before.named_artifacts()
    pinned: dict[str, Artifact] = {}
    for name, artifact in record.named_artifacts().items():
        executable = modes.pin_executable(project, measured[name], artifacts_before.get(name))
        pinned[name] = replace(artifact, executable=executable)
    return replace(record, weights=pinned.pop("weights"), data=pinned)


def _list_file_names(path: str, measured: MeasuredArtifact) -> Iterator[str]:
    if measured.manifest is None:
        yield path
        return
    for name in read_paths(measured.manifest):
        yield os.fsdecode(name)
