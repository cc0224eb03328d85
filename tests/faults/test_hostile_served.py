"""What a hostile caller, or whoever fills in labels, may put into a log and into its truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import Repository
from tests.faults.hostile import check_outcome

_TEXTS = (
    "\x1b[2J\u202e\n::error::x\n##[error]y",
    "::error::x",
    "../../../etc/passwd",
    "\ud800",
    "<script>alert(1)</script>|`",
    "9" * 400,
)
_TRUTH = ("--truth", "labels.jsonl")
_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("score", "m", "--predictions", "log.jsonl", *_TRUTH, "--coverage", "0"),
    ("score", "m", "--predictions", "log.jsonl", *_TRUTH, "--as", "number"),
    ("score", "m", "--predictions", "log.jsonl", "--feedback", "labels.jsonl"),
    ("score", "m", "--predictions", "log.jsonl", "--truth", "labels.csv"),
    ("score", "m", "--replay", "log.jsonl", "--against", "m@1.1.0", "--", "cat"),
    ("show", "m@1.0.0"),
    ("log", "m"),
    ("verify", "--all"),
)


def make_event(version: str, request: str, **data: Any) -> Mapping[str, Any]:
    return {
        "type": "mlver.prediction",
        "id": request,
        "time": "2026-01-01T00:00:00Z",
        "data": {"model": "m", "version": version, **data},
    }


@pytest.mark.parametrize("text", _TEXTS, ids=range(len(_TEXTS)))
def test_hostile_texts_are_joined_and_shown_harmlessly(victim: Repository, text: str) -> None:
    features = {text: [text, {text: text}]}
    events = [
        make_event("1.0.0", "r1", prediction=text, features=features, stage=text),
        make_event("1.0.0", text, prediction="a", outcome=text),
        make_event(text, "r2", prediction=text, **{"request_id": text}),
    ]
    rows = [{"request_id": "r1", "truth": text}, {"request_id": text, "truth": text}]
    victim.write("log.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    victim.write("labels.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    head = f"request_id,{text},truth\n".encode(errors="surrogatepass")
    victim.write("labels.csv", head + b"r1,1,2\n")
    for argv in _COMMANDS:
        check_outcome(victim.mlver(*argv), 0, 1, 2, 3, 4)
