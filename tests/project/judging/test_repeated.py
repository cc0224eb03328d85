"""Events that come again count once, and memory is bounded."""

from __future__ import annotations

from pathlib import Path

from mlver.project.judging.counting import LookCounter
from mlver.project.judging.events import JudgedArms, ServedEvent
from mlver.project.judging.pairing import RequestPairs
from mlver.project.judging.predictions import count_events
from mlver.project.judging.repeated import SeenEvents
from mlver.project.predictions.log import PredictionLog
from mlver.records.sections.verdict import VerdictSettings
from tests.features.monitoring.prediction_logs import write_log


def test_what_comes_again_is_noticed_while_it_is_remembered() -> None:
    seen = SeenEvents(most=3)
    assert [seen.is_new(key) for key in (1, 2, 1, 3, 2)] == [True, True, False, True, False]
    assert (seen.repeated, seen.forgotten) == (2, 0)
    assert seen.is_new(4)
    assert seen.forgotten == 1
    assert seen.is_new(1)
    assert (seen.is_new(4), seen.repeated, seen.forgotten) == (False, 3, 2)


def test_what_has_no_key_is_always_new() -> None:
    seen = SeenEvents(most=1)
    assert all(seen.is_new(None) for _ in range(3))
    assert (seen.repeated, seen.forgotten) == (0, 0)


def test_a_log_of_more_ids_than_are_remembered_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(write_log(20, bad=1, ratio=2) * 2)
    arms = JudgedArms(
        model="digits",
        stages=("production",),
        candidate="1.1.0",
        baseline="1.0.0",
        start=0,
        end=1 << 40,
    )
    counter = LookCounter(VerdictSettings(), arms, seen=SeenEvents(most=50))
    count_events(PredictionLog(log, "log.jsonl", "").read_events("digits"), counter)
    counted = counter.describe(0)
    assert (counted.candidate, counted.baseline) == (40, 80)
    assert (counter.seen.repeated, counter.seen.forgotten) == (0, 70)


def test_requests_that_one_version_answered_alone_are_forgotten_at_last() -> None:
    def answer(version: str, request: int) -> ServedEvent:
        return ServedEvent(version=version, time=0, bad={}, request=f"r{request}")

    pairs = RequestPairs(most=2)
    assert [pairs.match(answer("1.0.0", request)) for request in (1, 2, 3)] == [None] * 3
    assert pairs.match(answer("1.1.0", 1)) is None
    found = pairs.match(answer("1.1.0", 3))
    assert (found is None, pairs.match(answer("1.1.0", 3))) == (False, None)
    assert pairs.match(ServedEvent(version="1.1.0", time=0, bad={})) is None
