"""A dashboard for Grafana: the share of bad events and the traffic of each version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlver.policy.monitoring import rules
from mlver.policy.monitoring.subject import BUCKET, TOTAL, MonitoredStage
from mlver.policy.verdict_rule import list_limits
from mlver.records.values import Document

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 12, 8
_COLUMNS = 2


def build_dashboard(watched: Sequence[MonitoredStage]) -> Document:
    """Build the dashboard of a model: two panels a metric of each stage, and two of the stage."""
    model = watched[0].model
    panels: list[Document] = []
    for one in watched:
        panels += _list_panels(one)
    for number, panel in enumerate(panels):
        panel["id"] = number + 1
        panel["gridPos"] = {
            "h": _HEIGHT,
            "w": _WIDTH,
            "x": number % _COLUMNS * _WIDTH,
            "y": number // _COLUMNS * _HEIGHT,
        }
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source"}
    return {
        "uid": _name_dashboard(model),
        "title": f"mlver: {model}",
        "tags": ["mlver"],
        "timezone": "utc",
        "editable": True,
        "refresh": "30s",
        "schemaVersion": 36,
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def _name_dashboard(model: str) -> str:
    """Grafana takes at most 40 letters."""
    return f"mlver-{model}".replace(".", "-")[:40]


def _list_panels(watched: MonitoredStage) -> Iterator[Document]:
    yield _draw_lines(
        f"{watched.stage}: answers per second",
        "reqps",
        f"sum by (version) (rate({TOTAL}{watched.select()}[{watched.window}]))",
    )
    bucket = f"rate({BUCKET}{watched.select()}[{watched.window}])"
    slowest = f"histogram_quantile(0.99, sum by (version, le) ({bucket}))"
    yield _draw_lines(f"{watched.stage}: 99 % are answered within", "s", slowest)
    for metric in watched.settings.metrics:
        selected = watched.select(f'metric="{metric}"')
        title = f"{watched.stage}: bad by {metric}"
        limits = dict(list_limits(watched.settings, metric))
        yield _draw_lines(title, "percentunit", f"{rules.SHARE}{selected}", limits.get("max"))
        answers = f"max by (version, limit) ({rules.ANSWER}{selected})"
        yield _draw_answers(f"{watched.stage}: answer by {metric}", answers)


def _draw_lines(title: str, unit: str, query: str, limit: float | None = None) -> Document:
    custom: dict[str, Any] = {"thresholdsStyle": {"mode": "off" if limit is None else "line"}}
    steps: list[Document] = [{"color": "green", "value": None}]
    if limit is not None:
        steps.append({"color": "red", "value": limit})
    thresholds = {"mode": "absolute", "steps": steps}
    defaults = {"unit": unit, "min": 0, "custom": custom, "thresholds": thresholds}
    return _draw_panel("timeseries", title, query, "{{version}}", defaults)


def _draw_answers(title: str, query: str) -> Document:
    words = {
        "1": {"text": "bad", "color": "red"},
        "0": {"text": "not sure", "color": "yellow"},
        "-1": {"text": "good", "color": "green"},
    }
    defaults = {"mappings": [{"type": "value", "options": words}], "noValue": "nothing tells"}
    return _draw_panel("state-timeline", title, query, "{{version}} {{limit}}", defaults)


def _draw_panel(
    kind: str, title: str, query: str, legend: str, defaults: dict[str, Any]
) -> Document:
    target = {"refId": "A", "datasource": _SOURCE, "expr": query, "legendFormat": legend}
    return {
        "type": kind,
        "title": title,
        "datasource": _SOURCE,
        "targets": [target],
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }
