"""`mlver plot`: metrics over the versions of a model, beside what the stages held."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.document.faults import shorten_text
from mlver.errors import MlverError, UsageError, printable_name, shell_command, summarise_error
from mlver.names import find_similar
from mlver.policy.chain import holder_after
from mlver.policy.evaluated_metrics import find_plain_name
from mlver.project.project import Project
from mlver.project.registry.evaluated import EvaluatedReader
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.tolerant import TolerantReader
from mlver.records import layout
from mlver.records.model import Direction
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord
from mlver.terminal.words import join_listed
from mlver.version import Version

# How many are drawn where the person names none.
_USUAL_METRICS = 4
_PREFIX = "metrics."
# An error names so many, each with so many letters at most.
_USUAL_NAMES = 8
_NAME_LETTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PlottedVersion:
    """`stages` are those that hold this version now, `held` those that hold it or held it before.

    `retired` is the reason given, None for a version that is not retired. `created` is None where
    the record cannot be read.
    """

    version: str
    created: str | None
    stages: tuple[str, ...]
    held: tuple[str, ...]
    retired: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlottedMetric:
    """`values` has one for each version, None for a version without this metric.

    `best` lists the places of the best values; it is empty without a `direction`.
    """

    metric: str
    direction: Direction | None
    values: tuple[float | None, ...]
    best: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotResult:
    """The versions that are plotted, the lowest first; `total` counts all versions of the model.

    `faults` says of each record that cannot be read why.
    """

    model: str
    total: int
    versions: tuple[PlottedVersion, ...]
    metrics: tuple[PlottedMetric, ...]
    faults: tuple[str, ...]


def plot_metrics(
    project: Project, model: str | None, metrics: Sequence[str] = (), *, limit: int | None = None
) -> PlotResult:
    """Read metrics of the `limit` newest versions (of all, if None), and what the stages held.

    Without `metrics`, the first few that the versions have, those with a direction before others.
    Raise UsageError for a metric that no version has.
    """
    registry = project.registry
    name = project.resolve_model(model)
    numbers = registry.list_versions(name)
    chosen = numbers if limit is None else numbers[-limit:]
    reader = TolerantReader()
    settings = reader.try_reading(registry.read_settings, name)
    directions = settings.directions if settings else {}
    read = _read_records(registry, name, chosen)
    evaluated = EvaluatedReader.open_model(registry, name, reader)
    series = _list_series(read.records, evaluated)
    plotted: list[PlottedMetric] = []
    known = _list_known(series)
    for metric in metrics:
        if _find_known(metric, known) is None:
            every = _list_series(_read_records(registry, name, numbers).records, evaluated)
            raise _refuse_metric(name, metric, _list_known(every), len(chosen))
    for metric in _choose_metrics(metrics, known, directions):
        values = tuple(metric_values.get(metric) for metric_values in series)
        direction = directions.get(find_plain_name(metric))
        plotted.append(_plot_metric(metric, direction, values))
    versions = _describe_versions(registry, name, chosen, read.records, reader)
    return PlotResult(
        model=name,
        total=len(numbers),
        versions=tuple(versions),
        metrics=tuple(plotted),
        faults=(*reader.faults, *read.faults),
    )


@dataclass(frozen=True, slots=True)
class _ReadRecords:
    """Records in the order of their numbers, None where one cannot be read, and why."""

    records: Sequence[tuple[VersionRecord, Digest] | None]
    faults: Sequence[str]


def _read_records(registry: RecordRegistry, model: str, numbers: Sequence[Version]) -> _ReadRecords:
    records: list[tuple[VersionRecord, Digest] | None] = []
    faults: list[str] = []
    for outcome in registry.read_versions(model, numbers):
        if isinstance(outcome, MlverError):
            faults.append(summarise_error(outcome))
            records.append(None)
        else:
            records.append(outcome)
    return _ReadRecords(records, faults)


def _describe_versions(
    registry: RecordRegistry,
    model: str,
    numbers: Sequence[Version],
    records: Sequence[tuple[VersionRecord, Digest] | None],
    reader: TolerantReader,
) -> list[PlottedVersion]:
    stages = _read_stages(registry, model, reader)
    retired = reader.read_retired(registry, model)
    versions: list[PlottedVersion] = []
    for number, record in zip(map(str, numbers), records, strict=True):
        versions.append(
            PlottedVersion(
                version=number,
                created=record[0].created if record else None,
                stages=tuple(stage for stage, held in stages.items() if held[-1] == number),
                held=tuple(stage for stage, held in stages.items() if number in held),
                retired=retired.get(number),
            )
        )
    return versions


def _list_series(
    records: Iterable[tuple[VersionRecord, Digest] | None], evaluated: EvaluatedReader
) -> list[Mapping[str, float]]:
    """The metrics of each version, by their dotted names; none for one that cannot be read.

    Those that were measured later follow, each with its data set.
    """
    series: list[Mapping[str, float]] = []
    for outcome in records:
        if outcome is None:
            series.append({})
            continue
        record, digest = outcome
        measured = evaluated.read_metrics(record.version, digest)
        series.append({**flatten_values(record.metrics), **measured})
    return series


def _list_known(series: Sequence[Mapping[str, float]]) -> list[str]:
    """The names of all metrics; those of the newest version come first, as in `list`.

    What was measured later comes last.
    """
    known: dict[str, None] = {}
    for values in reversed(series):
        known.update(dict.fromkeys(values))
    return sorted(known, key=lambda name: name != find_plain_name(name))


def _find_known(metric: str, known: Container[str]) -> str | None:
    """The metric that a person means; filters and columns of `list` call it `metrics.NAME`."""
    for name in (metric, metric.removeprefix(_PREFIX)):
        if name in known:
            return name
    return None


def _choose_metrics(
    wanted: Iterable[str], known: Sequence[str], directions: Mapping[str, Direction]
) -> list[str]:
    chosen: dict[str, None] = {}
    for metric in wanted:
        name = _find_known(metric, known)
        if name is not None:
            chosen[name] = None
    first = [metric for metric in directions if metric in known]
    return list(chosen) or list(dict.fromkeys([*first, *known]))[:_USUAL_METRICS]


def _refuse_metric(model: str, metric: str, known: Sequence[str], newest: int) -> UsageError:
    """The error for a metric that the `newest` versions lack; `known` are those of all versions."""
    shown = printable_name(shorten_text(metric))
    older = _find_known(metric, known)
    if older is not None:
        message = f"the newest version of {model} does not have the metric `{shown}`"
        if newest > 1:
            message = f"none of the newest {newest:,} versions of {model} has the metric `{shown}`"
        hint = shell_command("mlver", "plot", model, "--metric", older)
        return UsageError(f"{message}; an older one has it", hint=hint)
    message = f"no version of {model} has the metric `{shown}`"
    if not known:
        return UsageError(f"{message}, or any other", hint=shell_command("mlver", "show", model))
    meant = find_similar(metric, known)
    hint = shell_command("mlver", "plot", model, "--metric", meant or known[0])
    if meant is not None:
        message += f"; is it `{printable_name(meant)}`?"
        suggestion = (metric, meant)
        return UsageError(message, hint=hint, suggestion=suggestion, suggestion_option="--metric")
    return UsageError(f"{message}; it has {_join_names(known)}", hint=hint)


def _join_names(known: Sequence[str]) -> str:
    names = [printable_name(shorten_text(name, _NAME_LETTERS)) for name in known]
    if len(names) > _USUAL_NAMES:
        return join_listed(names, _USUAL_NAMES)
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _plot_metric(
    metric: str, direction: Direction | None, values: tuple[float | None, ...]
) -> PlottedMetric:
    present = {value for value in values if value is not None}
    best: list[int] = []
    # Where all have the same value, none is the best.
    if direction is not None and len(present) > 1:
        wanted = max(present) if direction == "higher" else min(present)
        best = [place for place, value in enumerate(values) if value == wanted]
    return PlottedMetric(metric=metric, direction=direction, values=values, best=tuple(best))


def _read_stages(
    registry: RecordRegistry, model: str, reader: TolerantReader
) -> dict[str, list[str | None]]:
    """What each stage of a model held, one version after the other; None while it was empty."""
    stages: dict[str, list[str | None]] = {}
    for stage in registry.list_stages(model):
        held: list[str | None] = []
        for sequence in registry.list_sequences(layout.stage_folder(model, stage)):
            promotion = reader.try_reading(registry.read_promotion, model, stage, sequence)
            # Nobody knows what a promotion that cannot be read moved the stage to.
            held.append(None if promotion is None else holder_after(promotion[0]))
        if held:
            stages[stage] = held
    return stages
