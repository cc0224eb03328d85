"""What list and show print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlver.errors import shell_command
from mlver.features.looking.list import ListedModel, ListedVersion, ListResult
from mlver.features.looking.show_result import ShowResult
from mlver.records.values import flatten_values
from mlver.records.version import TrainingEnvironment
from mlver.terminal.links import draw_empty_registry, draw_faults, draw_findings
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import Cell, Part, TextScreen, measure_width
from mlver.terminal.words import (
    describe_mixture,
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
# At least so much of a line is left for the message beside the metrics.
_MESSAGE_WIDTH = 24
_COLUMN_GAP = 2


def draw_list(result: ListResult, screen: TextScreen) -> None:
    if not result.models:
        draw_empty_registry(screen)
    for index, model in enumerate(result.models):
        if index:
            screen.draw_blank_line()
        _draw_listed_model(model, screen)


def _draw_listed_model(model: ListedModel, screen: TextScreen) -> None:
    description = model.description or ""
    screen.draw_line((model.model, "name"), (f"  {description}", "dim"), hang=2)
    draw_faults(model.faults, screen, indent=2)
    if not model.versions:
        screen.draw_line("  no version of it is here")
        return
    metrics = _list_metrics(model.versions)
    shown_metrics = _choose_fitting_metrics(model.versions, metrics, screen.width)
    _draw_version_table(model.versions, shown_metrics, screen)
    hidden = len(metrics) - len(shown_metrics)
    if hidden:
        count = format_count(hidden, "more metric")
        command = shell_command("mlver", "show", f"{model.model}@{model.versions[0].version}")
        screen.draw_unbroken((f"  {count}: {command}", "dim"))
    older_count = model.total - len(model.versions)
    if older_count:
        screen.draw_unbroken((f"  {older_count:,} older: mlver list {model.model} --all", "dim"))


def _list_metrics(versions: Sequence[ListedVersion]) -> list[str]:
    """The metrics of any version, those of the newest first."""
    metrics: dict[str, None] = {}
    for version in versions:
        metrics.update(dict.fromkeys(version.metrics))
    return list(metrics)


def _draw_version_table(
    versions: Sequence[ListedVersion], metrics: list[str], screen: TextScreen
) -> None:
    headers = ["version", "stages", *metrics, "registered", "message"]
    table_rows: list[list[Cell]] = []
    for version in versions:
        table_rows.append(_format_version_row(version, metrics))
    screen.draw_table(
        table_rows,
        headers=headers,
        right=range(2, 2 + len(metrics)),
        indent=2,
        fold=len(headers) - 1,
        # A long message would spread one version over many lines; `show` has all of it.
        cut=True,
    )


def _choose_fitting_metrics(
    versions: Sequence[ListedVersion], metrics: list[str], width: int
) -> list[str]:
    """The first metrics that fit beside the columns that every line has."""
    numbers: list[str] = []
    stages: list[str] = []
    messages: list[str] = []
    for version in versions:
        numbers.append(version.version)
        stages.append(_strip_styles(_format_stage_cell(version)))
        messages.append(take_first_line(version.message or ""))
    columns = (
        _measure_column("version", numbers),
        _measure_column("stages", stages),
        len("registered"),
        min(_MESSAGE_WIDTH, _measure_column("message", messages)),
    )
    room_left = width - 2 - sum(columns) - _COLUMN_GAP * (len(columns) - 1)
    fitting = []
    for metric_key in metrics[:_METRICS_SHOWN]:
        values = [_format_metric_value(version, metric_key) for version in versions]
        room_left -= _COLUMN_GAP + _measure_column(metric_key, values)
        if room_left < 0:
            break
        fitting.append(metric_key)
    return fitting


def _measure_column(header: str, cells: Sequence[str]) -> int:
    widest = measure_width(header)
    for cell in cells:
        widest = max(widest, measure_width(cell))
    return widest


def _format_version_row(version: ListedVersion, metrics: list[str]) -> list[Cell]:
    values = [_format_metric_value(version, metric_key) for metric_key in metrics]
    message: Cell = take_first_line(version.message or "")
    if version.fault is not None:
        message = ("unreadable: mlver verify", "bad")
    return [
        (version.version, "bold"),
        _format_stage_cell(version),
        *values,
        (format_day(version.created or ""), "dim"),
        message,
    ]


def _format_stage_cell(version: ListedVersion) -> list[Part]:
    stages: list[Part] = []
    for stage in version.stages:
        separator = " " if stages else ""
        stages.append(_mark_stage(stage, version.unsealed_stages, separator))
    # Whether a record is sealed cannot be told where it cannot be read.
    if not version.sealed and version.fault is None:
        stages.append((" unsealed" if version.stages else "unsealed", "warn"))
    return stages


def _mark_stage(stage: str, unsealed: Sequence[str], separator: str) -> Part:
    """A stage that a version holds, marked where no tag seals the promotion that gave it."""
    if stage in unsealed:
        return (f"{separator}{stage} (unsealed)", "warn")
    return (f"{separator}{stage}", "good")


def _format_metric_value(version: ListedVersion, key: str) -> str:
    if key not in version.metrics:
        return ""
    return format_number(version.metrics[key])


def _strip_styles(parts: Sequence[Part]) -> str:
    plain_text = ""
    for styled_part in parts:
        plain_text += styled_part if isinstance(styled_part, str) else styled_part[0]
    return plain_text


def draw_show(result: ShowResult, screen: TextScreen) -> None:
    record = result.record
    title: list[Part] = [(f"{record.model} {record.version}", "name")]
    for stage in result.stages:
        title.append(_mark_stage(stage, result.unsealed_stages, "  "))
    screen.draw_line(*title)
    for message_line in clean_lines(record.message):
        screen.draw_line("  ", message_line)
    table_rows = _list_properties(result)
    screen.draw_table(table_rows, indent=2, fold=1)
    if result.lost_code is not None:
        draw_findings([result.lost_code], screen, "warn")
    _draw_artifacts(result, screen)
    _draw_values("params", record.params, screen)
    _draw_values("metrics", record.metrics, screen)
    for evaluation in result.evaluations:
        moment = format_time(evaluation.created)
        data_sets = ", ".join(evaluation.data)
        _draw_values(f"evaluated {moment} on {data_sets}", evaluation.metrics, screen)
    for approval in result.approvals:
        reason = f" for {approval.stage} by {approval.author}: {approval.message}"
        screen.draw_line(("approved", "bold"), reason, hang=2)


def _list_properties(result: ShowResult) -> list[list[Cell]]:
    """One row for each thing that is known of a version beside its artifacts and values."""
    record = result.record
    moment = format_time(record.created)
    parent = record.parent or "none"
    table_rows: list[list[Cell]] = [
        [("registered", "dim"), f"{moment} UTC by {record.author}"],
    ]
    if record.previous:
        table_rows.append([("previous", "dim"), record.previous])
    if record.mixed:
        table_rows.append([("parts", "dim"), (describe_mixture(record.mixed), "warn")])
    table_rows += [
        [("parent", "dim"), f"{parent}, update {record.update}"],
        [("code", "dim"), _describe_code(result)],
        [("sealed", "dim"), _describe_seal(result)],
    ]
    for stage in result.unsealed_stages:
        table_rows.append(
            [(stage, "dim"), [("no tag seals its promotion yet", "warn"), "  (mlver tag)"]]
        )
    for stage in result.unconfirmed_stages:
        remark: Part = ("neither commit nor seal confirms who promoted it", "warn")
        table_rows.append([(stage, "dim"), [remark, "  (mlver verify --all)"]])
    if record.environment:
        table_rows += _format_environment_rows(record.environment)
    for label_name, label_value in record.labels.items():
        table_rows.append([(f"label {label_name}", "dim"), label_value])
    return table_rows


def _describe_code(result: ShowResult) -> Cell:
    code = result.record.code
    description = code.commit[:10] if code.commit else "no commit yet"
    if code.branch:
        description += f" on {code.branch}"
    cell: list[Part] = [description]
    if code.dirty:
        cell.append(("  with uncommitted changes", "warn"))
    if result.lost_code is not None:
        cell.append(("  lost", "bad"))
    return cell


def _format_environment_rows(environment: TrainingEnvironment) -> Iterator[list[Cell]]:
    python = f"{environment.python} on {environment.platform}"
    if environment.packages:
        python += f", {format_count(len(environment.packages), 'package')}"
    yield [("python", "dim"), python]
    others = (
        ("command", environment.command),
        ("accelerator", environment.accelerator),
        ("seed", environment.seed),
    )
    for field_name, field_value in others:
        if field_value is not None:
            yield [(field_name, "dim"), str(field_value)]


def _describe_seal(result: ShowResult) -> Cell:
    # A record on a branch has no tag until it is merged.
    if result.tag is None:
        return [("no tag seals it yet", "warn"), "  (mlver tag)"]
    if result.unsealed is not None:
        return [(f"no: {result.unsealed}", "bad"), "  (mlver verify)"]
    if result.landed is not None:
        return f"adopted from {result.tag}, by commit {result.landed[:10]}"
    return f"{result.tag} on {(result.commit or '')[:10]}"


def _draw_artifacts(result: ShowResult, screen: TextScreen) -> None:
    table_rows: list[list[Cell]] = []
    for artifact_name, artifact in result.record.named_artifacts().items():
        properties = filter(None, (artifact.format, artifact.batch, artifact.license))
        table_row: list[Cell] = [
            artifact_name,
            artifact.path,
            format_count(artifact.files, "file"),
            format_size(artifact.size),
            (shorten_digest(str(artifact.digest)), "dim"),
            (" ".join(properties), "dim"),
            ("" if artifact.stored else "not stored", "dim"),
        ]
        table_rows.append(table_row)
    screen.draw_line(("artifacts", "bold"))
    screen.draw_table(table_rows, right=(2, 3), indent=2, fold=1)


def _draw_values(title: str, values: Mapping[str, Any], screen: TextScreen) -> None:
    if not values:
        return
    table_rows: list[list[Cell]] = []
    for dotted_key, value in flatten_values(values).items():
        table_rows.append([dotted_key, format_exact(value)])
    screen.draw_line((title, "bold"))
    screen.draw_table(table_rows, indent=2, fold=1)
