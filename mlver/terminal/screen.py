"""What results are drawn on: lines and tables of styled text, as wide as the terminal.

Nothing is cut short unless a table is asked to. In a pipe or a file the text is plain, and nothing
is wrapped either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO, TypeAlias, cast

from mlver.terminal.plain_text import PlainText
from mlver.terminal.preferences import find_preferences, forces_color, wants_color
from mlver.terminal.sanitise import (
    escape_mark,
    find_command_marks,
    hide_commands,
    printable_name,
)

# Imported where something is drawn: `list --json` and the hooks draw nothing, and rich would take
# half of their time. Its console, which knows about colours, is needed on a terminal only.
if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Style = Literal["plain", "bold", "dim", "good", "bad", "warn", "name"]
Part: TypeAlias = "str | tuple[str, Style]"
ColorSystem = Literal["auto", "standard"]
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
# Of gates and of verdicts.
ANSWER_STYLES: Mapping[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}
# What our own screens have beyond ASCII, for what shows nothing else.
_ASCII = str.maketrans(
    {"→": "->", "…": "~", "−": "-", "–": "-", "—": "-", "│": "|", "×": "x"}
    | {"├": "|", "└": "`", "─": "-"}
)
_UNBOUNDED = 100_000
_GAP = 2
# A folding column that has less room than this is moved to lines of its own.
_ROOM = 24
# A text that is cut to one line needs less of it.
_CUT_ROOM = 12
_DEEPEST = 20


class _TextBuilder(NamedTuple):
    """Makes texts for one stream: whether it shows ASCII only, and whether it has no styles."""

    is_ascii: bool
    is_plain: bool

    def build_text(self, parts: Iterable[Part], *, keep_letters: bool = False) -> Text:
        text = self._begin_text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else (part[0], _STYLES[part[1]])
            shown = printable_name(words)
            if self.is_ascii and not keep_letters:
                shown = shown.translate(_ASCII)
            text.append(shown, style)
        return text

    def build_row(self, cells: Sequence[Cell]) -> list[Text]:
        texts: list[Text] = []
        for cell in cells:
            parts = cell if isinstance(cell, list) else [cell]
            texts.append(self.build_text(parts))
        return texts

    def cut_text(self, text: Text, width: int) -> Text:
        """A text on one line of so many columns, with a mark where something is left out."""
        if not self.is_ascii:
            text.truncate(width, overflow="ellipsis")
        elif text.cell_len > width:
            text.truncate(width - 1, overflow="crop")
            text.append("~")
        return text

    def _begin_text(self) -> Text:
        if self.is_plain:
            # It does what is asked of it here, and needs no import of rich.
            return cast("Text", PlainText())
        from rich.text import Text

        return Text()


class TextScreen:
    """Draws on `stream`.

    Every string is sanitised here and nowhere else; rich's markup is never interpreted.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._console: Console | None = None
        self.is_quiet = find_preferences().quiet
        self._is_plain = not wants_color(self._stream)
        self._is_ascii = shows_ascii_only(self._stream)
        self._builder = _TextBuilder(self._is_ascii, self._is_plain)

    @property
    def rich_console(self) -> Console:
        if self._console is None:
            from rich.console import Console

            colors: ColorSystem | None = None
            if not self._is_plain:
                # The styles need no more than the colours that every terminal has.
                colors = "standard" if forces_color() else "auto"
            self._console = Console(
                file=self._stream,
                force_terminal=True if forces_color() else None,
                color_system=colors,
                no_color=self._is_plain,
                highlight=False,
                markup=False,
                emoji=False,
                soft_wrap=False,
            )
        return self._console

    @property
    def width(self) -> int:
        """In columns; without limit on what is no terminal, even if colours are forced there."""
        # A forge reads the log of a job for commands, which start at the beginning of a line: a
        # line that is wrapped would begin with text that others wrote.
        return self.rich_console.width if self._stream.isatty() else _UNBOUNDED

    def bounded_width(self, usual: int) -> int:
        """In columns; `usual` of them on what is no terminal, for what has to end somewhere."""
        return usual if self.width == _UNBOUNDED else self.width

    @property
    def has_braille(self) -> bool:
        """Whether dots of braille can be drawn: only where the characters can be, and a terminal
        says what it is.
        """
        is_dumb = self._stream.isatty() and os.environ.get("TERM", "") in ("dumb", "unknown")
        return not is_dumb and not self._is_ascii

    def draw_line(self, *parts: Part, hang: int = 0) -> None:
        """One line of text.

        The part that the terminal has no room for goes below it, indented by `hang` more.
        """
        text = self._builder.build_text(parts)
        indent = len(text.plain) - len(text.plain.lstrip(" "))
        self._draw_wrapped(text[indent:], indent, indent + hang)

    def draw_behind(self, first: Part, others: Part, *parts: Part) -> None:
        """A text behind a lead; `others` is the lead of the lines that it is wrapped to."""
        leads = [self._builder.build_text([lead]) for lead in (first, others)]
        room = self.width - max(lead.cell_len for lead in leads)
        for number, line in enumerate(self._wrap_text(self._builder.build_text(parts), room)):
            lead = self._builder.build_text([others if number else first])
            self._print_text(lead.append_text(line))

    def draw_unbroken(self, *parts: Part) -> None:
        """One line that is never broken, because it holds a command to be copied.

        For the same reason it keeps all of its letters.
        """
        self._print_text(self._builder.build_text(parts, keep_letters=True))

    def draw_next(self, command: str, *remarks: Part) -> None:
        """The command that comes next; whoever wants it quiet knows."""
        if not self.is_quiet:
            self.draw_unbroken(("next: ", "dim"), command, *remarks)

    def draw_note(self, text: str) -> None:
        """A remark beside the result; not where it has to be quiet."""
        if not self.is_quiet:
            self.draw_line(("note: ", "warn"), text)

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

        Column `fold` gives way where the terminal is narrow: it is wrapped (or `cut` to one line),
        or put below its row.
        """
        drawn_rows = [self._builder.build_row(row) for row in rows]
        if not drawn_rows:
            return
        if headers:
            drawn_rows.insert(0, self._builder.build_row([(header, "dim") for header in headers]))
        widths = _measure_columns(drawn_rows)
        layout = _ColumnLayout(widths, frozenset(right), indent, self._builder)
        if fold is None:
            for row in drawn_rows:
                self._print_text(layout.join_row(row))
            return
        room_left = self.width - indent - sum(widths) + widths[fold] - _GAP * (len(widths) - 1)
        if room_left < min(widths[fold], _CUT_ROOM if cut else _ROOM):
            # A heading on a line of its own would look like a row.
            if headers:
                drawn_rows[0][fold] = self._builder.build_text([])
            self._draw_stacked(drawn_rows, layout, fold)
        else:
            layout.widths[fold] = min(widths[fold], room_left)
            self._draw_folded(drawn_rows, layout, fold, cut=cut)

    def measure_width(self, text: str) -> int:
        """How many columns a text takes as it is drawn here."""
        return self._builder.build_text([text]).cell_len

    def measure_columns(self, rows: Iterable[Sequence[Cell]]) -> list[int]:
        """How wide each column of a table is as it is drawn here."""
        return _measure_columns(list(map(self._builder.build_row, rows)))

    def draw_blank_line(self) -> None:
        self._stream.write("\n")

    def write_raw(self, text: str) -> None:
        """Text for a program, exactly as it is."""
        self._stream.write(text)

    def write_page(self, text: str) -> None:
        """Whole lines for people that another program lays out, such as Markdown."""
        self._stream.write(hide_commands(text))

    def _draw_folded(
        self, rows: Sequence[list[Text]], layout: _ColumnLayout, fold: int, *, cut: bool
    ) -> None:
        width = layout.widths[fold]
        for row in rows:
            if fold >= len(row):
                self._print_text(layout.join_row(row))
                continue
            pieces = (
                [self._builder.cut_text(row[fold], width)]
                if cut
                else self._wrap_text(row[fold], width)
            )
            # The other columns stand beside the first piece only.
            others = row
            for piece in pieces:
                self._print_text(layout.join_row([*others[:fold], piece, *others[fold + 1 :]]))
                others = [self._builder.build_text([])] * len(row)

    def _draw_stacked(self, rows: Sequence[list[Text]], layout: _ColumnLayout, fold: int) -> None:
        """The folding column below its row."""
        depth = layout.widths[0] + _GAP if fold else 2
        indent = layout.indent + min(depth, _DEEPEST)
        other_columns = layout.without_column(fold)
        for row in rows:
            self._print_text(other_columns.join_row([*row[:fold], *row[fold + 1 :]]))
            if fold < len(row) and row[fold]:
                self._draw_wrapped(row[fold], indent, indent)

    def _draw_wrapped(self, text: Text, first: int, others: int) -> None:
        """Wrap a text; `first` and `others` are the indents of its first and its other lines."""
        first_line, *other_lines = self._wrap_text(text, self.width - first)
        if other_lines and others > first:
            # The other lines are narrower than those that `wrap` had in mind.
            remaining_text = text[len(first_line.plain) :]
            blanks = len(remaining_text.plain) - len(remaining_text.plain.lstrip(" "))
            other_lines = self._wrap_text(remaining_text[blanks:], self.width - others)
        first_line.pad_left(first)
        self._print_text(first_line)
        for line in other_lines:
            line.pad_left(others)
            self._print_text(line)

    def _wrap_text(self, text: Text, width: int) -> list[Text]:
        # One long word, such as a path, is left to the terminal: then it can be copied whole.
        # No letter takes more than two columns: to measure each costs an import.
        if 2 * len(text) <= width or text.cell_len <= width or " " not in text.plain:
            return [text]
        return list(text.wrap(self.rich_console, max(width, _ROOM), overflow="fold"))

    def _print_text(self, text: Text) -> None:
        # A cell at the end of a row may be empty, or padded as wide as its column.
        text.rstrip()
        # Only here is it known what a line begins with: parts and cells before a text may be empty.
        text = _hide_commands(text)
        if self._is_plain:
            self._stream.write(f"{text.plain}\n")
        else:
            self.rich_console.print(text, soft_wrap=True)


class _ColumnLayout:
    """Columns side by side."""

    def __init__(
        self, widths: list[int], right: frozenset[int], indent: int, builder: _TextBuilder
    ) -> None:
        self._builder = builder
        self.widths = widths
        self.right = right
        self.indent = indent

    def without_column(self, column: int) -> _ColumnLayout:
        widths = self.widths[:column] + self.widths[column + 1 :]
        right_columns = set()
        for position in self.right:
            if position < column:
                right_columns.add(position)
            elif position > column:
                right_columns.add(position - 1)
        return _ColumnLayout(widths, frozenset(right_columns), self.indent, self._builder)

    def join_row(self, row: Sequence[Text]) -> Text:
        joined_line = self._builder.build_text([" " * self.indent])
        blanks = ""
        for column, text in enumerate(row):
            padding = " " * (self.widths[column] - text.cell_len)
            if column in self.right:
                blanks, padding = blanks + padding, ""
            if blanks:
                joined_line.append(blanks)
            joined_line.append_text(text)
            blanks = padding + " " * _GAP
        return joined_line


def shows_ascii_only(stream: TextIO) -> bool:
    """Whether what reads a stream shows ASCII at best, by its encoding or by the person's locale.

    Python writes UTF-8 in the locale C as well, whatever the terminal makes of it (PEP 540).
    """
    # What is no real file, such as a buffer of a program, takes any character.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if not encoding.lower().replace("_", "-").startswith(("utf-8", "utf8", "utf-16")):
        return True
    for variable in ("LC_ALL", "LC_CTYPE", "LANG"):
        if locale := os.environ.get(variable):
            return locale in ("C", "POSIX")
    return False


def measure_width(text: str) -> int:
    """How many columns of a terminal a text takes that is drawn as it is, without ASCII for it."""
    return PlainText(printable_name(text)).cell_len


def _measure_columns(rows: Sequence[list[Text]]) -> list[int]:
    """The width of each column; a row may be shorter than the others."""
    widths: list[int] = []
    for row in rows:
        widths += [0] * (len(row) - len(widths))
        for column, text in enumerate(row):
            widths[column] = max(widths[column], text.cell_len)
    return widths


def _hide_commands(text: Text) -> Text:
    """Write a line so that it holds no command of a runner; what is left keeps its style."""
    shown = text
    # From the end, so that the positions before it stay.
    for position in reversed(list(find_command_marks(text.plain))):
        escaped = escape_mark(text.plain[position])
        shown = shown[:position].append(escaped).append_text(shown[position + 1 :])
    return shown
