"""What `mlver stages` prints."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.features.looking.stages import StageHolder, StagesResult
from mlver.terminal.links import draw_empty_registry, draw_faults
from mlver.terminal.screen import ANSWER_STYLES, Cell, Part, TextScreen, measure_width
from mlver.terminal.shares import format_share
from mlver.terminal.words import format_age, format_author, take_first_line

_HEADERS = ("model", "stage", "version", "since", "by")
_GAP = 2
# Why it was promoted is shown where there is so much room for it.
_MESSAGE_WIDTH = 24


def draw_stages(result: StagesResult, screen: TextScreen) -> None:
    if not result.models:
        draw_empty_registry(screen)
    elif not result.stages and not result.faults:
        screen.draw_line("no version holds a stage yet")
        screen.draw_next("mlver promote REF --to STAGE -m WHY")
    rows: list[list[Cell]] = []
    model = None
    for held in result.stages:
        rows.append(_format_row(held, result.read, is_first=held.model != model))
        model = held.model
    if not rows:
        draw_faults(result.faults, screen)
        return
    headers = list(_HEADERS)
    widths = [max(_measure_cells(rows, place), len(name)) for place, name in enumerate(headers)]
    has_message = screen.width >= sum(widths) + _GAP * len(widths) + _MESSAGE_WIDTH
    if has_message:
        headers.append("message")
        for row, held in zip(rows, result.stages, strict=True):
            row.append(take_first_line(held.message or ""))
    # A long message would spread one stage over many lines; `log` has all of it.
    fold = len(headers) - 1
    screen.draw_table(rows, headers=headers, right=(3,), fold=fold, cut=has_message)
    draw_faults(result.faults, screen)


def _format_row(held: StageHolder, now: str, *, is_first: bool) -> list[Cell]:
    version: list[Part] = [("(empty)", "dim")]
    if held.version is not None:
        version = [(held.version, "good")]
    if held.seal == "unsealed":
        version.append((" unsealed", "warn"))
    if held.retired is not None:
        version.append((" retired", "bad"))
    if held.verdict is not None:
        version.append((f" {held.verdict}", ANSWER_STYLES[held.verdict]))
    if held.rollout is not None:
        version.append((f" + {format_share(held.rollout)}", "warn"))
    author: list[Part] = [format_author(held.author or "")]
    if held.unconfirmed:
        author.append((" (unconfirmed)", "warn"))
    # One name for all of its stages: models are told apart at a glance.
    name: Cell = (held.model, "name") if is_first else ""
    age = format_age(held.since, now) if held.since is not None else ""
    return [name, held.stage, version, (age, "dim"), author]


def _measure_cells(rows: Sequence[Sequence[Cell]], place: int) -> int:
    widest = 0
    for row in rows:
        cell = row[place]
        parts = cell if isinstance(cell, list) else [cell]
        text = "".join(part if isinstance(part, str) else part[0] for part in parts)
        widest = max(widest, measure_width(text))
    return widest
