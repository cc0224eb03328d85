"""What an unquoted YAML word means: YAML 1.2.2's core schema (section 10.3.2), and limits on
numbers.

So `no`, `1_000`, `1:30` and `2026-11-21` are text, `012` is twelve, `1e-3` is a number.
"""

from __future__ import annotations

import math
import re

MAX_DIGITS = 100

# No UTF-8 holds them; escapes, and arguments that are not UTF-8, bring them in.
SURROGATE = re.compile("[\ud800-\udfff]")

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_STARTS = frozenset("+-.0123456789")

# Some YAML 1.1 reader (PyYAML, Ruby, Go's yaml.v2) or a person takes these for something else than
# text.
_BOOLEANS = ("y", "n", "yes", "no", "on", "off", "true", "false")
_NOT_TEXT = frozenset((*_BOOLEANS, "null", "none", "nan", "inf", "infinity"))
_HEX = re.compile(r"[0-9a-fA-F]{7,}")


class BadNumber(ValueError):
    """A number no record may hold; the message says why."""


class NotFinite(BadNumber):
    """An infinity, NaN, or a number too large for a float."""

    def __init__(self, shown: str, number: float) -> None:
        super().__init__(f"`{shown}` is not a finite number")
        self.number = number


def resolve_word(text: str) -> Scalar:
    """Resolve an unquoted word; raise BadNumber for what is not finite or too long."""
    # Most words are text, and their first letter tells.
    if text[:1] not in _NUMBER_STARTS:
        return _WORDS.get(text, text)
    if _INT.fullmatch(text):
        return parse_integer(text)
    if _FLOAT.fullmatch(text):
        return parse_finite(text)
    if _NOT_FINITE.fullmatch(text):
        raise NotFinite(text, float(text.replace(".", "", 1)))
    return text


def parse_integer(text: str) -> int:
    """Parse a decimal, 0o… or 0x… integer of at most MAX_DIGITS characters."""
    # Converting long ones takes quadratic time.
    if len(text) > MAX_DIGITS:
        limit = f"at most {MAX_DIGITS}, or quote it as text"
        raise BadNumber(f"an integer of {len(text)} characters is too long: {limit}")
    if text.startswith("0o"):
        return int(text[2:], 8)
    if text.startswith("0x"):
        return int(text[2:], 16)
    return int(text)


def parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        shown = text if len(text) <= MAX_DIGITS else text[:20] + "…"
        raise NotFinite(shown, number)
    return number


def is_plain(text: str) -> bool:
    """Say whether the text may stand unquoted: no reader takes it for anything else.

    Versions, dates, digests and commit ids, which begin with a digit, hold a colon or look
    hexadecimal, are quoted, so that no one has to wonder.
    """
    first = text[:1]
    if not (first.isalpha() or first in ("_", "/")):
        return False
    if text[-1] == " " or ":" in text or "#" in text or not text.isprintable():
        return False
    return text.lower() not in _NOT_TEXT and not _HEX.fullmatch(text)
