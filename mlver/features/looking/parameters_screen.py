"""What `mlver log --params` prints."""

from __future__ import annotations

from mlver.features.looking.parameters import ParamChange, ParamsResult, ParamStep, UsedData
from mlver.records.sections.encrypt import SECRET
from mlver.terminal.links import draw_faults
from mlver.terminal.screen import Cell, Part, TextScreen
from mlver.terminal.words import (
    distinguish_values,
    format_count,
    format_exact,
    format_time,
    shorten_digest,
)


def draw_parameters(result: ParamsResult, screen: TextScreen) -> None:
    if not result.steps and not result.faults:
        screen.draw_line(f"no version of {result.model} was registered in that time")
    for index, step in enumerate(result.steps):
        if index:
            screen.draw_blank_line()
        _draw_step(result.model, step, screen)
    draw_faults(result.faults, screen)
    older_count = result.total - len(result.steps)
    if older_count:
        count = format_count(older_count, "older version")
        screen.draw_line((f"{count}: add --limit {result.total}", "dim"))


def _draw_step(model: str, step: ParamStep, screen: TextScreen) -> None:
    since = "the first" if step.before is None else f"after {step.before}"
    if step.parent is not None:
        since += f", trained from {step.parent}"
    parts: list[Part] = [
        (f"{model} {step.version}", "name"),
        (f"  {format_time(step.created)} UTC  ", "dim"),
        step.author,
    ]
    if step.unconfirmed:
        parts.append((" (unconfirmed)", "warn"))
    screen.draw_line(*parts, (f"  {since}, {step.update}", "dim"), hang=2)
    screen.draw_line(f"  {' '.join(step.message.split())}", hang=2)
    rows = [_list_cells(change) for change in step.changes]
    screen.draw_table(rows, indent=4, fold=1)
    if not step.changes and step.before is not None:
        screen.draw_line("    no parameter changed")
    elif step.unchanged:
        screen.draw_line((f"    {step.unchanged:,} unchanged", "dim"))
    for data in step.data:
        _draw_data(step, data, screen)
    for name in step.dropped:
        screen.draw_line("    data ", (name, "name"), ("  no longer used", "warn"))


def _list_cells(change: ParamChange) -> list[Cell]:
    if change.secret and change.change == "changed":
        # One of the two was, or is, in plain text: the story does not end with that.
        values = [change.old, change.new]
        shown = [SECRET if value is None else format_exact(value) for value in values]
        return [(change.name, "bold"), " → ".join(shown)]
    if change.secret:
        return [(change.name, "bold"), (f"secret, {change.change}", "dim")]
    if change.change == "added":
        return [(change.name, "bold"), f"(none) → {format_exact(change.new)}"]
    if change.change == "removed":
        return [(change.name, "bold"), f"{format_exact(change.old)} → (none)"]
    old, new = distinguish_values(change.old, change.new)
    return [(change.name, "bold"), f"{old} → {new}"]


def _draw_data(step: ParamStep, data: UsedData, screen: TextScreen) -> None:
    state: Part = ""
    if step.before is not None:
        state = ("  other data than before", "warn") if data.changed else ("  as before", "dim")
    place = "" if data.path is None else f"  {data.path}"
    screen.draw_line(
        "    data ", (data.name, "name"), f"  {shorten_digest(data.digest)}{place}", state, hang=2
    )
