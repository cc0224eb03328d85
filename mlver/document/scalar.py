"""What an unquoted YAML word means: the core schema of YAML 1.2.2 (section 10.3.2), and mlver's limits on numbers.

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

# What some YAML 1.1 reader (PyYAML, Ruby, Go's yaml.v2) or a person takes for something else than text.
_NOT_TEXT = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "infinity")
)
_HEX = re.compile(r"[0-9a-fA-F]{7,}")


class BadNumber(ValueError):
    """A number no record may hold; the message says why."""


def resolve(text: str) -> Scalar:
    """The value of an unquoted word; raise BadNumber for what is not finite or too long."""
    if text[:1] not in _NUMBER_STARTS:
        return _WORDS.get(text, text)
    if _INT.fullmatch(text):
        return integer(text)
    if _FLOAT.fullmatch(text):
        return finite(text)
    if _NOT_FINITE.fullmatch(text):
        raise BadNumber(f"`{text}` is not a finite number")
    return text


def integer(text: str) -> int:
    """A decimal, 0o… or 0x… integer of at most MAX_DIGITS characters: converting longer ones takes quadratic time."""
    if len(text) > MAX_DIGITS:
        raise BadNumber(
            f"an integer of {len(text)} characters is too long: at most {MAX_DIGITS}, or quote it as text"
        )
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


def finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        shown = text if len(text) <= MAX_DIGITS else text[:20] + "…"
        raise BadNumber(f"`{shown}` is not a finite number")
    return value


def is_plain(text: str) -> bool:
    """Whether the text may stand unquoted: no reader takes it for anything else, and no one has to wonder.

    Versions, dates, digests and commit ids, which begin with a digit, hold a colon or look hexadecimal, are quoted.
    """
    first = text[:1]
    return (
        (first.isalpha() or first in ("_", "/"))
        and text[-1] != " "
        and text.isprintable()
        and ":" not in text
        and "#" not in text
        and text.lower() not in _NOT_TEXT
        and not _HEX.fullmatch(text)
    )
