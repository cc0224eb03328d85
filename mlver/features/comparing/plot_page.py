"""What `mlver plot` writes as a picture, and as a page around one."""

from __future__ import annotations

from mlver.content.chart_svg import draw_svg, escape_text
from mlver.features.comparing.plot import PlotResult, PlottedMetric
from mlver.features.comparing.plot_screen import DIRECTIONS, build_chart
from mlver.terminal.words import format_number

# Every picture begins with one of these: by them `plot` knows the files that it may replace.
SVG_START = '<?xml version="1.0" encoding="UTF-8"?>\n<!-- mlver plot -->\n'
PAGE_START = "<!doctype html>\n<!-- mlver plot -->\n"
_PAGE = """\
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{font:15px system-ui,sans-serif;margin:2rem auto;max-width:820px;padding:0 1rem}}
svg{{max-width:100%;height:auto}}
table{{border-collapse:collapse;font-variant-numeric:tabular-nums}}
th,td{{padding:.3rem .8rem;text-align:right;border-bottom:1px solid #8886}}
th:first-child,td:last-child{{text-align:left}}
div{{overflow-x:auto}}
</style>
</head>
<body>
<h1>{title}</h1>
{picture}<div>
<table>
<caption>{caption}</caption>
<thead><tr>{headers}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</body>
</html>
"""


def build_svg(result: PlotResult) -> str:
    """The picture as an SVG file, which needs no network."""
    return SVG_START + draw_svg(build_chart(result))


def build_page(result: PlotResult) -> str:
    """A page of HTML that needs no network: the picture, and a table of what it shows."""
    chart = build_chart(result)
    names = ["version", *(metric.metric for metric in result.metrics), "stages"]
    headers = "".join(f'<th scope="col">{escape_text(name)}</th>' for name in names)
    rows: list[str] = []
    for place, version in enumerate(result.versions):
        cells = [f'<th scope="row">{escape_text(version.version)}</th>']
        for metric in result.metrics:
            cells.append(f"<td>{escape_text(_format_value(metric, place))}</td>")
        facts = [*version.stages]
        if version.retired is not None:
            facts.append(f"retired: {version.retired}")
        cells.append(f"<td>{escape_text(', '.join(facts))}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    remarks = [f"{metric.metric}: {DIRECTIONS[metric.direction]}" for metric in result.metrics]
    return PAGE_START + _PAGE.format(
        title=escape_text(chart.title),
        picture=draw_svg(chart),
        caption=escape_text("; ".join(remarks)),
        headers=headers,
        rows="\n".join(rows),
    )


def _format_value(metric: PlottedMetric, place: int) -> str:
    value = metric.values[place]
    if value is None:
        return "–"
    return f"{format_number(value)}{'*' if place in metric.best else ''}"
