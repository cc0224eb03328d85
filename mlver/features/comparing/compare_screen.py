"""What `mlver compare` prints: in the terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from mlver.errors import printable_name
from mlver.features.comparing.compare import ComparedRow, CompareResult
from mlver.features.comparing.screen import draw_direction_advice
from mlver.records.values import Value
from mlver.terminal.cells import format_csv_cell
from mlver.terminal.markdown import format_table, quote_code
from mlver.terminal.screen import Cell, Part, TextScreen, measure_width
from mlver.terminal.words import (
    format_count,
    format_exact,
    format_number,
    shorten_digest,
)

_GAP = 2
# A longer value is cut in the terminal: CSV, Markdown and JSON have it whole.
_WIDEST = 24
_INDENT = "  "


def choose_drawing(
    *, as_csv: bool, as_markdown: bool
) -> Callable[[CompareResult, TextScreen], None]:
    if as_csv:
        return draw_compare_csv
    return draw_compare_markdown if as_markdown else draw_compare


def draw_compare(result: CompareResult, screen: TextScreen) -> None:
    """One column a version; those for which a line has no room follow below."""
    models = {version.model for version in result.versions}
    if len(models) == 1:
        screen.draw_line((result.versions[0].model, "name"))
    for name, version in zip(_name_versions(result), result.versions, strict=True):
        if version.retired is not None:
            remark: Part = (f"{name} is retired", "bad")
            screen.draw_line("  ", remark, f": {version.retired}", hang=2)
    if not result.rows:
        numbers = ", ".join(_name_versions(result))
        screen.draw_line(f"  {numbers}: the same in every part")
        return
    place = 0
    while place < len(result.versions):
        if place:
            screen.draw_blank_line()
        count = _count_fitting(result, place, screen.width)
        _draw_block(result, range(place, place + count), screen)
        place += count
    _draw_advice(result, screen)
    if result.same:
        count_text = format_count(result.same, "more field is", "more fields are")
        screen.draw_line((f"  {count_text} the same", "dim"))


def _draw_advice(result: CompareResult, screen: TextScreen) -> None:
    """Say how a best value is marked, where no metric has a direction."""
    metrics = [row for row in result.rows if row.group == "metrics"]
    if not metrics or any(row.direction is not None for row in metrics):
        return
    draw_direction_advice(
        result.versions[0].model, metrics[0].field.removeprefix("metrics."), screen
    )


def _name_versions(result: CompareResult) -> list[str]:
    """The versions by number, where all are of one model."""
    if len({version.model for version in result.versions}) == 1:
        return [version.version for version in result.versions]
    return [f"{version.model}@{version.version}" for version in result.versions]


def _count_fitting(result: CompareResult, start: int, width: int) -> int:
    """How many versions from `start` on have room beside the names of the fields."""
    room_left = width - max(measure_width(_name_field(row)) for row in result.rows)
    names = _name_versions(result)
    count = 0
    for place in range(start, len(names)):
        cells = [names[place], *(_format_cell(row, place) for row in result.rows)]
        room_left -= _GAP + max(map(measure_width, cells))
        if room_left < 0 and count:
            break
        count += 1
    return count


def _draw_block(result: CompareResult, places: Sequence[int], screen: TextScreen) -> None:
    names = _name_versions(result)
    rows: list[list[Cell]] = []
    group = None
    for row in result.rows:
        if row.group != group:
            group = row.group
            rows.append([(group, "bold")])
        cells: list[Cell] = [_name_field(row)]
        for place in places:
            text = _format_cell(row, place)
            cells.append((text, "good") if place in row.best else text)
        rows.append(cells)
    headers = ["", *(names[place] for place in places)]
    screen.draw_table(rows, headers=headers, right=range(1, len(headers)))


def _name_field(row: ComparedRow) -> str:
    """The name of a field below the heading of its group."""
    return _INDENT + row.field.removeprefix(f"{row.group}.")


def _format_cell(row: ComparedRow, place: int) -> str:
    """A value, with a star where it is the best; the others leave room for one."""
    value = row.values[place]
    if value is None:
        return ""
    text = _format_value(row, value)
    if measure_width(text) > _WIDEST:
        text = f"{text[: _WIDEST - 1]}…"
    if not row.best:
        return text
    return f"{text}*" if place in row.best else f"{text} "


def _format_value(row: ComparedRow, value: Value) -> str:
    if row.field.endswith("digest"):
        # The name of the field says what it is; a filter of `list` takes it so, too.
        return shorten_digest(str(value)).removeprefix("sha256:")
    if row.field == "code.commit":
        return str(value)[:10]
    # Two versions that differ have to look different.
    shown = {format_number(other) for other in row.values if other is not None}
    present = {format_exact(other) for other in row.values if other is not None}
    text = format_number(value) if len(shown) == len(present) else format_exact(value)
    # On one line, and no two values alike.
    return printable_name(text)


def draw_compare_csv(result: CompareResult, screen: TextScreen) -> None:
    """Comma-separated values (RFC 4180), one row a field: numbers exact, texts whole."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["field", *(f"{side.model}@{side.version}" for side in result.versions)])
    for row in result.rows:
        writer.writerow([format_csv_cell(row.field), *map(format_csv_cell, row.values)])
    if any(side.retired for side in result.versions):
        writer.writerow(["retired", *(format_csv_cell(side.retired) for side in result.versions)])
    screen.write_page(text.getvalue())


def draw_compare_markdown(result: CompareResult, screen: TextScreen) -> None:
    """A table for a README or a comment; the best values are bold."""
    table_rows: list[list[str]] = []
    for row in result.rows:
        cells = [quote_code(row.field)]
        for place, value in enumerate(row.values):
            cells.append(_format_markdown(row, value, is_best=place in row.best))
        table_rows.append(cells)
    if any(side.retired for side in result.versions):
        reasons = [quote_code(side.retired) if side.retired else "" for side in result.versions]
        table_rows.append(["retired", *reasons])
    names = [quote_code(f"{side.model}@{side.version}") for side in result.versions]
    right = range(1, len(names) + 1)
    screen.write_page(format_table(["field", *names], table_rows, right, most=len(table_rows)))
    screen.write_page("\n")


def _format_markdown(row: ComparedRow, value: Value, *, is_best: bool) -> str:
    if value is None:
        return ""
    text = _format_value(row, value)
    if type(value) not in (int, float):
        return quote_code(text)
    return f"**{text}**" if is_best else text
