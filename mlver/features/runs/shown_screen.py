"""What runs prints of one run, and of two compared."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from mlver.content.chart import convert_number
from mlver.content.chart_svg import draw_svg
from mlver.errors import MlverError, shell_command
from mlver.features.runs.comparing import ComparedRunsResult
from mlver.features.runs.showing import ShownRunResult, build_chart, read_values
from mlver.records.run import RunRecord
from mlver.records.sections.encrypt import SECRET
from mlver.records.values import flatten_values
from mlver.terminal.cells import format_csv_cell
from mlver.terminal.chart import draw_chart
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.words import (
    distinguish_values,
    format_duration,
    format_exact,
    format_number,
    format_second,
    format_size,
    format_sparkline,
    shorten_digest,
    shorten_digests,
)

_TREND = 24
_CURVE_HEIGHT = 5
OUTCOME_STYLES: dict[str, Style] = {"finished": "good", "failed": "bad", "interrupted": "warn"}


def describe_end(outcome: str, exit_code: int | None) -> str:
    """Say in words how a run ended."""
    if outcome == "interrupted":
        return "was interrupted"
    if outcome == "finished" or exit_code is None:
        return outcome
    if exit_code < 0:
        return f"was ended by signal {-exit_code}"
    return f"ended with exit code {exit_code}"


# -- runs --show


def draw_shown_run(result: ShownRunResult, screen: TextScreen) -> None:
    record = result.record
    how: Part = (describe_end(record.outcome, record.exit_code), OUTCOME_STYLES[record.outcome])
    screen.draw_line((f"{record.model} {record.run}", "name"), "  ", how)
    if record.message:
        screen.draw_line(f"  {record.message}", hang=2)
    for group, values in _list_facts(result).items():
        _draw_group(group, values, screen)
    if result.steps:
        draw_chart(build_chart(result), screen, height=_CURVE_HEIGHT)
    for remark in record.remarks:
        screen.draw_line(("  not recorded: ", "warn"), shorten_digests(remark), hang=2)
    if result.diff is not None:
        screen.draw_line(("uncommitted changes", "bold"))
        for line in result.diff.splitlines():
            screen.draw_line(f"  {line}", hang=2)


def draw_curves_svg(result: ShownRunResult, screen: TextScreen) -> None:
    """The curves as a picture; raise MlverError where there are none."""
    if not result.steps:
        name = f"{result.record.model}/{result.record.run}"
        raise MlverError(
            f"{name} has no curves to draw",
            hint=shell_command("mlver", "runs", "--show", name),
        )
    screen.write_page(draw_svg(build_chart(result, every=True)))


def draw_curves_csv(result: ShownRunResult, screen: TextScreen) -> None:
    """The curves as comma-separated values (RFC 4180), a row a step; no value is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *map(format_csv_cell, result.series)])
    for place, step in enumerate(result.steps):
        cells = [format_csv_cell(step)]
        for column in result.series.values():
            value = column[place]
            cells.append(value if isinstance(value, str) else format_csv_cell(value))
        writer.writerow(cells)
    screen.write_page(text.getvalue())


def _list_facts(result: ShownRunResult) -> dict[str, Mapping[str, Any]]:
    """What a run holds, by group, in the words of the record."""
    record = result.record
    about = {
        "began": f"{format_second(record.created)} UTC",
        "took": format_duration(record.duration),
        "author": record.author,
        "command": record.command,
        "pipeline": record.pipeline,
        "step": record.step,
        "batch": record.batch,
        "versions": ", ".join(result.versions) or None,
        "kept in": result.reference,
    }
    secrets = dict.fromkeys(record.secrets, SECRET)
    return {
        "run": about,
        "metrics": flatten_values(record.metrics),
        "params": {**flatten_values(record.params), **secrets},
        "data": _list_artifacts(record),
        "code": _describe_code(record),
        "environment": _describe_environment(record),
        "variables": record.variables,
        "machine": _describe_machine(record),
        "labels": record.labels,
    }


def _draw_group(group: str, values: Mapping[str, Any], screen: TextScreen) -> None:
    present = {name: value for name, value in values.items() if value is not None}
    if not present:
        return
    screen.draw_line((group, "bold"))
    rows: list[Sequence[Cell]] = []
    for name, value in present.items():
        rows.append([(name, "dim"), shorten_digests(format_exact(value))])
    screen.draw_table(rows, indent=2, fold=1)


def _list_artifacts(record: RunRecord) -> dict[str, str]:
    artifacts = dict(record.data)
    if record.weights is not None:
        artifacts["weights"] = record.weights
    listed: dict[str, str] = {}
    for name, artifact in artifacts.items():
        digest = shorten_digest(str(artifact.digest))
        listed[name] = f"{artifact.path}  {digest}  {format_size(artifact.size)}"
    return listed


def _describe_code(record: RunRecord) -> dict[str, Any]:
    changes = None
    if record.code.dirty:
        changes = "not recorded" if record.diff is None else format_size(record.diff.size)
    return {
        "commit": record.code.commit,
        "branch": record.code.branch,
        "uncommitted changes": changes,
    }


def _describe_environment(record: RunRecord) -> dict[str, Any]:
    environment = record.environment
    return {
        "python": environment.python,
        "platform": environment.platform,
        "source": environment.source,
        "packages": len(environment.packages) or None,
        "accelerator": environment.accelerator,
        "seed": environment.seed,
    }


def _describe_machine(record: RunRecord) -> dict[str, Any]:
    machine = record.machine
    peak = record.resources.get("max_rss_bytes")
    return {
        "processor": machine.processor,
        "processors": machine.processors,
        "memory": None if machine.memory is None else format_size(machine.memory),
        "accelerators": "; ".join(machine.accelerators) or None,
        "linear algebra": machine.blas,
        "peak memory of a process": None if peak is None else format_size(int(peak)),
        "processor seconds": record.resources.get("cpu_seconds"),
    }


# -- runs --compare


def draw_compared_runs(result: ComparedRunsResult, screen: TextScreen) -> None:
    screen.draw_line((result.old, "name"), " → ", (result.new, "name"))
    if not result.differs:
        screen.draw_line("  nothing differs")
    group = None
    rows: list[Sequence[Cell]] = []
    for difference in result.differences:
        shown = difference.group if difference.group != group else ""
        group = difference.group
        old, new = _format_sides(difference.old, difference.new)
        rows.append([(shown, "bold"), (difference.name, "dim"), f"{old} → {new}"])
    screen.draw_table(rows, indent=2, fold=2)
    curves: list[Sequence[Cell]] = []
    for curve in result.curves:
        old, new = _draw_trend(curve.old, screen), _draw_trend(curve.new, screen)
        curves.append([curve.metric, old, "→", new])
    screen.draw_table(curves, indent=2)


def _format_sides(old: Any, new: Any) -> tuple[str, str]:
    """Two values that differ; numbers with no more digits than tell them apart."""
    if isinstance(old, int | float) and isinstance(new, int | float):
        return distinguish_values(old, new)
    return _format_side(old), _format_side(new)


def _format_side(value: Any) -> str:
    return "–" if value is None else shorten_digests(format_exact(value))


def _draw_trend(column: Sequence[float | str | None], screen: TextScreen) -> str:
    """A curve at a glance, and its last value, which may be no finite number."""
    values = [convert_number(value) for value in read_values(column)]
    stride = max(1, -(-len(values) // _TREND))
    sparkline = format_sparkline(values[::stride], has_blocks=screen.has_braille)
    present = [value for value in column if value is not None]
    last = format_number(present[-1]) if present else ""
    return f"{sparkline} {last}".strip()
