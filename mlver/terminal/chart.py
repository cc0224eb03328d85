"""A line chart on a terminal: lines of braille dots, or of ASCII where there are none.

One panel a series, the marks below all of them, and below these the names of the places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlver.content.chart import (
    ChartSeries,
    LineChart,
    Mark,
    ValueScale,
    choose_labels,
    find_scale,
    split_runs,
)
from mlver.terminal.screen import Part, Style, TextScreen, measure_width
from mlver.terminal.words import distinguish_values, format_number

# The eight dots of a braille cell, from U+2800 on: by column, then by row from the top.
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
# Where there is no terminal, as in a file; and the least that still shows a line.
_USUAL_WIDTH = 80
_LEAST_WIDTH = 8
# Neighbours are at most so many columns apart.
_WIDEST_STEP = 12
_GUTTER = 16
_MARK_STYLES: dict[Mark, Style] = {"now": "good", "before": "dim", "retired": "bad"}
_LABEL_GAP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glyphs:
    """What a chart is drawn with; a cell has so many dots across and down."""

    point: str
    tick: str
    side: str
    corner: str
    floor: str
    cut: str
    marks: dict[Mark, str]
    across: int
    down: int


_UNICODE = _Glyphs(
    point="●",
    tick="┤",
    side="│",
    corner="└",
    floor="─",
    cut="…",
    marks={"now": "▲", "before": "△", "retired": "✕"},
    across=2,
    down=4,
)
_ASCII = _Glyphs(
    point="o",
    tick="+",
    side="|",
    corner="+",
    floor="-",
    cut="~",
    marks={"now": "^", "before": "'", "retired": "x"},
    across=1,
    down=1,
)


def draw_chart(chart: LineChart, screen: TextScreen, *, height: int) -> None:
    """Each series with its name above it, on so many lines, as wide as the screen has room for."""
    glyphs = _UNICODE if screen.has_braille else _ASCII
    layout = _ChartLayout.plan_layout(chart, glyphs, screen)
    for series in chart.series:
        screen.draw_line((series.name, "bold"), (f"  {series.remark}", "dim"), hang=2)
        for line in layout.draw_panel(series, height):
            screen.draw_unbroken(*line)
    screen.draw_unbroken(layout.draw_labels(chart))
    for row in chart.rows:
        spots: dict[int, tuple[str, Style]] = {}
        # Where several share a column, the one that holds now is seen.
        for place, mark in sorted(row.marks.items(), key=lambda item: item[1] == "now"):
            spots[layout.find_column(place)] = (glyphs.marks[mark], _MARK_STYLES[mark])
        screen.draw_unbroken(layout.name_line(row.name, " "), *_place_spots(" ", spots))
    used = {mark for row in chart.rows for mark in row.marks.values()}
    meanings: dict[Mark, str] = {"now": "holds it now", "before": "held it before"}
    shown = [f"{glyphs.marks[mark]} {text}" for mark, text in meanings.items() if mark in used]
    if shown:
        screen.draw_line((f"  {', '.join(shown)}", "dim"), hang=2)


@dataclass(frozen=True, slots=True)
class _ChartLayout:
    """Where things stand: `gutter` columns for the names of values and rows, then `width`."""

    gutter: int
    width: int
    count: int
    glyphs: _Glyphs

    @classmethod
    def plan_layout(cls, chart: LineChart, glyphs: _Glyphs, screen: TextScreen) -> _ChartLayout:
        names = [row.name for row in chart.rows]
        for series in chart.series:
            names += _name_ticks(find_scale(series.values))
        gutter = min(max(map(measure_width, names), default=0), _GUTTER)
        count = len(chart.labels)
        # Before the chart stand a margin, the gutter and an edge; a name may end behind it.
        room = screen.bounded_width(_USUAL_WIDTH) - gutter - 4 - _LABEL_GAP
        width = max(_LEAST_WIDTH, min(room, (count - 1) * _WIDEST_STEP + 1))
        return cls(gutter, width, count, glyphs)

    def find_dot(self, place: int) -> int:
        """The column of dots of a place."""
        return round(place * (self.width * self.glyphs.across - 1) / max(self.count - 1, 1))

    def find_column(self, place: int) -> int:
        return self.find_dot(place) // self.glyphs.across

    def name_line(self, name: str, edge: str) -> str:
        """What stands before the chart: a name of the gutter, and its edge."""
        if measure_width(name) > self.gutter:
            name = name[: self.gutter - 1] + self.glyphs.cut
        padding = " " * (self.gutter - measure_width(name))
        return f"  {padding}{name} {edge}"

    def draw_panel(self, series: ChartSeries, height: int) -> Iterator[list[Part]]:
        """The lines of a series, from the top."""
        scale = find_scale(series.values)
        edge = self.glyphs.corner + self.glyphs.floor * self.width
        if scale is not None:
            rows = self._draw_rows(series, scale, height)
            ticks = self._place_ticks(scale, height)
            for number, row in enumerate(rows):
                tick = ticks.get(number, "")
                side = self.glyphs.tick if tick else self.glyphs.side
                yield [self.name_line(tick, side), *row]
        yield [self.name_line("", edge)]

    def _draw_rows(
        self, series: ChartSeries, scale: ValueScale, height: int
    ) -> Iterator[list[Part]]:
        dots = self._draw_lines(series, scale, height)
        spots: list[dict[int, tuple[str, Style]]] = [{} for _ in range(height)]
        # Points that would touch each other say no more than their line.
        has_points = self.count <= max(1, self.width // 2)
        for place, value in enumerate(series.values):
            if value is not None and (has_points or place in series.best):
                row = _find_level(scale, value, height * self.glyphs.down) // self.glyphs.down
                style: Style = "good" if place in series.best else "plain"
                spots[height - 1 - row][self.find_column(place)] = (self.glyphs.point, style)
        for number in range(height):
            line = "".join(self._draw_cell(dots, column, number) for column in range(self.width))
            yield _place_spots(line, spots[number])

    def _place_ticks(self, scale: ValueScale, height: int) -> dict[int, str]:
        """The name of a value by the line that it stands on, from the top."""
        names = _name_ticks(scale)
        if len(names) > 1:
            return {0: names[1], height - 1: names[0]}
        level = _find_level(scale, scale.low, height * self.glyphs.down)
        return {height - 1 - level // self.glyphs.down: names[0]}

    def _draw_lines(
        self, series: ChartSeries, scale: ValueScale, height: int
    ) -> frozenset[tuple[int, int]]:
        """The dots of a series, by column from the left and by row from the top."""
        levels = height * self.glyphs.down
        dots: set[tuple[int, int]] = set()
        for run in split_runs(series.values):
            before: tuple[int, int] | None = None
            for place, value in run:
                dot = (self.find_dot(place), levels - 1 - _find_level(scale, value, levels))
                dots.update(_join_dots(before or dot, dot))
                before = dot
        return frozenset(dots)

    def _draw_cell(self, dots: frozenset[tuple[int, int]], column: int, row: int) -> str:
        if self.glyphs.across == 1:
            return "." if (column, row) in dots else " "
        pattern = 0
        for across, bits in enumerate(_DOTS):
            for down, bit in enumerate(bits):
                if (column * 2 + across, row * 4 + down) in dots:
                    pattern |= bit
        return chr(_BRAILLE + pattern) if pattern else " "

    def draw_labels(self, chart: LineChart) -> Part:
        """The names of as many places as have room: the last, the first, those that hold now."""
        widths = list(map(measure_width, chart.labels))
        starts: list[int] = []
        for place, width in enumerate(widths):
            start = self.find_column(place) - width // 2
            starts.append(max(0, min(start, self.width + _LABEL_GAP - width)))
        wanted = [self.count - 1, 0] if self.count else []
        for row in chart.rows:
            wanted += [place for place, mark in row.marks.items() if mark == "now"]
        line = self.name_line("", " ")
        edge = measure_width(line)
        for place in choose_labels(starts, widths, _LABEL_GAP, wanted):
            line += " " * (edge + starts[place] - measure_width(line)) + chart.labels[place]
        return (line, "dim")


def _find_level(scale: ValueScale, value: float, levels: int) -> int:
    return round(scale.place_value(value) * (levels - 1))


def _join_dots(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for step in range(steps + 1):
        share = step / steps
        yield (
            round(start[0] + (end[0] - start[0]) * share),
            round(start[1] + (end[1] - start[1]) * share),
        )


def _name_ticks(scale: ValueScale | None) -> list[str]:
    """The lowest and the highest value, written so that they look different."""
    if scale is None:
        return []
    if scale.is_flat:
        return [format_number(scale.low)]
    return list(distinguish_values(scale.low, scale.high))


def _place_spots(line: str, spots: dict[int, tuple[str, Style]]) -> list[Part]:
    """A line with these characters in the places of its own."""
    parts: list[Part] = []
    start = 0
    for column in sorted(spots):
        parts += [line[start:column].ljust(column - start), spots[column]]
        start = column + 1
    return [*parts, line[start:]]
