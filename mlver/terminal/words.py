"""Numbers, sizes, digests and times as people read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def format_size(count: int) -> str:
    """Bytes in SI units: `812 B`, `12.3 kB`, `4.29 GB`."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        amount /= 1000
        if amount < 999.5 or unit == "PB":
            break
    return f"{amount:.3g} {unit}" if amount < 999.5 else f"{amount:.0f} {unit}"


def format_count(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `2 files`, `12,000 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def format_number(value: Any) -> str:
    """A value as it was written, floats to six significant digits."""
    return f"{value:.6g}" if isinstance(value, float) else format_exact(value)


def format_exact(value: Any) -> str:
    """A value as it was written, whole: text without quotes, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def distinguish_values(old: Any, new: Any) -> tuple[str, str]:
    """Two different values, written so that they look different: `1` and `1.0`, `1` and `"1"`."""
    for write in (format_number, format_exact):
        shown = write(old), write(new)
        if shown[0] != shown[1]:
            return shown
    return json.dumps(old, ensure_ascii=False), json.dumps(new, ensure_ascii=False)


def format_signed(value: float) -> str:
    """A change: `+0.027`, `−23.36`, `+45,196`."""
    shown = f"{value:+,.0f}" if abs(value) >= 10_000 else f"{value:+.4g}"
    return shown.replace("-", "−")


def format_percent(value: float) -> str:
    shown = f"{value:+,.0f} %" if abs(value) >= 1000 else f"{value:+.3g} %"
    return shown.replace("-", "−")


def shorten_digest(digest: str) -> str:
    """A digest cut for the eye; records and `--json` hold it whole."""
    return digest[: len("sha256:") + 12]


def format_time(created: str) -> str:
    """`2026-11-21T03:04:05Z` as `2026-11-21 03:04`."""
    return created[:16].replace("T", " ")


def format_day(created: str) -> str:
    """`2026-11-21T03:04:05Z` as `2026-11-21`."""
    return created[:10]


def format_author(author: str) -> str:
    """`Kim <kim@example.org>` as `Kim`."""
    return author.split(" <", maxsplit=1)[0]


def take_first_line(message: str) -> str:
    return message.split("\n", maxsplit=1)[0]


def join_listed(items: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown
