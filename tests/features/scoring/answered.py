"""Logs of answers, and what came to be known of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import NOW, Repository

TRUTH = "01100110"
ANSWERS = {"1.0.0": "01100001", "1.1.0": "01100111"}


def make_answer(version: str, number: int, answer: object, **more: Any) -> dict[str, Any]:
    """Make the event of an answer: `number` minutes before now's hour, of a request of its own."""
    time = datetime.fromisoformat(NOW).astimezone(UTC) - timedelta(minutes=60 - number)
    data = {"model": "digits", "version": version, "stage": "production", "outcome": "ok"}
    return {
        "specversion": "1.0",
        "id": f"{version}-{number}",
        "source": "/digits",
        "type": "mlver.prediction",
        "time": time.isoformat(),
        "data": {**data, "prediction": answer, **more},
    }


def write_lines(events: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


def list_answers(**more: Any) -> list[dict[str, Any]]:
    return [
        make_answer(version, number, int(answer), **more)
        for version, answers in ANSWERS.items()
        for number, answer in enumerate(answers)
    ]


def list_rows(header: str = "request_id,truth,time") -> list[str]:
    """List the rows of the truth, which came to be known half an hour ago."""
    known = (datetime.fromisoformat(NOW).astimezone(UTC) - timedelta(minutes=30)).isoformat()
    rows = [
        f"{version}-{number},{truth},{known}"
        for version in ANSWERS
        for number, truth in enumerate(TRUTH)
    ]
    return [header, *rows]


def write_answers(repository: Repository) -> None:
    repository.write("log/a.jsonl", write_lines(list_answers()))
    repository.write("labels.csv", "\n".join(list_rows()) + "\n")
