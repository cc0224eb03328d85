"""Bounds with a confidence: what so many rows can prove, and what they cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.policy.gates import agreement
from mlver.policy.gates.gate import AskedStage, RecordedVersion, StageCandidate
from mlver.policy.samples import Samples
from mlver.policy.stage_policy import StagePolicy
from mlver.records.promotion import GateResult
from mlver.records.values import Document
from tests.policy.gates.candidates import GOLDEN, make_evaluation, make_version

ENTRY: Document = {"metric": "accuracy", "on": "golden", "max_drop": 0.02, "confidence": 0.95}
ROWS = 1_000


def measured(version: str, scores: Sequence[float] | None) -> RecordedVersion:
    """A version that was evaluated on the golden data; no scores are no samples."""
    digest = Digest.of_bytes(f"samples of {version}".encode())
    named = None if scores is None else digest
    evaluation = make_evaluation(version, {"accuracy": 0.9}, samples=named)
    held = {} if scores is None else {digest: Samples(tuple(scores), ())}
    return replace(make_version(version, {}, evaluation), samples=held)


def judge(
    own: Sequence[float] | None, before: Sequence[float] | None, entry: Any = ENTRY
) -> GateResult:
    """Judge the second question of an entry: the one that asks to be sure."""
    candidate = StageCandidate(
        version="1.1.0",
        unsealed=None,
        stages_held=frozenset(),
        damage=None,
        policy=StagePolicy(rule={}, datasets={"golden": str(GOLDEN)}),
        recorded=measured("1.1.0", own),
        stage=AskedStage(name="s", holder=measured("1.0.0", before), is_held=True),
    )
    questions: list[Any] = list(agreement.split_entries([entry]))
    return agreement.judge_entry(candidate, questions[-1])


def score(wrong: int) -> list[float]:
    return [0.0] * wrong + [1.0] * (ROWS - wrong)


def test_an_entry_asks_for_the_value_and_to_be_sure_of_it() -> None:
    plain, sure = agreement.split_entries([ENTRY])
    assert plain == {"metric": "accuracy", "on": "golden", "max_drop": 0.02}
    assert sure == ENTRY


@pytest.mark.parametrize(
    ("own", "result"),
    [
        (score(100), "pass"),
        (score(115), "pass"),
        (score(125), "fail"),
        # As many right answers, but on other rows: a drop of 0.02 might hide in so many changes.
        (score(100)[::-1], "fail"),
    ],
    ids=["the same", "15 rows lost", "25 rows lost", "other rows"],
)
def test_a_drop_passes_only_where_the_rows_prove_it(own: list[float], result: str) -> None:
    judged = judge(own, score(100))
    assert judged.result == result, judged
    assert judged.gate == "metric accuracy on golden, max_drop with confidence 0.95"
    assert "exact McNemar, 1,000 rows" in str(judged.actual)
    assert judged.expected == "a drop of at most 0.02, with confidence 0.95"


def test_other_scores_are_drawn_again_and_again_and_always_alike() -> None:
    own, before = [0.5, 0.7, 0.9] * 200, [0.6, 0.7, 0.8] * 200
    judged = judge(own, before)
    assert "paired bootstrap" in str(judged.actual)
    assert judged == judge(own, before)


def test_a_rise_is_bounded_as_well_and_a_share_is_of_the_mean() -> None:
    entry = {"metric": "latency", "on": "golden", "max_rise": "5%", "confidence": 0.9}
    assert judge([2.0] * 99, [2.0] * 99, entry).result == "pass"
    judged = judge([2.2] * 99, [2.0] * 99, entry)
    assert (judged.result, judged.expected) == (
        "fail",
        "a rise of at most 0.1, with confidence 0.9",
    )


@pytest.mark.parametrize(
    ("own", "before", "reason"),
    [
        (None, [1.0], "1.1.0 was evaluated on golden without samples"),
        ([1.0], None, "1.0.0 was evaluated on golden without samples"),
        ([1.0], [1.0, 0.0], "its samples have 1 rows, and the holder's have 2"),
    ],
)
def test_whatever_is_missing_is_inconclusive(
    own: list[float] | None, before: list[float] | None, reason: str
) -> None:
    judged = judge(own, before)
    assert (judged.result, judged.actual) == ("inconclusive", reason)


@pytest.mark.parametrize("key", ["on", "max_drop"])
def test_a_confidence_in_nothing_opens_nothing(key: str) -> None:
    entry = {name: value for name, value in ENTRY.items() if name != key}
    judged = judge([1.0] * 9, [1.0] * 9, {**entry, "min": 0.1})
    assert judged.result == "inconclusive"
    assert "needs `on`, and `max_drop` or `max_rise`" in str(judged.actual)
