"""Numbers, sizes, digests and times as people read them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

# In seconds. Months differ in length, so weeks are counted up to a year.
_AGE_UNITS = (
    ("y", 365.25 * 86_400),
    ("wk", 7 * 86_400),
    ("d", 86_400),
    ("h", 3_600),
    ("min", 60),
)
_BLOCKS = "▁▂▃▄▅▆▇█"
# A terminal of ASCII has no blocks, and three marks that stand low, in the middle and high.
_LEVELS = "_-^"

_WHOLE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}(?![0-9a-f])")
# As ssh-keygen names a key.
_WHOLE_KEY = re.compile(r"(SHA256:[A-Za-z0-9+/]{12})[A-Za-z0-9+/]{31}(?![A-Za-z0-9+/])")


def format_size(count: int) -> str:
    """Bytes in SI units: `812 B`, `12.3 kB`, `4.29 GB`."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        amount /= 1000
        if amount < 999.5 or unit == "PB":
            break
    # `.3g` would write a thousand and more as `1e+03`.
    number = f"{amount:.3g}" if amount < 999.5 else f"{amount:.0f}"
    return f"{number} {unit}"


def format_count(number: int, singular: str, many: str | None = None) -> str:
    """`1 file`, `2 files`, `12,000 files`."""
    noun = singular if number == 1 else many or f"{singular}s"
    return f"{number:,} {noun}"


def format_number(value: Any) -> str:
    """A value as it was written, floats to six significant digits."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return format_exact(value)


def format_exact(value: Any) -> str:
    """A value as it was written, whole: text without quotes, everything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def distinguish_values(old: Any, new: Any) -> tuple[str, str]:
    """Two different values, written so that they look different: `1` and `1.0`, `1` and `"1"`."""
    for format_value in (format_number, format_exact):
        old_text = format_value(old)
        new_text = format_value(new)
        if old_text != new_text:
            return old_text, new_text
    # JSON puts text in quotes, which tells `"1"` from 1.
    return json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False)


def format_sparkline(values: Sequence[float | None], *, has_blocks: bool) -> str:
    """A letter a number, the higher the larger; a blank where there is none.

    Nothing where fewer than three numbers, or numbers that are all the same, tell nothing.
    """
    present = [value for value in values if value is not None]
    if len(present) < 3 or min(present) == max(present):
        return ""
    marks = _BLOCKS if has_blocks else _LEVELS
    try:
        # Halves, because the span of the largest floats is larger than any float.
        low, half_span = min(present) / 2, max(present) / 2 - min(present) / 2
        places = [
            None if value is None else round((value / 2 - low) / half_span * (len(marks) - 1))
            for value in values
        ]
    except (OverflowError, ZeroDivisionError, ValueError):
        # An integer of JSON may be larger than any float, and floats may be too small to be halved.
        return ""
    return "".join(" " if place is None else marks[place] for place in places)


def format_signed(value: float) -> str:
    """A change: `+0.027`, `−23.36`, `+45,196`."""
    text = f"{value:+,.0f}" if abs(value) >= 10_000 else f"{value:+.4g}"
    # A hyphen is narrower than the plus that it stands below.
    return text.replace("-", "−")


def format_percent(value: float) -> str:
    text = f"{value:+,.0f} %" if abs(value) >= 1000 else f"{value:+.3g} %"
    return text.replace("-", "−")


def describe_mixture(mixed: Mapping[str, str]) -> str:
    """Say which parts of a version are another version's."""
    parts = join_listed([f"{part} of {version}" for part, version in mixed.items()])
    return f"mixed on purpose: {parts}"


def shorten_digest(digest: str) -> str:
    """A digest cut short for people; records and `--json` hold all of it."""
    return digest[: len("sha256:") + 12]


def shorten_digests(text: str) -> str:
    """A message with each whole digest in it cut short, and each name of a key; paths and commands
    keep theirs.
    """
    return _WHOLE_KEY.sub(r"\1", _WHOLE_DIGEST.sub(lambda whole: shorten_digest(whole[0]), text))


def format_time(created: str) -> str:
    """`2026-11-21T03:04:05Z` as `2026-11-21 03:04`."""
    return created[:16].replace("T", " ")


def format_second(created: str) -> str:
    """`2026-11-21T03:04:05Z` as `2026-11-21 03:04:05`."""
    return created[:19].replace("T", " ")


def format_age(created: str, now: str) -> str:
    """How long ago something was, in its largest whole unit: `45 min`, `2 h`, `3 d`, `5 wk`, `2 y`.

    Times are as records write them; what lies ahead by a clock that is wrong is `now`.
    """
    try:
        passed = datetime.fromisoformat(now) - datetime.fromisoformat(created)
    except ValueError:
        return ""
    seconds = passed.total_seconds()
    for unit, length in _AGE_UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "now"


def format_duration(seconds: float) -> str:
    """How long something takes: `8 s`, `2 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def format_author(author: str) -> str:
    """`Kim <kim@example.org>` as `Kim`."""
    return author.split(" <", maxsplit=1)[0]


def shorten_name(name: str) -> str:
    """A person's name where room is short: `Nora N.` of `Nora Newcomer`."""
    words = name.split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else name


def take_first_line(message: str) -> str:
    return message.split("\n", maxsplit=1)[0]


def join_listed(items: Sequence[str], most: int = 6) -> str:
    listing = ", ".join(items[:most])
    hidden = len(items) - most
    return f"{listing} and {hidden:,} more" if hidden > 0 else listing
