"""JSON Schema's regular expressions (ECMA 262), translated for the two engines that match them.

The patterns of mlver's own schemas run on `re`: they come with this package, look-ahead keeps them
short, and a test shows that no text makes them slow. Those of a project are untrusted and run on
RE2, which cannot backtrack. Wherever RE2 would judge otherwise than ECMA 262 does with the `u`
flag, the pattern is translated or refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]

_LAST_CODE = 0x10FFFF
_DOLLAR = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
_COUNT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
# A code after the backslash: of two digits, a pair of surrogates, of four digits, or in braces.
_CODE = re.compile(
    r"x(?P<two>[0-9a-fA-F]{2})"
    r"|u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u(?P<four>[0-9a-fA-F]{4})"
    r"|u\{(?P<braces>[0-9a-fA-F]{1,8})\}"
)
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}

# ECMA's `\s` holds these; that of RE2 is ASCII only, and lacks the vertical tab.
_SPACES: Ranges = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)


class PatternRefused(ValueError):
    """The pattern is wrong, or says what only backtracking can match."""


def translate_for_re(pattern: str) -> str:
    r"""Translate an expression for `re` with `re.ASCII`.

    `$` is the very end; Python's also stands before a newline.
    """

    def replace_dollar(token: re.Match[str]) -> str:
        return r"\Z" if token[0] == "$" else token[0]

    return _DOLLAR.sub(replace_dollar, pattern)


def translate_for_re2(pattern: str) -> str:
    """Translate an expression for RE2.

    Raise PatternRefused for what ECMA 262 refuses or RE2 would judge otherwise.

    Brackets that do not close and repeats that are too many are left for RE2 to refuse.
    """
    return _Translator(pattern).translate_all()


def _write_code(code: int) -> str:
    return f"\\x{{{code:x}}}"


def _write_member(member: int | str) -> str:
    return member if isinstance(member, str) else _write_code(member)


def _write_ranges(ranges: Iterable[tuple[int, int]]) -> str:
    return "".join(f"{_write_code(first)}-{_write_code(last)}" for first, last in ranges)


def _invert_ranges(ranges: Ranges) -> Ranges:
    gaps: list[tuple[int, int]] = []
    start = 0
    for first, last in ranges:
        gaps.append((start, first - 1))
        start = last + 1
    gaps.append((start, _LAST_CODE))
    return tuple(gaps)


# What each shorthand is between brackets. ECMA's digits and words are ASCII without its `i` flag,
# like those of RE2.
_SHORTHANDS = {
    "d": r"\d",
    "D": r"\D",
    "w": r"\w",
    "W": r"\W",
    "s": _write_ranges(_SPACES),
    "S": _write_ranges(_invert_ranges(_SPACES)),
}
_SIMPLE = {"^": r"\A", "$": r"\z", "|": "|", ")": ")", ".": r"[^\n\r\x{2028}\x{2029}]"}
_EVERYTHING = f"[{_write_ranges([(0, _LAST_CODE)])}]"
_NOTHING = f"[^{_write_ranges([(0, _LAST_CODE)])}]"


@dataclass(slots=True)
class _Translator:
    """ECMA 262's grammar (section 22.2.1, with the `u` flag) less look-around, back-references,
    names and `\\b`.
    """

    text: str
    position: int = 0
    repeatable: bool = False

    def translate_all(self) -> str:
        pieces: list[str] = []
        while self.position < len(self.text):
            pieces.append(self.translate_token())
        return "".join(pieces)

    def translate_token(self) -> str:
        character = self.take_character()
        if character in "*+?{":
            return self.translate_repeat(character)
        self.repeatable = character not in "^$(|"
        if character in _SIMPLE:
            return _SIMPLE[character]
        match character:
            case "(":
                return self.open_group()
            case "[":
                return self.translate_brackets()
            case "\\":
                return f"[{_write_member(self.read_escape())}]"
            case "}" | "]":
                raise self.build_refusal(f"`{character}` must be written `\\{character}` here")
        return _write_code(ord(character))

    def build_refusal(self, reason: str) -> PatternRefused:
        return PatternRefused(f"{reason} (character {self.position})")

    def take_character(self) -> str:
        character = self.text[self.position : self.position + 1]
        if not character:
            raise self.build_refusal("it ends too early")
        self.position += 1
        return character

    def skip_text(self, text: str) -> bool:
        if not self.text.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def open_group(self) -> str:
        if self.skip_text("?") and not self.skip_text(":"):
            raise self.build_refusal(
                "only plain groups, `(…)` and `(?:…)`: no look-around and no names"
            )
        return "(?:"

    def translate_repeat(self, character: str) -> str:
        repeat = character
        if character == "{":
            count = _COUNT.match(self.text, self.position - 1)
            if count is None:
                raise self.build_refusal(
                    "`{` must begin a count such as {2,3}, or be written `\\{`"
                )
            self.position = count.end()
            repeat = count[0]
        if not self.repeatable:
            raise self.build_refusal(
                f"nothing to repeat before `{repeat}`, or `\\{character}` is meant"
            )
        self.repeatable = False
        # A lazy repeat finds another match, which makes no difference to whether there is one.
        self.skip_text("?")
        return repeat

    def read_escape(self) -> int | str:
        """Read what stands behind a backslash.

        It is the code of a character, or a shorthand as RE2 has it between brackets.
        """
        code = _CODE.match(self.text, self.position)
        if code is not None:
            self.position = code.end()
            return self.decode_escape(code)
        character = self.take_character()
        if character in _SHORTHANDS:
            return _SHORTHANDS[character]
        if character == "0" and self.text[self.position : self.position + 1].isdigit():
            raise self.build_refusal("`\\0` before a digit is not supported: write `\\x00`")
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise self.build_refusal(f"`\\{character}` is not supported")
        return ord(character)

    def decode_escape(self, code: re.Match[str]) -> int:
        if code["high"]:
            high = int(code["high"], 16) - 0xD800
            low = int(code["low"], 16) - 0xDC00
            return 0x10000 + (high << 10) + low
        number = int(code["two"] or code["four"] or code["braces"], 16)
        if number > _LAST_CODE:
            raise self.build_refusal(f"`\\{code[0]}` is no Unicode character")
        return number

    def translate_brackets(self) -> str:
        outside = self.skip_text("^")
        members: list[str] = []
        while not self.skip_text("]"):
            members.append(self.translate_member())
        if not members:
            # RE2 takes the bracket that closes an empty class for its first member.
            return _EVERYTHING if outside else _NOTHING
        sign = "^" if outside else ""
        return f"[{sign}{''.join(members)}]"

    def translate_member(self) -> str:
        """Translate one character, one shorthand, or one range between brackets."""
        first = self.read_member()
        following = self.text[self.position + 1 : self.position + 2]
        if following in ("]", "") or not self.skip_text("-"):
            return _write_member(first)
        last = self.read_member()
        if isinstance(first, str) or isinstance(last, str) or first > last:
            raise self.build_refusal("a range goes from one character to a later one")
        return _write_ranges([(first, last)])

    def read_member(self) -> int | str:
        character = self.take_character()
        return self.read_escape() if character == "\\" else ord(character)
