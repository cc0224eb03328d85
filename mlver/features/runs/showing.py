"""`mlver runs --show`: one run whole, with its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.content.chart import ChartSeries, LineChart, convert_number
from mlver.errors import UsageError, printable_name
from mlver.project.project import Project
from mlver.project.runs.kept import find_run, read_kept_curves, read_kept_diff
from mlver.project.runs.registered import find_registered
from mlver.records.curves import Curves, describe_unbounded, write_value
from mlver.records.run import RunRecord
from mlver.terminal.words import format_number, join_listed

# How many are drawn where the person names none.
_USUAL_CURVES = 4
# A chart has no room for more points, and its file would be large.
_MOST_POINTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRunResult:
    """`commit` holds the run; `record` is the record and `digest` that of its bytes.

    `steps` and `series` are its curves: a value a step, None for none, and a word for what is no
    finite number. `diff` is the text of the uncommitted changes, where it was
    asked for. `versions` were registered from it.
    """

    reference: str
    commit: str
    digest: str
    record: RunRecord
    steps: Sequence[float]
    series: Mapping[str, Sequence[float | str | None]]
    versions: tuple[str, ...]
    diff: str | None


def show_run(
    project: Project, text: str, model: str | None, *, metrics: Sequence[str], with_diff: bool
) -> ShownRunResult:
    """Read the run that a text names; raise MlverError where there is none, or where it is damaged.

    Of its curves, those of `metrics`; all of them without any.
    """
    run = find_run(project, text, model)
    curves = choose_series(read_kept_curves(project, run), metrics)
    diff = read_kept_diff(project, run) if with_diff else None
    name = f"{run.record.model}/{run.record.run}"
    return ShownRunResult(
        reference=run.name.reference,
        commit=run.commit,
        digest=str(run.digest),
        record=run.record,
        steps=tuple(curves.steps),
        series={name: write_values(column) for name, column in curves.series.items()},
        versions=find_registered(project, [run]).get(name, ()),
        diff=None if diff is None else diff.decode(errors="replace"),
    )


def write_values(column: Sequence[float | None]) -> list[float | str | None]:
    """The values of a curve as JSON has them."""
    return [write_value(value) for value in column]


def read_values(column: Sequence[float | str | None]) -> list[float | None]:
    """The same as numbers, of which some may be NaN or infinite."""
    return [float(value) if isinstance(value, str) else value for value in column]


def choose_series(curves: Curves, metrics: Sequence[str]) -> Curves:
    """The curves of these metrics; raise UsageError for one that was not logged."""
    if not metrics:
        return curves
    for metric in metrics:
        if metric not in curves.series:
            logged = join_listed([printable_name(name) for name in curves.series]) or "nothing"
            raise UsageError(
                f"the run has no curve of {printable_name(metric)}; it logged {logged}"
            )
    return Curves(curves.steps, {metric: curves.series[metric] for metric in metrics})


def build_chart(result: ShownRunResult, *, every: bool = False) -> LineChart:
    """The chart of a run's curves: the first few of them, or every one."""
    names = list(result.series) if every else list(result.series)[:_USUAL_CURVES]
    stride = max(1, -(-len(result.steps) // _MOST_POINTS))
    # The last step is where it ended.
    places = sorted({*range(0, len(result.steps), stride), len(result.steps) - 1})
    series: list[ChartSeries] = []
    for name in names:
        column = read_values(result.series[name])
        values = [convert_number(column[place]) for place in places]
        remark = _describe_curve(result.steps, column)
        series.append(ChartSeries(name=name, remark=remark, values=tuple(values)))
    return LineChart(
        title=f"{result.record.model} {result.record.run}: {', '.join(names)}",
        labels=tuple(format_number(result.steps[place]) for place in places),
        series=tuple(series),
    )


def _describe_curve(steps: Sequence[float], values: Sequence[float | None]) -> str:
    unbounded = describe_unbounded(steps, values)
    present = [value for value in map(convert_number, values) if value is not None]
    if not present:
        return unbounded or "no finite number"
    low, high = format_number(min(present)), format_number(max(present))
    told = f"last {format_number(present[-1])}, lowest {low}, highest {high}"
    return told if unbounded is None else f"{unbounded}; finite values: {told}"
