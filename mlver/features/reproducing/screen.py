"""What reproduce prints."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress

from mlver.project.reproducing.request import PartState, RecipePart, ReproduceResult
from mlver.project.reproducing.survey import Survey
from mlver.records.reproduction import DifferingInput
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_count, format_duration, shorten_digest

_STYLES: dict[PartState, Style] = {"present": "good", "weaker": "warn", "missing": "bad"}
_WORDS: dict[PartState, str] = {"present": "there", "weaker": "weak", "missing": "missing"}
_ANSWERS: dict[str, tuple[str, Style]] = {
    "identical": ("came out identical", "good"),
    "within": ("came out equal within the tolerance", "good"),
    "different": ("came out different", "bad"),
}


def show_survey(survey: Survey, screen: TextScreen) -> None:
    """Show beside the result what is there and what would run, before it does."""
    ref = f"{survey.record.model} {survey.record.version}"
    # What nobody can read stops no work; nobody agrees to it either.
    with suppress(OSError):
        screen.draw_line((ref, "name"), " is trained again from")
        _draw_parts(survey.parts, screen)
        screen.draw_unbroken(("command: ", "dim"), shlex.join(survey.words))


def draw_reproduce(result: ReproduceResult, screen: TextScreen) -> None:
    ref = f"{result.model} {result.version}"
    if result.answer is None:
        told = "can be trained again" if result.can_run else "cannot be trained again"
        screen.draw_line((ref, "name"), f" {told}")
        _draw_parts(result.parts, screen)
        if result.can_run:
            screen.draw_unbroken(("command: ", "dim"), shlex.join(result.command))
        return
    words, style = _ANSWERS[result.answer]
    screen.draw_line((ref, "name"), " ", (words, style))
    _draw_outcome(result, screen)
    _draw_inputs(result.inputs, screen)
    already = "" if result.commit is not None else " already"
    screen.draw_line((f"  recorded{already} as reproduction {result.sequence} of it", "dim"))


def _draw_parts(parts: Sequence[RecipePart], screen: TextScreen) -> None:
    rows: list[list[Cell]] = []
    for part in parts:
        rows.append([(_WORDS[part.state], _STYLES[part.state]), part.name, part.told])
    screen.draw_table(rows, indent=2, fold=2)


def _draw_outcome(result: ReproduceResult, screen: TextScreen) -> None:
    if result.weights is not None:
        duration = "" if result.duration is None else f"  in {format_duration(result.duration)}"
        screen.draw_line("  weights  ", (shorten_digest(result.weights), "dim"), duration)
    values = result.values
    if values is not None and values.largest is not None:
        told = f"largest difference {values.largest:.3g}"
        if values.relative is not None:
            told += f", relative {values.relative:.3g}"
        screen.draw_line(f"  numbers  {told}, of {format_count(values.tensors, 'tensor')}")
    for line in result.differing:
        screen.draw_line("  differs  ", line, hang=9)


def _draw_inputs(inputs: Sequence[DifferingInput], screen: TextScreen) -> None:
    if not inputs:
        return
    screen.draw_line(("what went in otherwise, or may have", "bold"))
    rows: list[list[Cell]] = []
    for item in inputs:
        recorded: Cell = ("not recorded", "dim") if item.recorded is None else item.recorded
        rows.append([item.name, recorded, item.found or "none"])
    screen.draw_table(rows, headers=["", "recorded", "now"], indent=2, fold=2)
