"""How long something takes or lasts, as settings and people write it: `90s`, `36h`, `30d`, `2w`."""

from __future__ import annotations

import re
from decimal import Decimal

_DURATION = re.compile(r"([0-9]{1,9}(?:[.][0-9]{1,3})?)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def read_seconds(text: object) -> Decimal | None:
    """Read a duration in seconds; None for anything else."""
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    return None if match is None else Decimal(match[1]) * _SECONDS[match[2]]


def read_duration(text: object) -> int | None:
    """Read a duration of whole seconds; None for anything else."""
    seconds = read_seconds(text)
    return None if seconds is None or seconds % 1 else int(seconds)
