"""The gate `hold`: pass, fail and inconclusive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlver.policy.gates.gate import HeldStage
from mlver.policy.gates.table import suggest_commands
from mlver.records.promotion import Result
from tests.policy.gates.candidates import judge, make_candidate, make_version

HOUR = 3_600
START = 1_000_000_000
RULE = {"after": ["staging"], "hold": "48h"}
CASES: dict[str, tuple[HeldStage | None, Result, str]] = {
    "long enough": (
        HeldStage(is_held=True, since=START, now=START + 48 * HOUR, latest=START),
        "pass",
        "holds staging since 2001-09-09T01:46:40Z, for 2 d 0 h",
    ),
    "a second too short": (
        HeldStage(is_held=True, since=START, now=START + 48 * HOUR - 1, latest=START),
        "fail",
        "holds staging since 2001-09-09T01:46:40Z, for 47 h 59 min;"
        " opens 2001-09-11T01:46:40Z, in 0 h 1 min",
    ),
    "no longer held": (HeldStage(is_held=False), "fail", "does not hold staging"),
    "held by what no tag seals": (
        HeldStage(is_held=True),
        "fail",
        "holds staging by a promotion that no tag seals",
    ),
    "a clock that runs backwards": (
        HeldStage(is_held=True, since=START, now=START - 1, latest=START),
        "inconclusive",
        "the clock says 2001-09-09T01:46:39Z, and the history goes on to 2001-09-09T01:46:40Z",
    ),
    "a clock behind the last commit": (
        HeldStage(is_held=True, since=START, now=START + 60 * HOUR, latest=START + 61 * HOUR),
        "inconclusive",
        "the clock says 2001-09-11T13:46:40Z, and the history goes on to 2001-09-11T14:46:40Z",
    ),
    "not landed": (
        HeldStage(is_held=True, fault="its promotion to staging has not landed on main"),
        "inconclusive",
        "its promotion to staging has not landed on main",
    ),
    "nobody looked": (None, "inconclusive", "nobody looked since when it holds staging"),
}


@pytest.mark.parametrize(("held", "result", "actual"), CASES.values(), ids=CASES)
def test_since_when_it_holds(held: HeldStage | None, result: Result, actual: str) -> None:
    candidate = make_candidate(make_version())
    if held is not None:
        candidate = replace(candidate, holds={"staging": held})
    found = judge(RULE, candidate)[-1]
    assert (found.gate, found.result, found.actual) == ("hold 48h", result, actual)
    assert found.expected == "holds staging, without a break, for 48h by now"
    if result != "pass":
        assert suggest_commands("m@1.1.0", [found])


def test_every_stage_has_to_be_held() -> None:
    long_ago = HeldStage(is_held=True, since=START, now=START + 99 * HOUR, latest=START)
    holds = {"staging": long_ago, "canary": HeldStage(is_held=False)}
    candidate = replace(make_candidate(make_version()), holds=holds)
    found = judge({"after": ["staging", "canary"], "hold": "2d"}, candidate)[-1]
    assert (found.result, found.actual) == ("fail", "does not hold canary")
    assert suggest_commands("m@1.1.0", [found]) == ("mlver promote m@1.1.0 --to canary -m WHY",)


def test_without_a_stage_nothing_is_held() -> None:
    (found,) = judge({"hold": "2d"}, make_candidate(make_version()))
    assert found.result == "inconclusive"
