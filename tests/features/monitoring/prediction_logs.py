"""Logs of predictions, as a serving library writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import NOW, Repository

SETTINGS = """\
verdict:
  metrics:
    errors:
      bad: outcome="error"
      margin: 0.01
    slow:
      over: 0.25s
      margin: 0.05
"""


def begin_serving(second: Repository) -> Repository:
    """Have 1.1.0 in production after 1.0.0, and settings that say which events are bad."""
    settings = second.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text() + SETTINGS)
    second.commit("Say which answers are bad")
    moved = second.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    assert moved.code == 0, moved
    return second


def make_event(version: str, number: int, **labels: Any) -> dict[str, Any]:
    time = datetime.fromisoformat(NOW).astimezone(UTC) + timedelta(milliseconds=number)
    data = {"model": "digits", "version": version, "stage": "production", "outcome": "ok"}
    return {
        "specversion": "1.0",
        "id": f"r{number}",
        "source": "/digits",
        "type": "mlver.prediction",
        "time": time.isoformat().replace("+00:00", "Z"),
        "data": {**data, "latency_ms": 12.5, **labels},
    }


def write_log(events: int, *, bad: int, ratio: int = 9) -> str:
    """Write so many events of 1.1.0, `bad` of a hundred of which are errors, evenly spread.

    To each there are `ratio` events of 1.0.0, one in a hundred of which is an error.
    """
    lines: list[str] = []
    number = 0
    for one in range(events):
        outcome = "error" if (one * 37) % 100 < bad else "ok"
        lines.append(json.dumps(make_event("1.1.0", number, outcome=outcome)))
        for other in range(ratio):
            number += 1
            outcome = "error" if (one * ratio + other) % 100 == 50 else "ok"
            lines.append(json.dumps(make_event("1.0.0", number, outcome=outcome)))
        number += 1
    return "\n".join(lines) + "\n"
