"""A version in use, with a log of what it answered and what was true."""

from __future__ import annotations

import json

from tests.faults.ground import WorkPlace
from tests.faults.preparations import prepare_staged

_TIME = "2020-01-01T01:55:00Z"
SCORE = ("score", "m", "--predictions", "log.jsonl", "--truth", "labels.csv")


def prepare_scored(place: WorkPlace) -> None:
    """Two versions, a log of three answers of one of them, and their truth."""
    prepare_staged(place)
    lines: list[str] = []
    for number in range(3):
        data = {"model": "m", "version": "1.1.0", "outcome": "ok", "prediction": number}
        event = {"type": "mlver.prediction", "id": str(number), "time": _TIME, "data": data}
        lines.append(json.dumps(event) + "\n")
    place.write("log.jsonl", "".join(lines))
    place.write("labels.csv", "request_id,truth\n0,0\n1,1\n2,0\n")
