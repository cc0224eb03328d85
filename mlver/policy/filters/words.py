"""The words of a filter: names, values, operators and brackets, each with its place in the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlver.errors import UsageError, printable_name

LONGEST = 4096
_SHOWN_BEFORE = 48
_SHOWN_BEHIND = 24

WordKind = Literal["word", "operator", "mark"]

# The alternatives of a word differ in their first letter, so that a search takes linear time.
_WORD = re.compile(
    r"""(?P<word>(?:[^\s()<>=!~,"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+)"""
    r"""|(?P<operator>[<>!=]=|!~|[<>=~])|(?P<mark>[(),])""",
    re.DOTALL,
)
_PIECE = re.compile(
    r""""(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<plain>[^"']+)""", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FilterWord:
    """A word as it was typed, quotes included, and where it begins."""

    kind: WordKind
    text: str
    position: int

    @property
    def is_plain(self) -> bool:
        """Say whether nothing in it is quoted: only then may it be `and`, a number or a date."""
        return '"' not in self.text and "'" not in self.text

    def is_keyword(self, keyword: str) -> bool:
        return self.kind == "word" and self.text.lower() == keyword

    def read_value(self) -> str:
        """The text that it stands for, without its quotes."""
        return "".join(text for text, _ in _read_pieces(self.text))

    def read_segments(self) -> tuple[str, ...]:
        """The keys of a dotted name; a dot inside quotes belongs to its key."""
        segments = [""]
        for text, is_quoted in _read_pieces(self.text):
            first, *others = [text] if is_quoted else text.split(".")
            segments[-1] += first
            segments += others
        return tuple(segments)


class FilterError(UsageError):
    """A filter that cannot be read: the message shows the place with a caret."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        super().__init__(f"the filter cannot be read: {reason}\n{_point_at(text, position)}")


def read_words(text: str) -> Iterator[FilterWord]:
    """Yield the words of a filter; raise FilterError at a quote that nothing closes."""
    if len(text) > LONGEST:
        raise FilterError(text, LONGEST, f"it has more than {LONGEST:,} letters")
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _WORD.match(text, position)
        if match is None:
            reason = (
                "nothing closes this quote" if text[position] in "\"'" else "no operator is `!`"
            )
            raise FilterError(text, position, reason)
        yield FilterWord(_find_kind(match), match[0], position)
        position = match.end()


def _find_kind(match: re.Match[str]) -> WordKind:
    if match["word"] is not None:
        return "word"
    return "mark" if match["operator"] is None else "operator"


def _read_pieces(text: str) -> Iterator[tuple[str, bool]]:
    for piece in _PIECE.finditer(text):
        if piece["plain"] is not None:
            yield piece["plain"], False
        else:
            quoted = piece["double"] if piece["single"] is None else piece["single"]
            yield _ESCAPED.sub(r"\1", quoted), True


def _point_at(text: str, position: int) -> str:
    """Two lines: the text about a place in it, and a caret below that place."""
    start = max(0, position - _SHOWN_BEFORE)
    before = printable_name(text[start:position])
    if start:
        before = f"…{before}"
    behind = printable_name(text[position : position + _SHOWN_BEHIND])
    if position + _SHOWN_BEHIND < len(text):
        behind += "…"
    return f"  {before}{behind}\n  {' ' * _measure_width(before)}^"


def _measure_width(text: str) -> int:
    width = 0
    for letter in text:
        if unicodedata.combining(letter):
            continue
        width += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
    return width
