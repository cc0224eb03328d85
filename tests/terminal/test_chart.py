"""Line charts on terminals of any width, with and without braille."""

from __future__ import annotations

import io

import pytest

from mlver.content.chart import ChartSeries, LineChart, MarkRow
from mlver.terminal.chart import draw_chart
from mlver.terminal.screen import TextScreen, measure_width

CHART = LineChart(
    title="digits",
    labels=("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "2.0.0-rc.1"),
    series=(
        ChartSeries(
            name="accuracy",
            remark="higher is better",
            values=(0.81, 0.9, 0.87, None, 0.95, 0.93),
            best=(4,),
        ),
    ),
    rows=(
        MarkRow(name="production", marks={0: "before", 4: "now"}),
        MarkRow(name="retired", marks={1: "retired"}),
    ),
)
BRAILLE = """\
accuracy  higher is better
        0.95 ┤                                                ●⠉⠉⠒⠒⠒⠢⠤⠤⠤⠤⣀●
             │
             │         ⢀⠤⠒●⠑⠒⠒⠤⠤⢄⣀⡀
             │      ⢀⠤⠊⠁          ⠈⠉⠉⠒●
             │   ⣀⠔⠊⠁
        0.81 ┤●⠔⠉
             └─────────────────────────────────────────────────────────────
              1.0.0     1.1.0       1.2.0       1.3.0       1.4.0  2.0.0-rc.1
  production  △                                               ▲
     retired              ✕
  ▲ holds it now, △ held it before
"""


def draw_lines(
    chart: LineChart, monkeypatch: pytest.MonkeyPatch, width: int = 80, *, braille: bool = True
) -> str:
    monkeypatch.setattr(TextScreen, "width", property(lambda _: width))
    monkeypatch.setattr(TextScreen, "has_braille", property(lambda _: braille))
    drawn = io.StringIO()
    draw_chart(chart, TextScreen(drawn), height=6)
    return drawn.getvalue()


def test_a_chart_in_braille(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw_lines(CHART, monkeypatch) == BRAILLE


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("braille", [True, False])
def test_no_line_is_wider_than_the_screen(
    width: int, braille: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = draw_lines(CHART, monkeypatch, width, braille=braille)
    assert max(map(measure_width, drawn.splitlines())) <= width
    assert drawn.isascii() != braille
    # The last version and the first are named on each of them.
    assert "2.0.0-rc.1" in drawn
    assert "1.0.0" in drawn


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_any_number_of_places(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = tuple(float(place) for place in range(count))
    series = ChartSeries(name="loss", remark="lower is better", values=values)
    chart = LineChart(title="t", labels=tuple(map(str, range(count))), series=(series,))
    for braille in (True, False):
        drawn = draw_lines(chart, monkeypatch, braille=braille)
        assert max(map(measure_width, drawn.splitlines())) <= 80
        assert ("●" in drawn) == (braille and 0 < count < 10)


def test_values_that_differ_a_little_have_names_that_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = (0.12345678, 0.12345679)
    series = ChartSeries(name="loss", remark="", values=values)
    chart = LineChart(title="t", labels=("1", "2"), series=(series,))
    drawn = draw_lines(chart, monkeypatch)
    assert "0.12345679 ┤" in drawn
    assert "0.12345678 ┤" in drawn


def test_names_that_others_chose_are_shown_and_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    series = ChartSeries(name="a\x1b[31m\nb", remark="\u202e", values=(-1e308, 1e308))
    rows = (MarkRow(name="x" * 40, marks={0: "now"}),)
    chart = LineChart(title="t", labels=("1", "2"), series=(series,), rows=rows)
    drawn = draw_lines(chart, monkeypatch)
    assert drawn.startswith("a\\x1b[31m\\nb  \\u202e\n")
    assert "x" * 15 + "… " in drawn
