"""The targets of a repository: what the settings say of each, and where it is."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from mlver import names, paths
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.policy.serving.layouts import LAYOUTS
from mlver.policy.serving.rendering import RouteRenderer, RouteTarget, ServingLayout
from mlver.policy.serving.routes import ROUTES
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.sections.deploy import TargetSettings

# Where somebody begins who has none: what `mlver config set` takes of a whole target.
_FIRST_TARGET = '{"layout": "directories", "path": "serving", "stages": {"stable": "production"}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTarget:
    """A target of the settings, with the model that it serves.

    `folder` is its real path, reached through no link; `is_outside`: it lies outside of the
    repository. `layout` says how it is laid out, and `routes` how traffic finds its roles, None
    without routes.
    """

    name: str
    settings: TargetSettings
    model: str
    folder: Path
    is_outside: bool
    layout: ServingLayout
    routes: tuple[RouteRenderer, RouteTarget] | None


def list_targets(project: Project) -> list[str]:
    """List the targets in the order of the settings."""
    return list(project.registry.read_config().deploy)


def find_target(project: Project, name: str) -> FoundTarget:
    """Find a target by its name.

    Raise UsageError for one that the settings do not name, and MlverError where what they say of
    it cannot be deployed.
    """
    targets = project.registry.read_config().deploy
    if name not in targets:
        raise _build_unknown_error(name, list(targets))
    settings = targets[name]
    folder, is_outside = _locate_folder(project, name, settings)
    return FoundTarget(
        name=name,
        settings=settings,
        model=project.resolve_model(settings.model),
        folder=folder,
        is_outside=is_outside,
        layout=_find_layout(name, settings),
        routes=_find_routes(name, settings),
    )


def _build_unknown_error(name: str, known: list[str]) -> UsageError:
    shown = printable_name(name)
    if not known:
        return UsageError(
            f"the settings name no target `{shown}`, nor any other; add one under `deploy:` in"
            f" {layout.CONFIG}",
            hint=shell_command("mlver", "config", "set", f"deploy.{shown}", _FIRST_TARGET),
        )
    close = difflib.get_close_matches(name, known, n=1)
    return UsageError(
        f"there is no target `{shown}`; the targets here are {', '.join(known)}",
        hint=shell_command("mlver", "deploy", (close or known)[0]),
    )


def _find_layout(name: str, settings: TargetSettings) -> ServingLayout:
    found = LAYOUTS.get(settings.layout)
    if found is None:
        raise MlverError(
            f"the layout {settings.layout} of {name} is none that this mlver can write;"
            f" it writes {', '.join(LAYOUTS)}",
            hint=shell_command("mlver", "config", "set", f"deploy.{name}.layout", "directories"),
        )
    if settings.data and not found.keeps_paths:
        raise MlverError(
            f"{name} is to have data sets, too, and the layout {settings.layout} has no place for"
            " them",
            hint=shell_command("mlver", "config", "set", f"deploy.{name}.data", "false"),
        )
    return found


def _find_routes(name: str, settings: TargetSettings) -> tuple[RouteRenderer, RouteTarget] | None:
    routes = settings.routes
    if routes.kind == "none":
        return None
    renderer = ROUTES.get(routes.kind)
    if renderer is None:
        raise MlverError(
            f"routes for {routes.kind}, which {name} asks for, are none that this mlver can write;"
            f" it writes {', '.join([*ROUTES, 'none'])}",
            hint=shell_command("mlver", "config", "set", f"deploy.{name}.routes.kind", "none"),
        )
    if routes.file is None:
        raise MlverError(
            f"the routes of {name} name no file to write",
            hint=shell_command("mlver", "config", "set", f"deploy.{name}.routes.file", "FILE"),
        )
    return renderer, RouteTarget(
        file=routes.file, upstreams=routes.upstreams, options=routes.options
    )


def _locate_folder(project: Project, name: str, settings: TargetSettings) -> tuple[Path, bool]:
    """Find the real path of a target's folder, and whether it lies outside of the repository."""
    top = Path(os.path.realpath(project.top_folder))
    path = settings.path.rstrip("/") or "/"
    if path.startswith("/"):
        folder = Path(os.path.realpath(path))
    else:
        folder = top / _join_target(project, name, path)
    owned = (project.top_folder / layout.ROOT, project.repository.common_dir)
    # The records of any other repository are not to be written among either.
    is_taken = layout.ROOT in folder.parts or paths.is_reserved(folder, *owned)
    if folder == top or top.is_relative_to(folder) or is_taken:
        raise MlverError(
            f"the path of {name}, {printable_name(settings.path)}, belongs to git, mlver or your"
            " work; name a folder of its own",
            hint=shell_command("mlver", "config", "set", f"deploy.{name}.path", "serving"),
        )
    return folder, not folder.is_relative_to(top)


def _join_target(project: Project, name: str, path: str) -> str:
    """Check a path inside the repository: no link is on the way to it."""
    try:
        checked = names.check_artifact_path(path)
        paths.join_inside(project.top_folder, checked)
    except MlverError as error:
        error.message = f"the path of {name} in {layout.CONFIG}: {error.message}"
        raise
    nested = paths.find_nested_repository(project.top_folder, checked)
    if nested is not None:
        raise MlverError(
            f"the path of {name}, {printable_name(path)}, lies in another repository,"
            f" {printable_name(nested)}; name a folder of its own",
            hint=shell_command("mlver", "config", "set", f"deploy.{name}.path", "serving"),
        )
    return checked
