"""What evaluate prints."""

from __future__ import annotations

from mlver.project.evaluating.request import EvaluatedVersion, EvaluateResult
from mlver.records.values import flatten_values
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Part, TextScreen
from mlver.terminal.words import format_exact


def draw_evaluate(result: EvaluateResult, screen: TextScreen) -> None:
    for version in result.versions:
        _draw_version(result, version, screen)
    if result.measured:
        names = ", ".join(result.measured)
        screen.draw_line(f"measured on {result.on} already: {names}", hang=2)
    if result.retired:
        screen.draw_line(f"retired, and left out: {', '.join(result.retired)}", hang=2)
    if not (result.versions or result.measured):
        screen.draw_line(f"{result.model} has no version to evaluate; nothing changed")


def _draw_version(result: EvaluateResult, version: EvaluatedVersion, screen: TextScreen) -> None:
    name: Part = (f"{result.model} {version.version}", "name")
    if version.outcome == "planned":
        screen.draw_line(("Would evaluate", "bold"), " ", name, f" on {result.on}")
        screen.draw_line(f"  by {result.command}", hang=2)
    elif version.outcome == "failed":
        screen.draw_line(("Failed", "bad"), " ", name, f": {version.fault}", hang=2)
        draw_hints(version.hints, screen)
    else:
        about = f" on {result.on}  (evaluation {version.sequence})"
        screen.draw_line(("Evaluated", "bold"), " ", name, about)
        for metric, value in flatten_values(version.metrics).items():
            screen.draw_line(f"  {metric}  {format_exact(value)}", hang=2)
        if not version.untouched:
            screen.draw_line(("  the command changed the files it was given", "bad"), hang=2)
