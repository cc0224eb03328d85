from __future__ import annotations

from collections.abc import Sequence

from mlver.commands.list import ListedModel, ListedVersion, ListResult
from mlver.render.screen import Cell, Part, TextScreen, measure_width
from mlver.render.words import format_count, format_day, take_first_line, format_number

_METRICS_SHOWN = 8
_MESSAGE_WIDTH = 24  # what metrics leave of a line for the message, at least


def draw_list(result: ListResult, screen: TextScreen) -> None:
    if not result.models:
        screen.draw_line("no model is registered here yet")
        screen.draw_unbroken(("next: ", "dim"), "mlver register MODEL --weights PATH -m WHY")
    for index, model in enumerate(result.models):
        if index:
            screen.draw_blank_line()
        _draw_listed_model(model, screen)


def _draw_listed_model(model: ListedModel, screen: TextScreen) -> None:
    screen.draw_line((model.model, "name"), ("  " + (model.description or ""), "dim"), hang=2)
    for fault in model.faults:
        screen.draw_line("  ", ("unreadable: ", "bad"), take_first_line(fault), " (mlver verify --all)", hang=2)
    if not model.versions:
        screen.draw_line("  no version of it is here")
        return
    metrics = list(dict.fromkeys(key for version in model.versions for key in version.metrics))
    shown = _choose_fitting_metrics(model.versions, metrics, screen.width)
    headers = ["version", "stages", *shown, "registered", "message"]
    rows = [_format_version_row(version, shown) for version in model.versions]
    right = range(2, 2 + len(shown))
    screen.draw_table(rows, headers=headers, right=right, indent=2, fold=len(headers) - 1, cut=True)
    if len(metrics) > len(shown):
        more = format_count(len(metrics) - len(shown), "more metric")
        screen.draw_unbroken((f"  {more}: mlver show {model.model}@{model.versions[0].version}", "dim"))
    older = model.total - len(model.versions)
    if older:
        screen.draw_unbroken((f"  {older:,} older: mlver list {model.model} --all", "dim"))


def _choose_fitting_metrics(versions: Sequence[ListedVersion], metrics: list[str], width: int) -> list[str]:
    """The first metrics there is room for beside what every line needs."""
    others = [max(len("version"), *(measure_width(version.version) for version in versions))]
    others.append(max(len("stages"), *(measure_width(_strip_styles(_format_stage_cell(version))) for version in versions)))
    others.append(len("registered"))
    others.append(min(_MESSAGE_WIDTH, max(len("message"), *(measure_width(take_first_line(v.message or "")) for v in versions))))
    room = width - 2 - sum(others) - 2 * (len(others) - 1)
    shown = []
    for key in metrics[:_METRICS_SHOWN]:
        room -= 2 + max(measure_width(key), *(len(_format_metric_value(version, key)) for version in versions))
        if room < 0:
            break
        shown.append(key)
    return shown


def _format_version_row(version: ListedVersion, metrics: list[str]) -> list[Cell]:
    values = [_format_metric_value(version, key) for key in metrics]
    return [
        (version.version, "bold"),
        _format_stage_cell(version),
        *values,
        (format_day(version.created) if version.created else "", "dim"),
        take_first_line(version.message or "") if version.fault is None else ("unreadable: mlver verify", "bad"),
    ]


def _format_stage_cell(version: ListedVersion) -> list[Part]:
    stages: list[Part] = [(" ".join(version.stages), "good")]
    if not version.sealed and version.fault is None:
        stages.append((" unsealed" if version.stages else "unsealed", "warn"))
    return stages


def _format_metric_value(version: ListedVersion, key: str) -> str:
    return format_number(version.metrics[key]) if key in version.metrics else ""


def _strip_styles(parts: Sequence[Part]) -> str:
    return "".join(part if isinstance(part, str) else part[0] for part in parts)
