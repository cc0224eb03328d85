"""The list as a table of chosen columns: in the terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

from mlver.features.looking.list import ListedModel, ListedVersion, ListResult
from mlver.features.looking.list_screen import draw_list_heading, draw_list_remarks, list_metrics
from mlver.terminal.cells import format_csv_cell
from mlver.terminal.markdown import format_table, quote_code
from mlver.terminal.screen import Cell, TextScreen
from mlver.terminal.words import format_number, take_first_line

_USUAL = ("version", "stage")
_BEHIND = ("created", "author", "message")
_RETIRED = "retired"


def choose_table(*, as_csv: bool, as_markdown: bool) -> Callable[[ListResult, TextScreen], None]:
    """The drawing that was asked for; without any, columns in the terminal."""
    if as_csv:
        return draw_list_csv
    return draw_list_markdown if as_markdown else draw_list_columns


def draw_list_columns(result: ListResult, screen: TextScreen) -> None:
    """The columns that were asked for, each as wide as its values."""
    for index, model in enumerate(result.models):
        if index:
            screen.draw_blank_line()
        if not draw_list_heading(model, screen):
            continue
        names = list(model.versions[0].values)
        rows: list[list[Cell]] = []
        for version in model.versions:
            rows.append([_format_cell(version, name) for name in names])
        headers = [_shorten_name(name) for name in names]
        right = [place for place, name in enumerate(names) if _is_numeric(model, name)]
        screen.draw_table(rows, headers=headers, right=right, indent=2, fold=len(names) - 1)
        draw_list_remarks(model, screen)


def draw_list_csv(result: ListResult, screen: TextScreen) -> None:
    """Comma-separated values with the model first (RFC 4180): numbers exact, messages whole."""
    names = _list_columns(result)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", *(format_csv_cell(_shorten_name(name)) for name in names)])
    for model, version in _list_rows(result):
        cells = [format_csv_cell(_read_cell(model, version, name)) for name in names]
        writer.writerow([model.model, *cells])
    screen.write_page(text.getvalue())


def draw_list_markdown(result: ListResult, screen: TextScreen) -> None:
    """One table with a row for each version, for a README or a comment."""
    names = _list_columns(result)
    # People need no column that is empty; a program wants the same ones each time.
    if not any(version.retired for _, version in _list_rows(result)):
        names = [name for name in names if name != _RETIRED or _asks_values(result)]
    has_models = len(result.models) != 1
    rows: list[list[str]] = []
    for model, version in _list_rows(result):
        cells = [_format_code(_read_cell(model, version, name)) for name in names]
        rows.append([quote_code(model.model), *cells] if has_models else cells)
    headers = ["model"] * has_models + [_shorten_name(name) for name in names]
    right: list[int] = []
    for place, name in enumerate(names):
        if all(_is_numeric(model, name) for model in result.models):
            right.append(place + has_models)
    screen.write_page(format_table(headers, rows, right, most=len(rows)) + "\n")


def _list_rows(result: ListResult) -> Iterator[tuple[ListedModel, ListedVersion]]:
    for model in result.models:
        for version in model.versions:
            yield model, version


def _list_columns(result: ListResult) -> list[str]:
    """The columns that were asked for; else what `list` shows, with every metric."""
    for _, version in _list_rows(result):
        if version.values:
            return list(version.values)
    metrics: dict[str, None] = {}
    for model in result.models:
        metrics.update(dict.fromkeys(list_metrics(model)))
    return [*_USUAL, *(f"metrics.{metric}" for metric in metrics), *_BEHIND, _RETIRED]


def _asks_values(result: ListResult) -> bool:
    return any(version.values for _, version in _list_rows(result))


def _read_cell(model: ListedModel, version: ListedVersion, name: str) -> Any:
    """A value that was asked for, or one of those that every listed version has."""
    if version.values:
        return version.values.get(name)
    usual = {
        "version": version.version,
        "stage": version.stages,
        "created": version.created,
        "author": version.author,
        "message": version.message,
        _RETIRED: version.retired,
    }
    return usual.get(name, version.all_metrics.get(name.removeprefix("metrics.")))


def _shorten_name(name: str) -> str:
    """A metric's name alone, as in the list itself."""
    return name.removeprefix("metrics.")


def _is_numeric(model: ListedModel, name: str) -> bool:
    values = [_read_cell(model, version, name) for version in model.versions]
    present = [value for value in values if value is not None]
    return bool(present) and all(type(value) in (int, float) for value in present)


def _format_cell(version: ListedVersion, name: str) -> Cell:
    text = _format_shown(version.values.get(name))
    if name == "version" and version.retired is not None:
        return [text, (" retired", "bad")]
    return text


def _format_shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    text = format_number(value)
    first_line = take_first_line(text)
    # What is not shown is said, so that different values do not look alike.
    return text if first_line == text else f"{first_line} …"


def _format_code(value: Any) -> str:
    if value is None or value == ():
        return ""
    if type(value) in (int, float):
        return format_number(value)
    return quote_code(_format_shown(value))
