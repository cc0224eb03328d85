"""What list prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.errors import shell_command
from mlver.features.looking.list import ListedModel, ListedVersion, ListResult
from mlver.policy.evaluated_metrics import find_plain_name
from mlver.terminal.links import choose_remedy, draw_empty_registry, draw_faults
from mlver.terminal.screen import ANSWER_STYLES, Cell, Part, Style, TextScreen, measure_width
from mlver.terminal.words import (
    format_age,
    format_count,
    format_number,
    format_sparkline,
    take_first_line,
)
from mlver.version import Version, parse_version, sort_versions

# So many metrics are read at a glance; at least so much of a line is left for the message.
_METRICS_SHOWN = 8
_MESSAGE_WIDTH = 24
# Of so many versions it can be seen at a glance which way they go.
_FEWEST_IN_TREND = 3
_MOST_IN_TREND = 12
_COLUMN_GAP = 2
_INDENT = 2


def draw_list(result: ListResult, screen: TextScreen) -> None:
    if not result.models:
        draw_empty_registry(screen)
    for index, model in enumerate(result.models):
        if index:
            screen.draw_blank_line()
        _draw_listed_model(model, result.read, screen)


def _draw_listed_model(model: ListedModel, now: str, screen: TextScreen) -> None:
    if not draw_list_heading(model, screen):
        return
    table = _VersionTable.plan_table(model, now, screen.width)
    table.draw_rows(screen)
    hidden = len(table.metrics) - len(table.shown_metrics)
    if hidden:
        count = format_count(hidden, "more metric")
        command = shell_command("mlver", "show", f"{model.model}@{model.versions[0].version}")
        screen.draw_unbroken((f"  {count}: {command}", "dim"))
    draw_list_remarks(model, screen)


def draw_list_heading(model: ListedModel, screen: TextScreen) -> bool:
    """The model, what its stages hold, and what cannot be read; say whether versions follow."""
    description = model.description or ""
    screen.draw_line((model.model, "name"), (f"  {description}", "dim"), hang=2)
    _draw_holders(model, screen)
    draw_faults(model.faults, screen, indent=_INDENT)
    if not model.versions:
        screen.draw_line("  no version matches" if model.total else "  it has no versions")
    return bool(model.versions)


def draw_list_remarks(model: ListedModel, screen: TextScreen) -> None:
    """How many versions are not shown."""
    other_count = model.matching - len(model.versions)
    if other_count > 0:
        rest = " (--all)"
        if model.matching == model.total:
            rest = f": {shell_command('mlver', 'list', model.model, '--all')}"
        screen.draw_unbroken((f"  {other_count:,} more{rest}", "dim"))


def _draw_holders(model: ListedModel, screen: TextScreen) -> None:
    """Which version each stage holds, and which is the latest: the first question."""
    parts: list[Part] = []
    for stage, version in model.stages.items():
        style: Style = "good"
        text = f"{stage} {version}"
        if stage in model.unsealed_stages:
            style = "warn"
            text += " (unsealed)"
        if version in model.retired:
            style = "bad"
            text += " (retired)"
        parts += ["  ", (text, style)]
        if stage in model.verdicts:
            answer = model.verdicts[stage]
            parts.append((f" {answer}", ANSWER_STYLES[answer]))
    if model.latest is not None:
        mark = " (retired)" if model.latest in model.retired else ""
        parts += ["  ", (f"latest {model.latest}{mark}", "dim")]
    trend = _describe_trend(model, has_blocks=screen.has_braille)
    line = "".join(part if isinstance(part, str) else part[0] for part in (*parts, trend))
    # A narrow screen has no room for it, and what stages hold comes first. No letter takes more
    # than two columns: to measure them costs an import.
    if trend and (2 * len(line) <= screen.width or screen.measure_width(line) <= screen.width):
        parts.append((trend, "dim"))
    if parts:
        screen.draw_line(*parts)


def _describe_trend(model: ListedModel, *, has_blocks: bool) -> str:
    """The first metric of the newest versions that are shown, from the oldest of them on."""
    metrics = list_metrics(model)
    if not metrics or len(model.versions) < _FEWEST_IN_TREND:
        return ""
    values: dict[Version, float | None] = {}
    for version in model.versions:
        values[parse_version(version.version)] = version.all_metrics.get(metrics[0])
    ordered = [values[number] for number in sort_versions(values)[-_MOST_IN_TREND:]]
    sparkline = format_sparkline(ordered, has_blocks=has_blocks)
    return f"  {metrics[0]} {sparkline}" if sparkline else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _VersionTable:
    """One row a version.

    A narrow terminal loses the message first, then the metrics from the last to the second, then
    the age. `best` is the version with the best value of a metric, of those that are shown.
    """

    versions: Sequence[ListedVersion]
    metrics: Sequence[str]
    shown_metrics: Sequence[str]
    best: Mapping[str, float]
    now: str
    has_age: bool
    has_message: bool

    @classmethod
    def plan_table(cls, model: ListedModel, now: str, width: int) -> _VersionTable:
        versions = model.versions
        metrics = list_metrics(model)
        best = _find_best(model)
        numbers = [_format_mark(version) for version in versions]
        ages = [format_age(version.created or "", now) for version in versions]
        room_left = width - _INDENT - _measure_column("version", numbers)
        shown: list[str] = []
        age_width = _COLUMN_GAP + _measure_column("age", ages)
        messages = [take_first_line(version.message or "") for version in versions]
        message_width = _COLUMN_GAP + min(_MESSAGE_WIDTH, _measure_column("message", messages))
        for metric in metrics[:_METRICS_SHOWN]:
            values = [_format_metric(version, metric, best) for version in versions]
            metric_width = _COLUMN_GAP + _measure_column(metric, values)
            # One metric is worth more than ages and messages.
            reserved = age_width + message_width if shown else 0
            if room_left - metric_width < reserved:
                break
            shown.append(metric)
            room_left -= metric_width
        has_age = room_left >= age_width
        if has_age:
            room_left -= age_width
        return cls(
            versions=versions,
            metrics=metrics,
            shown_metrics=shown,
            best=best,
            now=now,
            has_age=has_age,
            has_message=room_left >= message_width,
        )

    def draw_rows(self, screen: TextScreen) -> None:
        headers = ["version", *self.shown_metrics]
        if self.has_age:
            headers.append("age")
        if self.has_message:
            headers.append("message")
        screen.draw_table(
            [self._format_row(version) for version in self.versions],
            headers=headers,
            right=range(1, 1 + len(self.shown_metrics) + self.has_age),
            indent=_INDENT,
            fold=len(headers) - 1 if self.has_message else None,
            # A long message would spread one version over many lines; `show` has all of it.
            cut=True,
        )

    def _format_row(self, version: ListedVersion) -> list[Cell]:
        row: list[Cell] = [_style_version(version)]
        for metric in self.shown_metrics:
            text = _format_metric(version, metric, self.best)
            row.append((text, "good") if text.endswith("*") else text)
        if self.has_age:
            row.append((format_age(version.created or "", self.now), "dim"))
        if self.has_message and version.fault is not None:
            command = choose_remedy(version.fault, "mlver verify")
            row.append((f"unreadable: {command}", "bad"))
        elif self.has_message:
            row.append(take_first_line(version.message or ""))
        return row


def list_metrics(model: ListedModel) -> list[str]:
    """The metrics of any version shown: in the order of `directions`, then those of the first.

    What was measured later follows.
    """
    known: dict[str, None] = {}
    for version in model.versions:
        known.update(dict.fromkeys(version.metrics))
    for version in model.versions:
        known.update(dict.fromkeys(version.evaluated))
    first = [metric for metric in model.directions if metric in known]
    return list(dict.fromkeys([*first, *known]))


def _find_best(model: ListedModel) -> dict[str, float]:
    """The best value of each metric that has a direction, where the versions differ in it.

    A version that nobody should use is the best in nothing.
    """
    best: dict[str, float] = {}
    for metric in list_metrics(model):
        direction = model.directions.get(find_plain_name(metric))
        if direction is None:
            continue
        values: set[float] = set()
        for version in model.versions:
            if metric in version.all_metrics and version.retired is None:
                values.add(version.all_metrics[metric])
        if len(values) > 1:
            best[metric] = max(values) if direction == "higher" else min(values)
    return best


def _measure_column(header: str, cells: Sequence[str]) -> int:
    widest = measure_width(header)
    for cell in cells:
        widest = max(widest, measure_width(cell))
    return widest


def _format_mark(version: ListedVersion) -> str:
    # Whether a record is sealed cannot be told where it cannot be read.
    is_unsealed = not version.sealed and version.fault is None
    retired = " retired" if version.retired is not None else ""
    return f"{version.version}{' unsealed' * is_unsealed}{retired}"


def _style_version(version: ListedVersion) -> list[Part]:
    number: Part = (version.version, "good" if version.stages else "bold")
    parts: list[Part] = [number]
    if not version.sealed and version.fault is None:
        parts.append((" unsealed", "warn"))
    if version.retired is not None:
        parts.append((" retired", "bad"))
    return parts


def _format_metric(version: ListedVersion, metric: str, best: Mapping[str, float]) -> str:
    """A value, with a star where it is the best; the others leave room for one."""
    if metric not in version.all_metrics:
        return ""
    value = version.all_metrics[metric]
    text = format_number(value)
    if metric not in best:
        return text
    is_best = value == best[metric] and version.retired is None
    return f"{text}*" if is_best else f"{text} "
