"""`mlver runs`: which trainings were recorded, how they ended and what came of them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlver.errors import UsageError, printable_name, shell_command
from mlver.names import find_similar
from mlver.policy.filters.fields import NamedField, find_field
from mlver.policy.filters.grammar import ParsedFilter, parse_filter
from mlver.policy.filters.run_fields import RUN_FIELDS
from mlver.policy.filters.words import FilterWord
from mlver.project.project import Project
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.runs.kept import KeptRun, list_kept_runs, list_run_commits
from mlver.project.runs.registered import find_registered
from mlver.records.model import Direction
from mlver.records.run import RunOutcome, RunRecord
from mlver.records.values import flatten_values
from mlver.terminal.words import join_listed

RunColumn: TypeAlias = NamedField[RunRecord]
# These are read from the best, highest or newest down; an author and other names from A.
_FALLING = frozenset({"number", "date"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """`exit_code` is None where nobody knows it. `versions` were registered from this run."""

    model: str
    run: str
    created: str
    author: str
    message: str
    outcome: RunOutcome
    exit_code: int | None
    duration: float
    metrics: Mapping[str, float]
    params: Mapping[str, Any]
    points: int
    commit: str | None
    dirty: bool
    pipeline: str | None
    step: str | None
    batch: str | None
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsResult:
    """`read` is when they were read, UTC. `total` counts all runs, `matching` those asked for.

    `directions` say which way a metric is better, by the model. `faults` are why others cannot be
    read.
    """

    read: str
    model: str | None
    total: int
    matching: int
    directions: Mapping[str, Direction]
    runs: tuple[ListedRun, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChoice:
    """The runs that `where` means, ordered by `order` (the newest first if None).

    At most `limit` of them are shown, all of them if it is None.
    """

    where: ParsedFilter[RunRecord] | None = None
    order: RunColumn | None = None
    is_reversed: bool = False
    limit: int | None = 20


def choose_runs(
    *, where: str | None, sort: str | None, is_reversed: bool, limit: int | None
) -> RunChoice:
    """Read what was asked for; raise UsageError for what cannot be read."""
    return RunChoice(
        where=None if where is None else parse_filter(where, RUN_FIELDS),
        order=None if sort is None else _read_field(sort),
        is_reversed=is_reversed,
        limit=limit,
    )


def _read_field(text: str) -> RunColumn:
    """A field by its name; what names no field names a metric."""
    segments = FilterWord("word", text, 0).read_segments()
    if segments[0] not in {name.partition(".")[0] for name in RUN_FIELDS}:
        segments = ("metrics", *segments)
    try:
        return find_field(segments, RUN_FIELDS)
    except UsageError as error:
        raise UsageError(f"--sort: {error.message}") from None


def list_runs(project: Project, model: str | None, choice: RunChoice) -> RunsResult:
    """List the chosen runs of a model, or of all models.

    Raise UsageError for a model that is not here, and for a name that no run has.
    """
    kept = list_kept_runs(project, model)
    if model is not None and not kept.runs and not kept.faults:
        _require_model(project, model)
    _refuse_absent_names(kept.runs, choice)
    meant: list[KeptRun] = []
    for run in kept.runs:
        if choice.where is None or choice.where.matches(run.record):
            meant.append(run)
    directions = _read_directions(project, meant)
    ordered = _order_runs(meant, choice, directions)
    shown = ordered[: choice.limit]
    registered = find_registered(project, shown)
    return RunsResult(
        read=project.record_time,
        model=model,
        total=len(kept.runs),
        matching=len(meant),
        directions=directions,
        runs=tuple(describe_run(run, registered) for run in shown),
        faults=kept.faults,
    )


def _require_model(project: Project, model: str) -> None:
    """Raise UsageError where neither a version nor a run is of this model."""
    known = {*project.registry.list_models()}
    known |= {reference.split("/")[3] for reference in list_run_commits(project)}
    if model in known:
        return
    meant = find_similar(model, sorted(known))
    words = ("mlver", "runs") if meant is None else ("mlver", "runs", meant)
    raise UsageError(
        f"there is no model {printable_name(model)} here, and no run of one",
        hint=shell_command(*words),
    )


def _refuse_absent_names(runs: Sequence[KeptRun], choice: RunChoice) -> None:
    """Raise UsageError for a metric, a parameter or the like that no run has."""
    asked = [] if choice.where is None else list(choice.where.fields)
    asked += [] if choice.order is None else [choice.order]
    for column in asked:
        if not runs or column.field.key is None:
            continue
        if any(column.read_value(run.record) is not None for run in runs):
            continue
        group, _, name = column.name.partition(".")
        known = sorted(_list_names(runs, group))
        close = difflib.get_close_matches(name, known, 1, 0.6)
        proposal = f"; did you mean {group}.{close[0]}?" if close else ""
        if known and not close:
            proposal = f"; there are {join_listed([printable_name(one) for one in known[:8]])}"
        raise UsageError(
            f"no run here has {printable_name(column.name)}{proposal}", hint="mlver runs"
        )


def _list_names(runs: Sequence[KeptRun], group: str) -> set[str]:
    names: set[str] = set()
    for run in runs:
        values = run.record.to_document().get(group, {})
        names.update(flatten_values(values) if isinstance(values, Mapping) else ())
    return names


def describe_run(run: KeptRun, registered: Mapping[str, tuple[str, ...]]) -> ListedRun:
    record = run.record
    return ListedRun(
        model=record.model,
        run=record.run,
        created=record.created,
        author=record.author,
        message=record.message,
        outcome=record.outcome,
        exit_code=record.exit_code,
        duration=record.duration,
        metrics=flatten_values(record.metrics),
        params=flatten_values(record.params),
        points=record.points,
        commit=record.code.commit,
        dirty=record.code.dirty,
        pipeline=record.pipeline,
        step=record.step,
        batch=record.batch,
        versions=registered.get(f"{record.model}/{record.run}", ()),
    )


def _read_directions(project: Project, runs: Sequence[KeptRun]) -> dict[str, Direction]:
    """Which way metrics are better: what the models say, if they agree."""
    directions: dict[str, Direction] = {}
    torn: set[str] = set()
    reader = TolerantReader()
    for model in sorted({run.record.model for run in runs}):
        settings = reader.try_reading(project.registry.read_settings, model)
        for metric, direction in (settings.directions if settings else {}).items():
            if directions.setdefault(metric, direction) != direction:
                torn.add(metric)
    return {metric: way for metric, way in directions.items() if metric not in torn}


def _order_runs(
    runs: Sequence[KeptRun], choice: RunChoice, directions: Mapping[str, Direction]
) -> list[KeptRun]:
    """Sorted; those without a value come last, whichever way it goes."""
    order = choice.order
    if order is None:
        return list(reversed(runs)) if choice.is_reversed else list(runs)
    ranked: list[tuple[Any, KeptRun]] = []
    without: list[KeptRun] = []
    for run in runs:
        value = order.read_value(run.record)
        if value is None or value == "":
            without.append(run)
        else:
            ranked.append((_rank_value(value), run))
    falls = _falls_first(order, directions) != choice.is_reversed
    ranked.sort(key=lambda pair: pair[0], reverse=falls)
    return [run for _, run in ranked] + without


def _falls_first(order: RunColumn, directions: Mapping[str, Direction]) -> bool:
    metric = order.name.removeprefix("metrics.")
    if metric != order.name:
        return directions.get(metric) != "lower"
    return order.kind in _FALLING


def _rank_value(value: Any) -> tuple[bool, float, str]:
    """A value that can be compared with every other one of its field: numbers before text."""
    is_number = isinstance(value, int | float)
    return (not is_number, value if is_number else 0, str(value))
