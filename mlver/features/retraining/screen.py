"""What due prints."""

from __future__ import annotations

from mlver.policy.retraining import DueAnswer
from mlver.project.retraining.due import DueModel, DueResult
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.words import shorten_digests

_STYLES: dict[DueAnswer, Style] = {"due": "bad", "current": "good", "unknown": "warn"}
_HEADINGS: dict[DueAnswer, str] = {
    "due": "Due",
    "current": "Not due",
    "unknown": "Not due, as far as anybody can tell",
}


def draw_due(result: DueResult, screen: TextScreen) -> None:
    for model in result.models:
        _draw_model(model, screen)


def _draw_model(model: DueModel, screen: TextScreen) -> None:
    name = f"{model.model} {model.version or ''}".strip()
    heading: Part = (_HEADINGS[model.answer], _STYLES[model.answer])
    screen.draw_line(heading, ": ", (name, "name"), hang=2)
    rows: list[list[Cell]] = []
    for check in model.checks:
        answer: Part = (check.answer, _STYLES[check.answer])
        rows.append([answer, check.check, shorten_digests(check.says)])
    if rows:
        screen.draw_table(rows, indent=2, fold=2)
    else:
        screen.draw_line("  the settings ask for nothing to look at")
    if model.next is not None:
        draw_hints((model.next,), screen)
        return
    hints = [hint for check in model.checks for hint in check.hints]
    draw_hints(tuple(dict.fromkeys(hints)), screen, style="warn")
