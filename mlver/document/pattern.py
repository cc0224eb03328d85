"""JSON Schema's regular expressions (ECMA-262): trusted ones translated for `re`, others parsed for `automaton`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

MAX_LENGTH = 4000
MAX_NESTING = 50
MAX_REPEAT = 1000
_LAST = 0x10FFFF

_DOLLAR = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}")

Ranges = tuple[tuple[int, int], ...]


def translate(pattern: str) -> str:
    r"""The same expression for `re` with `re.ASCII`: `$` is the very end; Python's also stands before a newline."""
    return _DOLLAR.sub(lambda found: r"\Z" if found[0] == "$" else found[0], pattern)


class PatternRefused(ValueError):
    """The pattern is wrong, or says what only backtracking can match."""


def _outside(ranges: Iterable[tuple[int, int]]) -> Ranges:
    start, gaps = 0, []
    for low, high in sorted(ranges):
        if low > start:
            gaps.append((start, low - 1))
        start = max(start, high + 1)
    return (*gaps, (start, _LAST)) if start <= _LAST else tuple(gaps)


_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACES = "\t\r,  ,\xa0\xa0,\u1680\u1680,\u2000\u200a,\u2028\u2029,\u202f\u202f,\u205f\u205f,\u3000\u3000,\ufeff\ufeff"
_SPACE: Ranges = tuple((ord(pair[0]), ord(pair[1])) for pair in _SPACES.split(","))
_DOT = _outside(((10, 10), (13, 13), (0x2028, 0x2029)))
_CLASSES = {
    "d": _DIGIT,
    "w": _WORD,
    "s": _SPACE,
    "D": _outside(_DIGIT),
    "W": _outside(_WORD),
    "S": _outside(_SPACE),
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}


@dataclass(frozen=True, slots=True)
class One:
    """One character of these ranges."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Edge:
    """The start or the end of the text."""

    end: bool


@dataclass(frozen=True, slots=True)
class Every:
    """One after the other; none of none is the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of several."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`low` to `high` times; None is without limit."""

    part: Node
    low: int
    high: int | None


Node: TypeAlias = One | Edge | Every | Either | Repeat


def parse(pattern: str) -> Node:
    """The pattern as a tree; raise PatternRefused for one that is wrong, or that only backtracking can match."""
    if len(pattern) > MAX_LENGTH:
        raise PatternRefused(f"it is too large: more than {MAX_LENGTH} characters")
    return _Parser(pattern).parse()


@dataclass(slots=True)
class _Parser:
    """ECMA-262's grammar (section 22.2.1, with the `u` flag), less look-around, back-references and `\\b`."""

    text: str
    at: int = 0
    depth: int = 0

    def parse(self) -> Node:
        node = self.either()
        if self.at < len(self.text):
            raise self.refused("a `)` too many")
        return node

    def refused(self, why: str) -> PatternRefused:
        return PatternRefused(f"{why} (character {self.at + 1})")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        taken = self.peek()
        if not taken:
            raise self.refused("it ends too early")
        self.at += 1
        return taken

    def skip(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def either(self) -> Node:
        parts = [self.sequence()]
        while self.skip("|"):
            parts.append(self.sequence())
        return Either(tuple(parts)) if len(parts) > 1 else parts[0]

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated(self.atom()))
        return Every(tuple(parts))

    def repeated(self, atom: Node) -> Node:
        low, high = self.quantifier()
        if (low, high) == (1, 1):
            return atom
        if isinstance(atom, Edge):
            raise self.refused("`^` or `$` cannot repeat")
        self.skip("?")  # which match is found first makes no difference to whether there is one
        if self.peek() in ("*", "+", "?"):
            raise self.refused("nothing to repeat")
        if (high is not None and high < low) or max(low, high or 0) > MAX_REPEAT:
            raise self.refused(f"a repeat is at most {MAX_REPEAT} times, the lower number first")
        return Repeat(atom, low, high)

    def quantifier(self) -> tuple[int, int | None]:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self.peek() in simple:
            return simple[self.take()]
        if self.peek() != "{":
            return 1, 1
        found = _COUNT.match(self.text, self.at)
        if found is None:
            raise self.refused("`{` must begin a count such as {2,3}")
        self.at = found.end()
        low = int(found[1])
        return low, low if found[2] is None else int(found[3]) if found[3] else None

    def atom(self) -> Node:
        character = self.take()
        match character:
            case "(":
                return self.group()
            case "[":
                return self.bracket()
            case ".":
                return One(_DOT)
            case "^" | "$":
                return Edge(character == "$")
            case "\\":
                return One(self.escape())
            case "*" | "+" | "?" | "{" | "}" | "]":
                raise self.refused(f"`{character}` must be written `\\{character}` here")
        return One(((ord(character), ord(character)),))

    def group(self) -> Node:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.refused(f"groups nest more than {MAX_NESTING} deep")
        if self.skip("?") and not self.skip(":"):
            raise self.refused("only plain groups, `(…)` and `(?:…)`: no look-around and no names")
        node = self.either()
        if not self.skip(")"):
            raise self.refused("a `(` is not closed")
        self.depth -= 1
        return node

    def escape(self) -> Ranges:
        if found := _CODE.match(self.text, self.at):
            self.at = found.end()
            code = int(found[1] or found[2] or found[3], 16)
            return ((code, code),)
        character = self.take()
        if character in _CLASSES:
            return _CLASSES[character]
        code = _CONTROLS.get(character, ord(character))
        if character.isalnum() and character not in _CONTROLS:
            raise self.refused(f"`\\{character}` is not supported")
        return ((code, code),)

    def bracket(self) -> Node:
        outside = self.skip("^")
        ranges: list[tuple[int, int]] = []
        while not self.skip("]"):
            low = self.member()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.take()
                high = self.member()
                if any(first != last for first, last in (*low, *high)) or low > high:
                    raise self.refused("a range goes from one character to a later one")
                low = ((low[0][0], high[0][0]),)
            ranges += low
        return One(_outside(ranges) if outside else tuple(ranges))

    def member(self) -> Ranges:
        character = self.take()
        return self.escape() if character == "\\" else ((ord(character), ord(character)),)
