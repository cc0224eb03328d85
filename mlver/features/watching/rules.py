"""What `watch` may do: which models and stages it was started for, and the settings allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError, shell_command
from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.project.serving.targets import find_target
from mlver.records import layout


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """What is watched: these models, or all that the settings allow, in these stages.

    Verdicts come from the events of a server (`prometheus`) or of logs (`predictions`), if any.
    `targets` are deployed after each change, `reload` is run for them, and `confirmed` agrees to
    their folders. A round of looking begins `every` so many seconds.
    """

    models: tuple[str, ...]
    stages: tuple[str, ...]
    prometheus: str | None = None
    predictions: str | None = None
    targets: tuple[str, ...] = ()
    reload: str | None = None
    confirmed: bool = False
    every: float = 30.0
    dry_run: bool = False


def check_request(project: Project, request: WatchRequest) -> None:
    """Raise an error where the settings allow nothing of what is to be watched."""
    for stage in request.stages:
        read_rule(project, stage)
    if request.prometheus is not None and request.predictions is not None:
        raise UsageError("verdicts come from --prometheus or from --predictions, not from both")
    if request.reload is not None and not request.targets:
        raise UsageError("--reload is for what --deploy deploys")
    for target in request.targets:
        find_target(project, target)
    allowed = project.registry.read_config().auto_rollback
    for model in request.models or allowed:
        project.resolve_model(model)
    lacking = [model for model in request.models if model not in allowed]
    if lacking or not allowed:
        named = lacking[0] if lacking else "MODEL"
        raise MlverError(
            f"`auto_rollback` in {layout.CONFIG} does not name {named}, and watch rolls back"
            " nothing else",
            hint=shell_command(
                "mlver", "config", "set", f"auto_rollback.{named}.stages", request.stages[0]
            ),
        )


def list_watched(project: Project, request: WatchRequest) -> Iterator[tuple[str, str]]:
    """List the models and stages that may be rolled back, as the settings say by now."""
    allowed = project.registry.read_config().auto_rollback
    for model, settings in allowed.items():
        if request.models and model not in request.models:
            continue
        for stage in request.stages:
            if settings.allows(stage):
                yield model, stage
