"""What list, show and log print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlver.features.looking.list import ListedModel, ListedVersion, ListResult
from mlver.features.looking.log import LogEvent, LogResult
from mlver.features.looking.show import ShowResult
from mlver.records.values import flatten_values
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import Cell, Part, Style, TextScreen, measure_width
from mlver.terminal.words import (
    format_author,
    format_count,
    format_day,
    format_exact,
    format_number,
    format_size,
    format_time,
    shorten_digest,
    take_first_line,
)

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
        screen.draw_line(
            "  ", ("unreadable: ", "bad"), take_first_line(fault), " (mlver verify --all)", hang=2
        )
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
        screen.draw_unbroken(
            (f"  {more}: mlver show {model.model}@{model.versions[0].version}", "dim")
        )
    older = model.total - len(model.versions)
    if older:
        screen.draw_unbroken((f"  {older:,} older: mlver list {model.model} --all", "dim"))


def _choose_fitting_metrics(
    versions: Sequence[ListedVersion], metrics: list[str], width: int
) -> list[str]:
    """The first metrics there is room for beside what every line needs."""
    others = [max(len("version"), *(measure_width(version.version) for version in versions))]
    others.append(
        max(
            len("stages"),
            *(measure_width(_strip_styles(_format_stage_cell(version))) for version in versions),
        )
    )
    others.append(len("registered"))
    others.append(
        min(
            _MESSAGE_WIDTH,
            max(
                len("message"), *(measure_width(take_first_line(v.message or "")) for v in versions)
            ),
        )
    )
    room = width - 2 - sum(others) - 2 * (len(others) - 1)
    shown = []
    for key in metrics[:_METRICS_SHOWN]:
        room -= 2 + max(
            measure_width(key), *(len(_format_metric_value(version, key)) for version in versions)
        )
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
        take_first_line(version.message or "")
        if version.fault is None
        else ("unreadable: mlver verify", "bad"),
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


def draw_show(result: ShowResult, screen: TextScreen) -> None:
    record = result.record
    stages = "".join(f"  {stage}" for stage in result.stages)
    screen.draw_line((f"{record.model} {record.version}", "name"), (stages, "good"))
    for line in clean_lines(record.message):
        screen.draw_line("  ", line)
    code = record.code
    where = f"{code.commit[:10] if code.commit else 'no commit yet'}" + (
        f" on {code.branch}" if code.branch else ""
    )
    rows: list[list[Cell]] = [
        [("registered", "dim"), f"{format_time(record.created)} UTC by {record.author}"],
        [("parent", "dim"), f"{record.parent or 'none'}, update {record.update}"],
        [("code", "dim"), [where, ("  with uncommitted changes" if code.dirty else "", "warn")]],
        [("sealed", "dim"), _describe_seal(result)],
    ]
    if record.environment:
        packages = record.environment.packages
        more = f", {format_count(len(packages), 'package')}" if packages else ""
        rows.append(
            [
                ("python", "dim"),
                f"{record.environment.python} on {record.environment.platform}{more}",
            ]
        )
        rows += [
            [(name, "dim"), str(value)]
            for name in ("command", "accelerator", "seed")
            if (value := getattr(record.environment, name)) is not None
        ]
    rows += [[(f"label {key}", "dim"), value] for key, value in record.labels.items()]
    screen.draw_table(rows, indent=2, fold=1)
    _draw_artifacts(result, screen)
    _draw_values("params", record.params, screen)
    _draw_values("metrics", record.metrics, screen)
    for evaluation in result.evaluations:
        _draw_values(
            f"evaluated {format_time(evaluation.created)} on {', '.join(evaluation.data)}",
            evaluation.metrics,
            screen,
        )
    for approval in result.approvals:
        screen.draw_line(
            ("approved", "bold"),
            f" for {approval.stage} by {approval.author}: {approval.message}",
            hang=2,
        )


def _describe_seal(result: ShowResult) -> Cell:
    if result.tag is None:
        return [("no tag seals it yet", "warn"), "  (mlver tag)"]
    if result.unsealed is not None:
        return [(f"no: {result.tag} {result.unsealed}", "bad"), "  (mlver verify)"]
    if result.landed is not None:
        return f"adopted from {result.tag}, by commit {result.landed[:10]}"
    return f"{result.tag} on {(result.commit or '')[:10]}"


def _draw_artifacts(result: ShowResult, screen: TextScreen) -> None:
    screen.draw_line(("artifacts", "bold"))
    screen.draw_table(
        [
            [
                name,
                found.path,
                format_count(found.files, "file"),
                format_size(found.size),
                (shorten_digest(str(found.digest)), "dim"),
                (" ".join(filter(None, (found.format, found.batch, found.license))), "dim"),
                ("" if found.stored else "not stored", "dim"),
            ]
            for name, found in result.record.named_artifacts().items()
        ],
        right=(2, 3),
        indent=2,
        fold=1,
    )


def _draw_values(title: str, values: Any, screen: TextScreen) -> None:
    if values:
        screen.draw_line((title, "bold"))
        screen.draw_table(
            [[key, format_exact(value)] for key, value in flatten_values(values).items()],
            indent=2,
            fold=1,
        )


_STYLES: dict[str, Style] = {"promoted": "good", "rolled back": "bad", "retired": "warn"}


def draw_log(result: LogResult, screen: TextScreen) -> None:
    if not result.total and not result.faults:
        screen.draw_line("nothing has happened yet")
    screen.draw_table([_format_event_row(event) for event in result.events], fold=4)
    for fault in result.faults:
        screen.draw_line(
            ("unreadable: ", "bad"), take_first_line(fault), " (mlver verify --all)", hang=2
        )
    older = result.total - len(result.events)
    if older:
        screen.draw_line(
            (f"{format_count(older, 'older event')}: add --limit {result.total}", "dim")
        )


def _format_event_row(event: LogEvent) -> list[Cell]:
    what: list[Part] = [(event.event, _STYLES.get(event.event, "plain"))]
    if event.forced:
        what.append((" by force", "warn"))
    where = f"{event.stage}: {event.previous or '(empty)'} → {event.version}" if event.stage else ""
    if event.event == "approved":
        where = f"for {event.stage}"
    return [
        (format_time(event.created), "dim"),
        (f"{event.model} {event.version}", "name"),
        what,
        where,
        [take_first_line(event.message), (f"  {format_author(event.author)}", "dim")],
    ]
