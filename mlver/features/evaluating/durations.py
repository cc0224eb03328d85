"""How long something may take, as people type it: `90`, `90s`, `30m`, `2h`."""

from __future__ import annotations

import re

from mlver.errors import UsageError

_DURATION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str, option: str) -> float:
    """Read a duration in seconds; raise UsageError for anything else, and for none at all."""
    found = _DURATION.fullmatch(text)
    seconds = 0.0 if found is None else float(found[1]) * _SECONDS[found[2]]
    if not seconds:
        raise UsageError(f"{option} takes a time such as 90s, 30m or 2h, not `{text[:40]}`")
    return seconds
