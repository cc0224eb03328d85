"""What bounds of metrics cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mlver.policy.gate_notes import list_notes
from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.stage_policy import StagePolicy
from tests.policy.gates.candidates import GOLDEN, make_candidate, make_evaluation, make_version

HOLDER = make_version("1.0.0")


def _list_notes(
    entry: Mapping[str, Any],
    *,
    value: float = 0.92,
    count: int | None = 1_000,
    holder: RecordedVersion | None = HOLDER,
) -> list[str]:
    policy = StagePolicy(rule={"gates": [entry]}, datasets={"golden": str(GOLDEN)})
    evaluation = make_evaluation("1.1.0", {"acc": value}, count=count)
    candidate = make_candidate(make_version("1.1.0", {}, evaluation), holder)
    return list_notes(policy, replace(candidate, policy=policy))


def test_a_drop_that_is_finer_than_the_examples_can_tell() -> None:
    assert _list_notes({"metric": "acc", "on": "golden", "max_drop": 0.005}) == [
        "max_drop 0.005 of acc on golden is finer than 1,000 examples can tell: 0.92 is known to"
        " ±0.017 (95 %)"
    ]


@pytest.mark.parametrize(
    ("entry", "fields"),
    [
        ({"metric": "acc", "on": "golden", "max_drop": 0.02}, {}),
        ({"metric": "acc", "on": "golden", "max_drop": 0.005}, {"count": 20_000}),
        ({"metric": "acc", "on": "golden", "max_drop": 0.005}, {"count": None}),
        ({"metric": "acc", "on": "golden", "max_drop": 0.005}, {"value": 40.0}),
        ({"metric": "acc", "on": "golden", "max_drop": 0}, {}),
        ({"metric": "acc", "on": "golden", "min": 0.9}, {}),
        ({"metric": "acc", "max_drop": 0.005}, {}),
    ],
    ids=str,
)
def test_nothing_to_note(entry: dict[str, Any], fields: dict[str, Any]) -> None:
    assert _list_notes(entry, **fields) == []


def test_all_right_says_no_more_than_one_example() -> None:
    (note,) = _list_notes(
        {"metric": "acc", "on": "golden", "max_drop": "0.5%"}, value=1.0, count=100
    )
    assert note.endswith("finer than 100 examples can tell: 1 is known to ±0.01 (95 %)")


def test_a_first_version_is_bounded_by_nothing() -> None:
    entry = {"metric": "acc", "on": "golden", "max_drop": 0.1}
    assert _list_notes(entry, holder=None) == [
        "no version held production yet, and neither min nor max bounds acc on golden: the first"
        " version passes whatever it is"
    ]
    assert _list_notes({**entry, "min": 0.9}, holder=None) == []
