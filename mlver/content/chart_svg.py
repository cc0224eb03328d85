"""A line chart as SVG: one panel a series, marks below them, every text escaped.

The picture needs no network, script or font of its own. Its colours follow the reader's light or
dark setting. A title and a description say what it shows to whom cannot see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from mlver.content.chart import (
    ChartSeries,
    LineChart,
    Mark,
    choose_labels,
    find_scale,
    split_runs,
)
from mlver.errors import printable_name

# In pixels.
_WIDTH = 760
_LEFT = 110
_RIGHT = 24
_HEAD = 40
_PANEL = 150
_PANEL_HEAD = 26
_ROW = 22
_LETTER = 6.6
# With more points than these, a line alone is easier to read, and a smaller file.
_MOST_POINTS = 300
_STYLE = """\
.mlver{font:12px system-ui,sans-serif;--ink:#1f2328;--soft:#59636e;--line:#0969da;--rule:#d1d9e0;\
--good:#1a7f37;--bad:#cf222e;--paper:#fff;background:var(--paper)}
@media(prefers-color-scheme:dark){.mlver{--ink:#f0f6fc;--soft:#9198a1;--line:#4493f8;--rule:#3d444d;\
--good:#3fb950;--bad:#f85149;--paper:#0d1117}}
.mlver text{fill:var(--ink)}.mlver .soft{fill:var(--soft)}.mlver .head{font-weight:600}
.mlver .title{font-size:15px;font-weight:600}.mlver .rule{stroke:var(--rule)}
.mlver .run{fill:none;stroke:var(--line);stroke-width:2;stroke-linejoin:round}
.mlver .point{fill:var(--line)}.mlver .best{fill:var(--good)}
.mlver .now{fill:var(--good)}.mlver .before{fill:none;stroke:var(--soft)}
.mlver .retired{stroke:var(--bad);stroke-width:2}"""
_SHAPES: dict[Mark, str] = {
    "now": '<path class="now" d="M{x:.1f} {top:.1f}l6 11h-12z">{title}</path>',
    "before": '<path class="before" d="M{x:.1f} {top:.1f}l5 10h-10z">{title}</path>',
    "retired": '<path class="retired" d="M{left:.1f} {top:.1f}l8 8m0-8l-8 8">{title}</path>',
}
_MEANINGS: dict[Mark, str] = {
    "now": "holds {name} now",
    "before": "held {name} before",
    "retired": "{name}",
}

_LEGEND: dict[Mark, str] = {"now": "holds it now", "before": "held it before"}


def draw_svg(chart: LineChart) -> str:
    """The whole picture, from `<svg` on."""
    height = _HEAD + len(chart.series) * (_PANEL_HEAD + _PANEL + 12) + 24
    height += (len(chart.rows) + 1) * _ROW + 12 if chart.rows else 0
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mlver" role="img"'
        f' viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        ' aria-labelledby="chart-title chart-text">',
        f'<title id="chart-title">{escape_text(chart.title)}</title>',
        f'<desc id="chart-text">{escape_text(describe_chart(chart))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" style="fill:var(--paper)"/>',
        f'<text class="title" x="12" y="24">{escape_text(chart.title)}</text>',
    ]
    top = _HEAD
    for series in chart.series:
        lines += _draw_panel(chart, series, top)
        top += _PANEL_HEAD + _PANEL + 12
    lines += _draw_labels(chart, top)
    top += 24
    for row in chart.rows:
        lines.append(_draw_text(_LEFT - 8, top + 14, row.name, "soft", anchor="end"))
        for place, mark in row.marks.items():
            title = f"{chart.labels[place]} {_MEANINGS[mark].format(name=row.name)}"
            x = _find_x(chart, place)
            lines.append(
                _SHAPES[mark].format(x=x, left=x - 4, top=top + 4, title=_draw_title(title))
            )
        top += _ROW
    lines += _draw_legend(chart, top)
    return "\n".join([*lines, "</svg>\n"])


def describe_chart(chart: LineChart) -> str:
    """What the picture shows, in words."""
    sentences: list[str] = []
    for series in chart.series:
        present = [value for value in series.values if value is not None]
        values = "no values"
        if present:
            count = len(present)
            values = f"{count} values from {min(present):.6g} to {max(present):.6g}"
        sentences.append(f"{series.name}: {series.remark}; {values}.")
    for row in chart.rows:
        places = ", ".join(chart.labels[place] for place in row.marks)
        sentences.append(f"{row.name}: {places}.")
    return " ".join(sentences)


def escape_text(text: str) -> str:
    """Text that others chose, without any power over the document that it stands in."""
    return escape(printable_name(text))


def _find_x(chart: LineChart, place: int) -> float:
    width = _WIDTH - _LEFT - _RIGHT
    count = len(chart.labels)
    # A few versions stand as near to each other as more of them would.
    step = min(width / max(count - 1, 1), 120)
    return _LEFT + 8 + place * min(step, (width - 16) / max(count - 1, 1))


def _draw_panel(chart: LineChart, series: ChartSeries, top: int) -> Iterator[str]:
    yield _draw_text(12, top + 16, series.name, "head")
    yield _draw_text(12 + len(series.name) * 8 + 12, top + 16, series.remark, "soft")
    scale = find_scale(series.values)
    bottom = top + _PANEL_HEAD + _PANEL
    inside = _PANEL - 20
    right = _WIDTH - _RIGHT
    yield f'<line class="rule" x1="{_LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
    if scale is None:
        return
    ticks = [scale.low] if scale.is_flat else [scale.low, scale.high]
    for tick in ticks:
        y = bottom - 10 - scale.place_value(tick) * inside
        yield f'<line class="rule" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield _draw_text(_LEFT - 8, y + 4, f"{tick:.6g}", "soft", anchor="end")
    has_points = len(series.values) <= _MOST_POINTS
    for run in split_runs(series.values):
        spots: list[tuple[float, float]] = []
        for place, value in run:
            y = bottom - 10 - scale.place_value(value) * inside
            spots.append((_find_x(chart, place), y))
        yield _draw_run(spots)
        if not has_points:
            continue
        for (place, value), (x, y) in zip(run, spots, strict=True):
            style = "best" if place in series.best else "point"
            title = _draw_title(f"{chart.labels[place]}: {value:.6g}")
            yield f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="4">{title}</circle>'


def _draw_legend(chart: LineChart, top: int) -> Iterator[str]:
    """What the marks of the rows mean, of those that there are."""
    used: set[Mark] = set()
    for row in chart.rows:
        used.update(row.marks.values())
    x = _LEFT + 8.0
    for mark, words in _LEGEND.items():
        if mark in used:
            yield _SHAPES[mark].format(x=x, left=x - 4, top=top + 4, title="")
            yield _draw_text(x + 12, top + 14, words, "soft")
            x += 130


def _draw_run(spots: Sequence[tuple[float, float]]) -> str:
    # A line of one point would be invisible where there are too many for circles.
    drawn = spots if len(spots) > 1 else [*spots, (spots[0][0] + 0.5, spots[0][1])]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
    return f'<polyline class="run" points="{points}"/>'


def _draw_labels(chart: LineChart, top: int) -> Iterator[str]:
    """The names of as many places as there is room for: the last one first."""
    widths = [int(len(label) * _LETTER) + 1 for label in chart.labels]
    starts: list[int] = []
    for place, width in enumerate(widths):
        start = int(_find_x(chart, place) - width / 2)
        starts.append(max(0, min(start, _WIDTH - width)))
    last = len(chart.labels) - 1
    for place in choose_labels(starts, widths, 10, (last, 0) if last >= 0 else ()):
        yield _draw_text(starts[place], top + 10, chart.labels[place], "soft")


def _draw_text(x: float, y: float, text: str, style: str, *, anchor: str = "start") -> str:
    # A long name runs out of the picture, and its title has all of it.
    most = 15 if anchor == "end" else 90
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{escape_text(shown)}</text>'


def _draw_title(text: str) -> str:
    return f"<title>{escape_text(text)}</title>"
