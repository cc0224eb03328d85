"""How long a command may take, as people type it: `90`, `90s`, `30m`, `2h`."""

from __future__ import annotations

from mlver.errors import UsageError
from mlver.records.durations import read_seconds


def parse_duration(text: str, option: str) -> float:
    """Read a duration in seconds; raise UsageError for anything else, and for none at all."""
    seconds = read_seconds(text) or read_seconds(f"{text}s")
    if not seconds:
        raise UsageError(f"{option} takes a time such as 90s, 30m or 2h, not `{text[:40]}`")
    return float(seconds)
