"""What results are drawn on: lines and tables of styled text, as wide as the terminal, plain where there is none.

Nothing is cut unless a table is told to. Where nobody looks (a pipe, a file) nothing is wrapped either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, TextIO, TypeAlias

from mlver.terminal.sanitise import printable_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Style = Literal["plain", "bold", "dim", "good", "bad", "warn", "name"]
Part: TypeAlias = "str | tuple[str, Style]"
Cell: TypeAlias = "Part | list[Part]"

_STYLES: dict[Style, str] = {
    "plain": "",
    "bold": "bold",
    "dim": "dim",
    "good": "green",
    "bad": "red",
    "warn": "yellow",
    "name": "bold cyan",
}
# Variables that make rich draw for a terminal where there is none.
_ASKED = frozenset(("FORCE_COLOR", "TTY_COMPATIBLE"))
_UNBOUNDED = 100_000
_GAP = 2
# A folding column that has less room than this is moved to lines of its own.
_ROOM = 24
_DEEPEST = 20


class TextScreen:
    """Draws on `stream`. Every string is sanitised here and nowhere else; rich's markup is never interpreted."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._console: Console | None = None
        # No console need be asked for colours where nobody looks, and nobody asked for them all the same.
        self._is_plain = not self._stream.isatty() and not _ASKED.intersection(os.environ)

    @property
    def rich_console(self) -> Console:
        if self._console is None:
            from rich.console import Console

            self._console = Console(
                file=self._stream, highlight=False, markup=False, emoji=False, soft_wrap=False
            )
        return self._console

    @property
    def width(self) -> int:
        """In columns; without bound where nobody looks, even if colour is asked for there (FORCE_COLOR).

        A forge's job reads what is printed for commands to it, and a line that is broken begins with another's text.
        """
        return self.rich_console.width if self._stream.isatty() else _UNBOUNDED

    def draw_line(self, *parts: Part, hang: int = 0) -> None:
        """One line of text; what the terminal has no room for goes on below it, indented as it is and `hang` more."""
        text = _build_text(parts)
        indent = len(text.plain) - len(text.plain.lstrip(" "))
        self._draw_wrapped(text[indent:], indent, indent + hang)

    def draw_unbroken(self, *parts: Part) -> None:
        """One line that is never broken, as it holds a command to be copied."""
        self._print_text(_build_text(parts))

    def draw_table(
        self,
        rows: Iterable[Sequence[Cell]],
        *,
        headers: Sequence[str] = (),
        right: Iterable[int] = (),
        indent: int = 0,
        fold: int | None = None,
        cut: bool = False,
    ) -> None:
        """Rows in aligned columns, those in `right` to the right.

        Column `fold` gives way when it gets narrow: it is wrapped (or `cut` to one line), or put below its row.
        """
        drawn = [
            [_build_text(cell if isinstance(cell, list) else [cell]) for cell in row]
            for row in rows
        ]
        if not drawn:
            return
        if headers:
            drawn.insert(0, [_build_text([(header, "dim")]) for header in headers])
        widths = [
            max(row[at].cell_len for row in drawn if at < len(row))
            for at in range(max(map(len, drawn)))
        ]
        layout = _ColumnLayout(widths, frozenset(right), indent)
        if fold is None:
            for row in drawn:
                self._print_text(layout.join_row(row))
            return
        room = self.width - indent - sum(widths) + widths[fold] - _GAP * (len(widths) - 1)
        if room < min(widths[fold], _ROOM):
            if headers:
                drawn[0][fold] = _build_text([])
            self._draw_stacked(drawn, layout, fold)
        else:
            layout.widths[fold] = min(widths[fold], room)
            self._draw_folded(drawn, layout, fold, cut=cut)

    def draw_blank_line(self) -> None:
        self._stream.write("\n")

    def write_raw(self, text: str) -> None:
        """Text for a machine, exactly as it is."""
        self._stream.write(text)

    def _draw_folded(
        self, rows: Sequence[list[Text]], layout: _ColumnLayout, fold: int, *, cut: bool
    ) -> None:
        for row in rows:
            if fold >= len(row):
                self._print_text(layout.join_row(row))
                continue
            wrapped = (
                _truncate_text(row[fold], layout.widths[fold])
                if cut
                else self._wrap_text(row[fold], layout.widths[fold])
            )
            for at, piece in enumerate(wrapped):
                rest = row if at == 0 else [_build_text([])] * len(row)
                self._print_text(layout.join_row([*rest[:fold], piece, *rest[fold + 1 :]]))

    def _draw_stacked(self, rows: Sequence[list[Text]], layout: _ColumnLayout, fold: int) -> None:
        """The folding column below its row."""
        below = layout.indent + min(layout.widths[0] + _GAP if fold else 2, _DEEPEST)
        kept = layout.without_column(fold)
        for row in rows:
            self._print_text(kept.join_row([*row[:fold], *row[fold + 1 :]]))
            if fold < len(row) and row[fold]:
                self._draw_wrapped(row[fold], below, below)

    def _draw_wrapped(self, text: Text, first: int, others: int) -> None:
        head, *rest = self._wrap_text(text, self.width - first)
        if rest and others > first:
            done = len(head.plain)
            done += len(text.plain[done:]) - len(text.plain[done:].lstrip(" "))
            rest = self._wrap_text(text[done:], self.width - others)
        head.pad_left(first)
        self._print_text(head)
        for piece in rest:
            piece.pad_left(others)
            self._print_text(piece)

    def _wrap_text(self, text: Text, width: int) -> list[Text]:
        # one long word, such as a path, is left to the terminal: it can then be copied whole
        if text.cell_len <= width or " " not in text.plain:
            return [text]
        return list(text.wrap(self.rich_console, max(width, _ROOM), overflow="fold"))

    def _print_text(self, text: Text) -> None:
        text.rstrip()
        if self._is_plain or not self.rich_console.is_terminal:
            self._stream.write(f"{text.plain}\n")
        else:
            self.rich_console.print(text, soft_wrap=True)


class _ColumnLayout:
    """Columns side by side."""

    def __init__(self, widths: list[int], right: frozenset[int], indent: int) -> None:
        self.widths, self.right, self.indent = widths, right, indent

    def without_column(self, column: int) -> _ColumnLayout:
        right = frozenset(at - (at > column) for at in self.right if at != column)
        return _ColumnLayout(self.widths[:column] + self.widths[column + 1 :], right, self.indent)

    def join_row(self, row: Sequence[Text]) -> Text:
        line = _build_text([" " * self.indent])
        for text in self._pad_cells(row):
            line.append_text(text)
        return line

    def _pad_cells(self, row: Sequence[Text]) -> Iterator[Text]:
        for at, (text, width) in enumerate(zip(row, self.widths, strict=False)):
            blank = " " * (width - text.cell_len)
            gap = " " * (_GAP if at else 0)
            yield (
                _build_text([gap + blank]) + text
                if at in self.right
                else _build_text([gap]) + text + _build_text([blank])
            )


def measure_width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    from rich.cells import cell_len

    return cell_len(printable_name(text))


def _truncate_text(text: Text, width: int) -> list[Text]:
    text.truncate(width, overflow="ellipsis")
    return [text]


def _build_text(parts: Iterable[Part]) -> Text:
    from rich.text import Text

    text = Text()
    for part in parts:
        if isinstance(part, str):
            text.append(printable_name(part))
        else:
            text.append(printable_name(part[0]), _STYLES[part[1]])
    return text
