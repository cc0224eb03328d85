"""A version in use, with a log of what it and the one before answered."""

from __future__ import annotations

import json

from tests.faults.ground import WorkPlace
from tests.faults.preparations import prepare_staged

_SETTINGS = """\
verdict:
  metrics:
    errors:
      bad: outcome="error"
      max: 0.5
  min: 20
"""
_TIME = "2020-01-01T01:55:00Z"
JUDGE = (
    *("judge", "m", "--stage", "production", "--predictions", "log.jsonl"),
    *("--since", "2020-01-01T00:00Z"),
)


def prepare_judged(place: WorkPlace) -> None:
    """Two versions, the second in production, and a log of forty answers without an error."""
    prepare_staged(place)
    settings = place.path / ".mlver/config.yaml"
    place.write(".mlver/config.yaml", settings.read_text() + _SETTINGS)
    place.git("commit", "--quiet", "-m", "Say what is bad", ".mlver/config.yaml")
    lines: list[str] = []
    for version in ("1.1.0", "1.0.0"):
        data = {"model": "m", "version": version, "outcome": "ok"}
        event = {"type": "mlver.prediction", "time": _TIME, "data": data}
        lines += [json.dumps(event) + "\n"] * 20
    place.write("log.jsonl", "".join(lines))
