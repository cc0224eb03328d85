"""What a registration works from: the request, joined with what `model.yaml` and the records say.

Nothing is measured or written here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlver.errors import MlverError, NewerFormat, UsageError, printable_name, shell_command
from mlver.policy.numbering import next_version, require_distinct
from mlver.project.artifacts.following import find_outside
from mlver.project.project import Project
from mlver.project.registering.described import describe_settings
from mlver.project.registering.request import RegisterRequest, list_options
from mlver.project.registry.newer_formats import list_highest_version, refuse_newer_formats
from mlver.project.tags import seals
from mlver.project.worktree import environment
from mlver.records import layout
from mlver.records.addresses import check_url, is_url
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.version import Version, parse_version


@dataclass(frozen=True, slots=True)
class RegisterInputs:
    """`settings` are those that `model.yaml` will hold.

    `registered` are the versions below the new one, lowest first. `previous` is the highest of
    them; `parent` is the version that the request says it was trained from.
    """

    settings: ModelSettings
    weights: ArtifactSettings
    version: Version
    registered: tuple[Version, ...]
    parent: Version | None

    @property
    def previous(self) -> Version | None:
        return self.registered[-1] if self.registered else None


def resolve_inputs(project: Project, request: RegisterRequest) -> RegisterInputs:
    """Find the settings, the number and the parent of the version to register.

    Raise UsageError where the request leaves one of them open, MlverError where one is refused.
    """
    refuse_newer_formats(project.registry, list_highest_version(project.registry, request.model))
    settings = merge_settings(project, request)
    if settings.weights is None:
        words = ["mlver", "register", request.model, "--weights", "PATH", *list_options(request)]
        raise UsageError(
            f"mlver does not know where the weights of {request.model} are",
            hint=shell_command(*words, "-m", request.message),
        )
    registered = _list_readable(project, request.model)
    # a tag whose record is not here still takes its number
    taken = {*registered, *seals.list_tagged_versions(project, request.model)}
    requested = None
    if request.version:
        requested = parse_version(request.version)
    version = next_version(
        request.model,
        taken,
        wanted=requested,
        part=request.bump,
        pre=request.pre,
        allow_lower=request.allow_lower,
    )
    # A record that cannot be read has a name all the same.
    require_distinct(request.model, version, project.registry.list_versions(request.model))
    lower_versions = tuple(known for known in registered if known < version)
    parent = None
    if request.parent not in (None, "none"):
        parent = project.select_version(request.model, request.parent)
    return RegisterInputs(settings, settings.weights, version, lower_versions, parent)


def _list_readable(project: Project, model: str) -> list[Version]:
    """List the model's versions up to the highest whose record can be read.

    The next number counts from a record, not from a file that only looks like one.
    """
    versions = project.registry.list_versions(model)
    while versions:
        try:
            project.registry.read_version(model, versions[-1])
        except NewerFormat:
            # It is a record: a lower one is not the version before.
            raise
        except MlverError:
            path = layout.version_path(model, versions.pop())
            project.reporter.show_note(f"{path} cannot be read: mlver verify --all")
        else:
            break
    return versions


def merge_settings(project: Project, request: RegisterRequest) -> ModelSettings:
    """Build `model.yaml` as it will be: values from the command line replace those it held."""
    known = project.registry.read_settings(request.model)
    if known is None:
        known = ModelSettings(model=request.model)
    weights = known.weights
    if request.weights is not None:
        _refuse_remote_weights(request.weights)
        weights = _place_artifact(weights, _resolve_artifact(project, request.weights))
    data = dict(known.data)
    for name, path in request.data.items():
        known_data_set = data.get(name)
        data[name] = _place_artifact(known_data_set, _resolve_artifact(project, path))
    params = tuple(map(project.resolve_path, request.params_files))
    metrics = tuple(map(project.resolve_path, request.metrics_files))
    settings = replace(
        known,
        weights=weights,
        data=data,
        params=params or known.params,
        metrics=metrics or known.metrics,
        param_keys=_choose_keys(request.param_keys, params, known.param_keys),
        metric_keys=_choose_keys(request.metric_keys, metrics, known.metric_keys),
        environment=environment.remember(project.top_folder, project.start, request.environment)
        or known.environment,
    )
    # Last: it may be a data set that this very request names.
    settings = describe_settings(settings, request)
    if request.follow is not None:
        settings = _mark_followed(project, settings, follow=request.follow)
    return settings


def _resolve_artifact(project: Project, given: str) -> str:
    """Resolve the path of an artifact; raise MlverError where nothing is there.

    An address stays one: what is there shows when it is listed.
    """
    if is_url(given):
        return check_url(given)
    path = project.resolve_path(given)
    location = project.top_folder / path
    if not os.path.lexists(location):
        raise MlverError(
            f"{printable_name(given)} does not exist, so it cannot be registered",
            hint=shell_command("ls", "-l", "--", _find_folder(location)),
        )
    return path


def _refuse_remote_weights(given: str) -> None:
    if is_url(given):
        raise UsageError(
            "weights are kept by mlver, so they have to be here; only data sets can be pinned at an"
            " address"
        )


def _find_folder(location: Path) -> Path:
    """The nearest folder above that exists."""
    folder = location.parent
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _choose_keys(
    given: Sequence[str], files: tuple[str, ...], known: tuple[str, ...]
) -> tuple[str, ...]:
    """The names to pick: those of earlier files say nothing about files that are named now."""
    if given or files:
        return tuple(given)
    return known


def _mark_followed(project: Project, settings: ModelSettings, *, follow: bool) -> ModelSettings:
    """Say of each artifact whose place is a link out of the work tree that it is followed.

    Without `follow` none is followed any more.
    """
    artifacts: dict[str, ArtifactSettings] = {}
    for name, artifact in settings.named_artifacts.items():
        is_followed = follow and not artifact.is_remote
        is_followed = is_followed and (
            artifact.follow or find_outside(project, artifact.path) is not None
        )
        artifacts[name] = replace(artifact, follow=is_followed)
    return replace(settings, weights=artifacts.pop("weights", None), data=artifacts)


def _place_artifact(known: ArtifactSettings | None, path: str) -> ArtifactSettings:
    """Give an artifact's settings a new path; its format, batch and license stay.

    What lies at an address is never stored here.
    """
    placed = ArtifactSettings(path=path)
    if known is not None:
        placed = replace(known, path=path, stored=known.stored or known.is_remote)
    return replace(placed, stored=False) if placed.is_remote else placed
