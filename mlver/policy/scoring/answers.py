"""One form of an answer and of the truth, whether a log, JSON or CSV has it."""

from __future__ import annotations

import math
import re

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+", re.ASCII)
_TRUTH_WORDS = {"True": "true", "False": "false"}


def write_answer(value: object) -> str | None:
    """Write an answer as text, the same for `7`, `7.0`, `"7"` and `[7]`; None where it is none.

    `true` stands for what JSON and Python call so. Text of a leading zero stays as it is.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str) and value.strip():
        text = value.strip()
        whole = _WHOLE.fullmatch(text)
        return whole[1] if whole else _TRUTH_WORDS.get(text, text)
    return None


def read_number(answer: str) -> float | None:
    """Read an answer as a number; None where it is none."""
    try:
        number = float(answer)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
