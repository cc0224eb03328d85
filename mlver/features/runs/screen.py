"""What run and runs print."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from mlver.errors import shell_command
from mlver.features.runs.listing import ListedRun, RunsResult
from mlver.features.runs.shown_screen import OUTCOME_STYLES, describe_end
from mlver.project.runs.removing import RemovedRunsResult
from mlver.project.runs.request import RunResult
from mlver.records.values import flatten_values
from mlver.terminal.cells import format_csv_cell
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, Part, TextScreen
from mlver.terminal.words import (
    format_age,
    format_count,
    format_duration,
    format_number,
    format_size,
    shorten_digests,
    take_first_line,
)

_METRICS_SHOWN = 4
_COLUMNS = (
    "run",
    "model",
    "created",
    "outcome",
    "exit_code",
    "duration",
    "pipeline",
    "step",
    "batch",
    "commit",
    "dirty",
    "versions",
    "author",
    "message",
)


# -- run


def draw_run(result: RunResult, screen: TextScreen) -> None:
    name: Part = (f"{result.model} {result.run}", "name")
    if result.dry_run:
        screen.draw_line(("Would run", "bold"), f" {result.command}", hang=2)
        screen.draw_line("  and record it as a run of ", (result.model, "name"))
    elif result.outcome == "finished":
        screen.draw_line(("Recorded", "bold"), " ", name, _format_took(result.duration))
    else:
        how = describe_end(result.outcome, result.exit_code)
        took = _format_took(result.duration)
        screen.draw_line(("Recorded", "bold"), " ", name, f", which {how}", took, hang=2)
    _draw_given(result, screen)
    for metric, value in flatten_values(result.metrics).items():
        screen.draw_line(f"  {metric}  {format_number(value)}", hang=2)
    for remark in result.remarks:
        screen.draw_line(("  not recorded: ", "warn"), shorten_digests(remark), hang=2)
    if result.outcome == "finished":
        _draw_untold(result, screen)
    if result.outcome == "finished" and not result.dry_run:
        screen.draw_next(_suggest_next(result))


def _draw_untold(result: RunResult, screen: TextScreen) -> None:
    """How a run is told what it knows nothing of."""
    ways: list[str] = []
    if not result.params and not result.secrets:
        ways.append("no params (--params FILE or --param K=V)")
    if not result.metrics and not result.points:
        ways.append("no metrics (--metrics FILE, or lines of JSON to $MLVER_CURVES)")
    if ways:
        screen.draw_line((f"  it was told {' and '.join(ways)}", "dim"), hang=2)


def _suggest_next(result: RunResult) -> str:
    """The command that registers a run, or has the next one record the weights that it writes."""
    if result.weights is None:
        train = shell_command("mlver", "run", result.model, "--weights", "PATH", "--")
        return f"{train} {result.command or 'COMMAND'}"
    options = ["--bump", "minor"] if result.has_versions else []
    words = ["mlver", "register", result.model, "--run", result.run[-6:], *options]
    return shell_command(*words, "-m", "WHY")


def _format_took(duration: float | None) -> Part:
    return "" if duration is None else (f"  ({format_duration(duration)})", "dim")


def _draw_given(result: RunResult, screen: TextScreen) -> None:
    """What it was a part of, and how much of what it was told and logged is recorded."""
    facts: list[str] = []
    if result.pipeline is not None:
        step = "" if result.step is None else f", step {result.step}"
        facts.append(f"pipeline {result.pipeline}{step}")
    if result.batch is not None:
        facts.append(f"batch {result.batch}")
    facts.append(format_count(result.params, "param"))
    if result.secrets:
        facts.append(f"{len(result.secrets)} secret")
    facts.append(format_count(len(result.data), "data set"))
    if result.points:
        facts.append(f"curves of {format_count(result.points, 'step')}")
    if result.dirty:
        size = result.diff
        kept = "not recorded" if size is None else f"recorded ({format_size(size)})"
        facts.append(f"uncommitted changes {kept}")
    screen.draw_line(("  " + ", ".join(facts), "dim"), hang=2)


# -- runs


def draw_removed_runs(result: RemovedRunsResult, screen: TextScreen) -> None:
    verb = "Would remove" if result.dry_run else "Removed"
    for run in result.runs:
        where = "" if result.remote is None else f", not at {result.remote}"
        if run in result.there:
            where = f" and at {result.remote}"
        screen.draw_line((verb, "bold"), " ", (run, "name"), f" here{where}", hang=2)


def draw_runs(result: RunsResult, screen: TextScreen) -> None:
    if not result.runs:
        screen.draw_line("no run matches" if result.total else "no run is recorded here yet")
        if not result.total:
            screen.draw_next("mlver run MODEL -- python train.py")
    has_models = len({run.model for run in result.runs}) > 1
    metrics = list_metrics(result)[:_METRICS_SHOWN]
    best = _find_best(result, metrics)
    rows: list[list[Cell]] = []
    for run in result.runs:
        cells: list[Cell] = [(run.run, "name")]
        cells += [run.model] if has_models else []
        cells += [format_age(run.created, result.read), _format_outcome(run)]
        cells.append(format_duration(run.duration))
        for metric in metrics:
            cells.append(_format_metric(run, metric, is_best=best.get(metric) == run.run))
        cells.append(_describe_run(run))
        rows.append(cells)
    headers = ["run", *(["model"] if has_models else []), "began", "ended", "took", *metrics, ""]
    first_number = 3 + has_models
    right = range(first_number, first_number + 1 + len(metrics))
    screen.draw_table(rows, headers=headers, right=right, fold=len(headers) - 1, cut=True)
    if result.matching > len(result.runs):
        screen.draw_unbroken((f"{result.matching - len(result.runs):,} more (--all)", "dim"))
    draw_run_faults(result.faults, screen)


def draw_run_faults(faults: Sequence[str], screen: TextScreen) -> None:
    for fault in faults:
        screen.draw_line(("unreadable: ", "bad"), shorten_digests(take_first_line(fault)), hang=2)
    if faults:
        draw_hints((shell_command("git", "for-each-ref", "refs/mlver/runs"),), screen)


def list_metrics(result: RunsResult) -> list[str]:
    """The metrics of the runs, those with a direction first."""
    known: dict[str, None] = {}
    for run in result.runs:
        known.update(dict.fromkeys(run.metrics))
    return sorted(known, key=lambda metric: metric not in result.directions)


def _find_best(result: RunsResult, metrics: Sequence[str]) -> dict[str, str]:
    """The run with the best value of each metric that says which way is better."""
    best: dict[str, str] = {}
    for metric in metrics:
        direction = result.directions.get(metric)
        values = {run.run: run.metrics[metric] for run in result.runs if metric in run.metrics}
        if direction is not None and len(set(values.values())) > 1:
            choose = max if direction == "higher" else min
            best[metric] = choose(values, key=values.__getitem__)
    return best


def _format_outcome(run: ListedRun) -> Cell:
    text: str = run.outcome
    if run.outcome == "failed" and run.exit_code is not None:
        text = f"failed ({run.exit_code})"
    return (text, OUTCOME_STYLES[run.outcome])


def _format_metric(run: ListedRun, metric: str, *, is_best: bool) -> Cell:
    value = run.metrics.get(metric)
    text = "" if value is None else format_number(value)
    return [text, (" *", "good")] if is_best else text


def _describe_run(run: ListedRun) -> Cell:
    """What came of it, what it was a part of, and why it was made."""
    parts: list[Part] = []
    if run.versions:
        parts.append((f"{', '.join(run.versions)}  ", "good"))
    if run.pipeline is not None:
        step = "" if run.step is None else f"/{run.step}"
        parts.append((f"{run.pipeline}{step}  ", "dim"))
    if run.batch is not None:
        parts.append((f"batch {run.batch}  ", "dim"))
    if run.dirty:
        parts.append(("uncommitted  ", "warn"))
    return [*parts, take_first_line(run.message)]


def draw_runs_csv(result: RunsResult, screen: TextScreen) -> None:
    """Comma-separated values (RFC 4180), a row a run: numbers exact, every metric and param."""
    metrics = list_metrics(result)
    params = list(dict.fromkeys(name for run in result.runs for name in run.params))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = [*(f"metrics.{name}" for name in metrics), *(f"params.{name}" for name in params)]
    writer.writerow([*_COLUMNS, *map(format_csv_cell, named)])
    for run in result.runs:
        values = [run.metrics.get(name) for name in metrics]
        values += [run.params.get(name) for name in params]
        facts = [getattr(run, column) for column in _COLUMNS]
        writer.writerow(list(map(format_csv_cell, [*facts, *values])))
    screen.write_page(text.getvalue())
