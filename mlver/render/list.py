from __future__ import annotations

from collections.abc import Sequence

from mlver.commands.list import ListedModel, ListedVersion, ListResult
from mlver.render.screen import Cell, Part, Screen, cells
from mlver.render.words import count, day, first_line, number

_METRICS_SHOWN = 8
_MESSAGE_WIDTH = 24  # what metrics leave of a line for the message, at least


def text(result: ListResult, screen: Screen) -> None:
    if not result.models:
        screen.line("no model is registered here yet")
        screen.unbroken(("next: ", "dim"), "mlver register MODEL --weights PATH -m WHY")
    for index, model in enumerate(result.models):
        if index:
            screen.blank()
        _model(model, screen)


def _model(model: ListedModel, screen: Screen) -> None:
    screen.line((model.model, "name"), ("  " + (model.description or ""), "dim"), hang=2)
    for fault in model.faults:
        screen.line("  ", ("unreadable: ", "bad"), first_line(fault), " (mlver verify --all)", hang=2)
    if not model.versions:
        screen.line("  no version of it is here")
        return
    metrics = list(dict.fromkeys(key for version in model.versions for key in version.metrics))
    shown = _fitting(model.versions, metrics, screen.width)
    headers = ["version", "stages", *shown, "registered", "message"]
    rows = [_version(version, shown) for version in model.versions]
    right = range(2, 2 + len(shown))
    screen.table(rows, headers=headers, right=right, indent=2, fold=len(headers) - 1, cut=True)
    if len(metrics) > len(shown):
        more = count(len(metrics) - len(shown), "more metric")
        screen.unbroken((f"  {more}: mlver show {model.model}@{model.versions[0].version}", "dim"))
    older = model.total - len(model.versions)
    if older:
        screen.unbroken((f"  {older:,} older: mlver list {model.model} --all", "dim"))


def _fitting(versions: Sequence[ListedVersion], metrics: list[str], width: int) -> list[str]:
    """The first metrics there is room for beside what every line needs."""
    others = [max(len("version"), *(cells(version.version) for version in versions))]
    others.append(max(len("stages"), *(cells(_plain(_stages(version))) for version in versions)))
    others.append(len("registered"))
    others.append(min(_MESSAGE_WIDTH, max(len("message"), *(cells(first_line(v.message or "")) for v in versions))))
    room = width - 2 - sum(others) - 2 * (len(others) - 1)
    shown = []
    for key in metrics[:_METRICS_SHOWN]:
        room -= 2 + max(cells(key), *(len(_metric(version, key)) for version in versions))
        if room < 0:
            break
        shown.append(key)
    return shown


def _version(version: ListedVersion, metrics: list[str]) -> list[Cell]:
    values = [_metric(version, key) for key in metrics]
    return [
        (version.version, "bold"),
        _stages(version),
        *values,
        (day(version.created) if version.created else "", "dim"),
        first_line(version.message or "") if version.fault is None else ("unreadable: mlver verify", "bad"),
    ]


def _stages(version: ListedVersion) -> list[Part]:
    stages: list[Part] = [(" ".join(version.stages), "good")]
    if not version.sealed and version.fault is None:
        stages.append((" unsealed" if version.stages else "unsealed", "warn"))
    return stages


def _metric(version: ListedVersion, key: str) -> str:
    return number(version.metrics[key]) if key in version.metrics else ""


def _plain(parts: Sequence[Part]) -> str:
    return "".join(part if isinstance(part, str) else part[0] for part in parts)
