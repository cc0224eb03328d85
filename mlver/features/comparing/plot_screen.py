"""What `mlver plot` prints: charts in the terminal, and CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from mlver.content.chart import ChartSeries, LineChart, Mark, MarkRow, convert_number
from mlver.features.comparing.plot import PlotResult, PlottedMetric
from mlver.features.comparing.screen import draw_direction_advice
from mlver.terminal.cells import format_csv_cell
from mlver.terminal.chart import draw_chart
from mlver.terminal.links import draw_faults
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_count, format_number

if TYPE_CHECKING:
    from mlver.records.model import Direction

# Lines of the terminal: one metric alone has more of them than each of several.
_HEIGHT = 8
_LOWER = 5
DIRECTIONS: dict[Direction | None, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    None: "no direction set",
}


def draw_plot(result: PlotResult, screen: TextScreen) -> None:
    """A chart for each metric, one below the other, over the same versions."""
    chart = build_chart(result)
    count = format_count(result.total, "version")
    shown = len(result.versions)
    if shown < result.total:
        count = f"the newest {shown} of {count}"
    screen.draw_line((result.model, "name"), (f"  {count}", "dim"))
    draw_faults(result.faults, screen, indent=2)
    if not result.metrics:
        screen.draw_line("  there are no metrics to draw" if shown else "  it has no versions")
        return
    draw_chart(chart, screen, height=_HEIGHT if len(result.metrics) == 1 else _LOWER)
    for metric in result.metrics:
        if metric.direction is None:
            draw_direction_advice(result.model, metric.metric, screen)
            break


def draw_plot_csv(result: PlotResult, screen: TextScreen) -> None:
    """Comma-separated values (RFC 4180), a row a version: numbers exact."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    metrics = [format_csv_cell(metric.metric) for metric in result.metrics]
    writer.writerow(["model", "version", "created", "stage", "retired", *metrics])
    for place, version in enumerate(result.versions):
        facts = (version.version, version.created, version.stages, version.retired)
        values = [metric.values[place] for metric in result.metrics]
        writer.writerow([result.model, *map(format_csv_cell, (*facts, *values))])
    screen.write_page(text.getvalue())


def build_chart(result: PlotResult) -> LineChart:
    """The chart of a result, without what no axis can hold."""
    labels = tuple(version.version for version in result.versions)
    series: list[ChartSeries] = []
    for metric in result.metrics:
        series.append(
            ChartSeries(
                name=metric.metric,
                remark=_describe_metric(metric, labels),
                values=tuple(map(convert_number, metric.values)),
                best=metric.best,
            )
        )
    return LineChart(
        title=f"{result.model}: {', '.join(metric.metric for metric in result.metrics)}",
        labels=labels,
        series=tuple(series),
        rows=tuple(_list_rows(result)),
    )


def _describe_metric(metric: PlottedMetric, labels: tuple[str, ...]) -> str:
    """Which way is better, the best value, and the newest."""
    phrases = [DIRECTIONS[metric.direction]]
    if metric.best:
        number = format_number(metric.values[metric.best[0]])
        others = f" and {len(metric.best) - 1} more" if len(metric.best) > 1 else ""
        phrases.append(f"best {number} ({labels[metric.best[0]]}{others})")
    present = [place for place, value in enumerate(metric.values) if value is not None]
    if present and present[-1] not in metric.best:
        phrases.append(f"newest {format_number(metric.values[present[-1]])}")
    return ", ".join(phrases)


def _list_rows(result: PlotResult) -> list[MarkRow]:
    """A row for each stage, and one for the versions that are retired."""
    stages: dict[str, dict[int, Mark]] = {}
    retired: dict[int, Mark] = {}
    for place, version in enumerate(result.versions):
        for stage in version.held:
            marks = stages.setdefault(stage, {})
            marks[place] = "now" if stage in version.stages else "before"
        if version.retired is not None:
            retired[place] = "retired"
    rows = [MarkRow(name=stage, marks=stages[stage]) for stage in sorted(stages)]
    return [*rows, MarkRow(name="retired", marks=retired)] if retired else rows
