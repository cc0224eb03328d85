"""A chart as SVG: well-formed, whole and without power, whatever names and values it shows."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from mlver.content.chart import ChartSeries, LineChart, MarkRow
from mlver.content.chart_svg import describe_chart, draw_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "a<script>b</script>\"'&\x1b[31m\u202e]]>"


def build_chart(count: int = 4, name: str = "accuracy") -> LineChart:
    values: list[float | None] = [0.5 + place / 10 for place in range(count)]
    if count > 2:
        values[1] = None
    return LineChart(
        title=f"digits: {name}",
        labels=tuple(f"1.{place}.0" for place in range(count)),
        series=(ChartSeries(name=name, remark="higher is better", values=tuple(values)),),
        rows=(MarkRow(name="production", marks={count - 1: "now"}),),
    )


def test_a_chart_is_a_picture_with_words() -> None:
    root = ElementTree.fromstring(draw_svg(build_chart()))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "digits: accuracy"
    words = root.findtext(f"{SVG}desc")
    assert words == ("accuracy: higher is better; 3 values from 0.5 to 0.8. production: 1.3.0.")
    assert describe_chart(build_chart()) == words
    lines = [line.get("points", "").split() for line in root.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [2, 2]
    titles = [title.text for title in root.iter(f"{SVG}title")]
    assert titles[1:] == ["1.0.0: 0.5", "1.2.0: 0.7", "1.3.0: 0.8", "1.3.0 holds production now"]


def test_it_loads_nothing() -> None:
    drawn = draw_svg(build_chart())
    assert re.findall(r"\w+://[^\"\s]+", drawn) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|href|@import|<script", drawn)


def test_names_have_no_power_over_it() -> None:
    root = ElementTree.fromstring(draw_svg(build_chart(name=HOSTILE)))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "title", "desc", "style", "rect", "text", "line", "polyline", "circle", "path",
    }  # fmt: skip
    assert root.findtext(f"{SVG}title") == ("digits: a<script>b</script>\"'&\\x1b[31m\\u202e]]>")


def test_many_versions_are_a_line_of_no_points_and_few_names() -> None:
    root = ElementTree.fromstring(draw_svg(build_chart(5_000)))
    assert not list(root.iter(f"{SVG}circle"))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "1.0.0" in texts
    assert "1.4999.0" in texts
    assert len(texts) < 30


def test_one_version_and_none() -> None:
    ElementTree.fromstring(draw_svg(build_chart(1)))
    empty = LineChart(title="t", labels=(), series=())
    ElementTree.fromstring(draw_svg(empty))
