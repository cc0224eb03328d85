"""What an audit was asked for: which stages of which models, and which time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.errors import UsageError
from mlver.policy.time_windows import TimeWindow, parse_window
from mlver.project.audit.heads import list_folders
from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.layout import PromotionPath


@dataclass(frozen=True, slots=True)
class AuditScope:
    """The `stages` that were asked for, by the model: all of them if no `stage` was named.

    `models` is None where all of them are meant. `at` and `since` are the time.
    """

    models: tuple[str, ...] | None
    stages: Mapping[str, Sequence[str]]
    stage: str | None
    at: TimeWindow | None
    since: str | None

    @property
    def named(self) -> list[str]:
        """The models that are looked at."""
        return list(self.stages)

    @property
    def folders(self) -> list[str]:
        """The paths whose history is looked at."""
        return list_folders(self.models)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The stages that were asked for, each with its model."""
        pairs: list[tuple[str, str]] = []
        for model, stages in self.stages.items():
            pairs += [(model, stage) for stage in stages]
        return pairs

    def includes(self, path: str) -> bool:
        """Say whether a promotion was asked for, be its model and its stage still here or not."""
        place = layout.parse_path(path)
        if not isinstance(place, PromotionPath):
            return False
        if self.models is not None and place.model not in self.models:
            return False
        return self.stage in (None, place.stage)


def choose_scope(
    project: Project, model: str | None, *, stage: str | None, at: str | None, since: str | None
) -> AuditScope:
    """Read what was asked for; raise UsageError for what cannot be meant."""
    if at is not None and since is not None:
        raise UsageError("--at says what held a stage, and --since what happened: give only one")
    registry = project.registry
    chosen = registry.list_models() if model is None else [project.resolve_model(model)]
    stages: dict[str, list[str]] = {}
    for name in chosen:
        known = registry.list_stages(name)
        stages[name] = [one for one in known if stage in (None, one)]
    if stage is not None and not any(stages.values()):
        read_rule(project, stage)
    start = None
    if since is not None:
        start = parse_window(since, "--since", project.record_time).start
    return AuditScope(
        models=None if model is None else tuple(chosen),
        stages=stages,
        stage=stage,
        at=None if at is None else _read_past(at, project.record_time),
        since=start,
    )


def _read_past(at: str, now: str) -> TimeWindow:
    """Read when `--at` asks about; raise UsageError where nobody can know yet."""
    window = parse_window(at, "--at", now)
    if window.start > now:
        raise UsageError(
            f"{window.start} is still to come, and an audit tells what was: it is {now} now",
            hint="mlver audit --at today",
        )
    return window
