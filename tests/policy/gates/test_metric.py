"""What metrics have to be: every bound × pass, fail and inconclusive, and what peers get wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.gates.metric import NO_BASELINE
from mlver.policy.gates.table import suggest_commands
from mlver.records.promotion import GateResult, Result
from tests.policy.gates.candidates import (
    GOLDEN,
    OTHER,
    judge,
    judge_one,
    make_artifact,
    make_candidate,
    make_evaluation,
    make_version,
)

OLD = "1.0.0"


def judge_bound(bound: str, limit: Any, value: Any, baseline: Any = None) -> GateResult:
    """One bound of `acc`, on the golden data; without a baseline the stage was empty."""
    holder = None if baseline is None else make_version(OLD, {}, {"acc": baseline})
    candidate = make_candidate(make_version("1.1.0", {}, {"acc": value}), holder)
    return judge_one({"gates": [{"metric": "acc", "on": "golden", bound: limit}]}, candidate)


# bound, limit, value, baseline, result
CASES: dict[str, tuple[str, Any, Any, Any, Result]] = {
    "above the least": ("min", 0.92, 0.93, None, "pass"),
    "the least itself": ("min", 0.3, 0.3, None, "pass"),
    "below the least": ("min", 0.92, 0.9199999, None, "fail"),
    "the least is zero": ("min", 0, -0.1, None, "fail"),
    "below the most": ("max", 40, 39.9, None, "pass"),
    "the most itself": ("max", 40, 40.0, None, "pass"),
    "above the most": ("max", 40, 41, None, "fail"),
    "a drop as large as allowed": ("max_drop", 0.005, 0.945, 0.95, "pass"),
    "a smaller drop": ("max_drop", 0.005, 0.9451, 0.95, "pass"),
    "a larger drop": ("max_drop", 0.005, 0.9449, 0.95, "fail"),
    "better than before": ("max_drop", 0, 0.96, 0.95, "pass"),
    "no drop is allowed": ("max_drop", 0, 0.9499, 0.95, "fail"),
    "a rise as large as allowed": ("max_rise", 0.1, 0.3, 0.2, "pass"),
    "a larger rise": ("max_rise", 0.1, 0.3001, 0.2, "fail"),
    "a rise in percent, as large as allowed": ("max_rise", "10%", 0.88, 0.8, "pass"),
    "a rise in percent": ("max_rise", "5%", 42, 40, "pass"),
    "a larger rise in percent": ("max_rise", "5%", 42.01, 40, "fail"),
    "a part of a percent": ("max_drop", "0.5%", 199, 200, "pass"),
    "a drop in percent": ("max_drop", "10%", 0.719, 0.8, "fail"),
    "better than a negative baseline": ("max_drop", "10%", -5, -10, "pass"),
    "a little worse than a negative baseline": ("max_drop", "10%", -11, -10, "pass"),
    "worse than a negative baseline": ("max_drop", "10%", -11.01, -10, "fail"),
    "a rise from a negative baseline": ("max_rise", "10%", -9, -10, "pass"),
    "a larger rise from a negative baseline": ("max_rise", "10%", -8.9, -10, "fail"),
    "no rise from zero, in percent": ("max_rise", "5%", 0, 0, "pass"),
    "a fall from zero where a rise is bounded": ("max_rise", "5%", -1, 0.0, "pass"),
    "a rise from zero, in percent": ("max_rise", "5%", 0.1, 0, "inconclusive"),
    "a drop from zero, in percent": ("max_drop", "5%", -0.1, 0, "inconclusive"),
    "an amount from zero": ("max_drop", 0.1, -0.1, 0, "pass"),
    "too much from zero": ("max_drop", 0.1, -0.2, 0, "fail"),
    "no version held the stage": ("max_drop", 0.005, 0.1, None, "pass"),
    "the same, in percent": ("max_rise", "5%", 0.1, None, "pass"),
    "very far apart": ("max_drop", 1e300, -1e300, 1e-300, "fail"),
    "whole numbers beyond what a float holds": ("min", 2**53 + 1, 2**53, None, "fail"),
}


@pytest.mark.parametrize(
    ("bound", "limit", "value", "baseline", "expected"), CASES.values(), ids=CASES
)
def test_a_bound(bound: str, limit: Any, value: Any, baseline: Any, expected: Result) -> None:
    assert judge_bound(bound, limit, value, baseline).result == expected


def test_a_result_says_what_it_compared_and_where_that_is_from() -> None:
    found = judge_bound("max_drop", 0.005, 0.946, 0.95)
    own = make_version("1.1.0", {}, {"acc": 0.946})
    assert found == GateResult(
        gate="metric acc on golden, max_drop",
        result="pass",
        expected="at least 0.945 (baseline - max_drop: 1.0.0 has 0.95, max_drop 0.005)",
        actual=0.946,
        baseline=0.95,
        data=GOLDEN,
        evidence=own.evaluations[0][1],
    )


EXPECTED: dict[str, tuple[str, Any, Any, str]] = {
    "at least": ("min", 0.92, None, "at least 0.92"),
    "at most": ("max", 40, None, "at most 40"),
    "a rise in percent": (
        "max_rise",
        "5%",
        40,
        "at most 42 (baseline + max_rise of |baseline|: 1.0.0 has 40, max_rise 5%)",
    ),
    "no baseline": ("max_drop", 0.005, None, "at least baseline - 0.005 (max_drop)"),
    "no baseline, in percent": (
        "max_rise",
        "5%",
        None,
        "at most baseline + 5% of |baseline| (max_rise)",
    ),
}


@pytest.mark.parametrize(
    ("bound", "limit", "baseline", "expected"), EXPECTED.values(), ids=EXPECTED
)
def test_what_was_expected_states_its_formula(
    bound: str, limit: Any, baseline: Any, expected: str
) -> None:
    assert judge_bound(bound, limit, 41, baseline).expected == expected


def test_a_first_version_has_no_baseline() -> None:
    assert judge_bound("max_drop", 0.005, 0.5).actual == NO_BASELINE


def test_an_emptied_stage_is_no_way_around_its_last_holder() -> None:
    holder = make_version(OLD, {}, {"acc": 0.95})
    candidate = make_candidate(make_version("1.1.0", {}, {"acc": 0.5}), holder, is_held=False)
    rule = {"gates": [{"metric": "acc", "on": "golden", "max_drop": 0.005}]}
    assert judge_one(rule, candidate).result == "fail"


def test_every_bound_of_an_entry_is_a_gate() -> None:
    candidate = make_candidate(
        make_version("1.1.0", {"acc": 0.9}), make_version(OLD, {"acc": 0.95})
    )
    results = judge({"gates": [{"metric": "acc", "min": 0.8, "max_drop": 0.01}]}, candidate)
    assert [(result.gate, result.result) for result in results] == [
        ("metric acc, min", "pass"),
        ("metric acc, max_drop", "fail"),
    ]
    assert results[0].evidence == candidate.recorded.digest if candidate.recorded else False


DROP = {"gates": [{"metric": "acc", "on": "golden", "max_drop": 0.5}]}
OWN = make_version("1.1.0", {}, {"acc": 0.9})
HOLDER = make_version(OLD, {}, {"acc": 0.9})


def _on(version: str, digest: Any, name: str = "golden") -> Any:
    return make_evaluation(version, {"acc": 0.9}, data={name: make_artifact(digest)})


UNKNOWN: dict[str, tuple[RecordedVersion | None, RecordedVersion | None, str]] = {
    "nobody looked": (None, HOLDER, "nobody looked at its records"),
    "never evaluated": (
        make_version("1.1.0", {"acc": 1}),
        HOLDER,
        "1.1.0 was not evaluated on golden",
    ),
    "evaluated on another exam": (
        make_version("1.1.0", {}, _on("1.1.0", OTHER)),
        HOLDER,
        "1.1.0 was evaluated on another golden than the one that is pinned",
    ),
    "evaluated on something else": (
        make_version("1.1.0", {}, _on("1.1.0", OTHER, "test")),
        HOLDER,
        "1.1.0 was not evaluated on golden",
    ),
    "an evaluation of another record": (
        make_version("1.1.0", {}, make_evaluation("1.1.0", {"acc": 0.9}, record=OTHER)),
        HOLDER,
        "the evaluations of 1.1.0 are of another record than the one here",
    ),
    "evaluated without the metric": (
        make_version("1.1.0", {}, {"loss": 0.9}),
        HOLDER,
        "1.1.0 was evaluated on golden without acc",
    ),
    "not a number": (
        make_version("1.1.0", {}, {"acc": float("nan")}),
        HOLDER,
        "acc is nan, which is no finite number",
    ),
    "infinite": (
        make_version("1.1.0", {}, {"acc": float("inf")}),
        HOLDER,
        "acc is inf, which is no finite number",
    ),
    "changed while it was measured": (
        make_version("1.1.0", {}, make_evaluation("1.1.0", {"acc": 0.9}, untouched=False)),
        HOLDER,
        "the files of 1.1.0 were changed while it was evaluated",
    ),
    "a baseline that was never evaluated": (
        OWN,
        make_version(OLD, {"acc": 0.9}),
        "1.0.0 was not evaluated on golden",
    ),
    "a baseline on another exam": (
        OWN,
        make_version(OLD, {}, _on(OLD, OTHER)),
        "1.0.0 was evaluated on another golden than the one that is pinned",
    ),
    "a baseline without the metric": (
        OWN,
        make_version(OLD, {}, {"loss": 1}),
        "1.0.0 was evaluated on golden without acc",
    ),
    "a baseline that is not a number": (
        OWN,
        make_version(OLD, {}, {"acc": float("nan")}),
        "acc is nan, which is no finite number",
    ),
}


@pytest.mark.parametrize(("own", "holder", "reason"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_missing_or_not_comparable_never_passes(
    own: RecordedVersion | None, holder: RecordedVersion, reason: str
) -> None:
    found = judge_one(DROP, make_candidate(own, holder))
    assert (found.result, found.actual) == ("inconclusive", reason)


def test_a_data_set_that_nobody_pinned_is_no_exam() -> None:
    found = judge_one(DROP, make_candidate(OWN, HOLDER), datasets={})
    assert (found.result, found.actual) == (
        "inconclusive",
        "golden is not pinned under `datasets`",
    )
    assert suggest_commands("m@1.1.0", [found]) == ("mlver config pin golden PATH",)


def test_what_would_settle_it_is_named() -> None:
    missing = judge_one(DROP, make_candidate(OWN, make_version(OLD)))
    assert suggest_commands("m@1.1.0", [missing]) == (
        "mlver evaluate m@1.0.0 --on golden -- COMMAND",
    )
    own_missing = judge_one(DROP, make_candidate(make_version("1.1.0"), HOLDER))
    assert suggest_commands("m@1.1.0", [own_missing]) == (
        "mlver evaluate m@1.1.0 --on golden -- COMMAND",
    )
    worse = judge_bound("max_drop", 0, 0.1, 0.9)
    assert suggest_commands("m@1.1.0", [worse]) == ("mlver show m@1.1.0",)


def test_evaluating_until_it_passes_shows() -> None:
    own = make_version("1.1.0", {}, {"acc": 0.5}, {"acc": 0.7}, {"acc": 0.9})
    found = judge_one(DROP, make_candidate(own, HOLDER))
    assert found.actual == "0.9 (the last of 3 evaluations; before: 0.5, 0.7)"
    assert found.evidence == own.evaluations[2][1]


def test_the_last_evaluation_counts_though_an_earlier_one_was_better() -> None:
    own = make_version("1.1.0", {}, {"acc": 0.9}, {"acc": 0.1})
    assert judge_one(DROP, make_candidate(own, HOLDER)).result == "fail"


def test_two_commands_measure_two_metrics() -> None:
    first = make_evaluation("1.1.0", {"acc": 0.9}, 1, command="accuracy.py")
    second = make_evaluation("1.1.0", {"latency": 3}, 2, command="latency.py")
    candidate = make_candidate(make_version("1.1.0", {}, first, second), HOLDER)
    assert judge_one(DROP, candidate).result == "pass"
    # The same command no longer says it: what it said before does not count.
    third = make_evaluation("1.1.0", {"loss": 1}, 3, command="accuracy.py")
    candidate = make_candidate(make_version("1.1.0", {}, first, second, third), HOLDER)
    assert judge_one(DROP, candidate).result == "inconclusive"


def _slices(**values: Any) -> dict[str, Any]:
    return {"by": {name: {"acc": value} for name, value in values.items()}}


SLICES: dict[str, tuple[dict[str, Any], dict[str, Any] | None, Result, Any]] = {
    "each as good": (
        _slices(de=0.9, fr=0.8),
        _slices(de=0.9, fr=0.8),
        "pass",
        "by.de.acc 0.9; 2 of 2 pass",
    ),
    "one is worse": (
        _slices(de=0.9, fr=0.7),
        _slices(de=0.9, fr=0.8),
        "fail",
        "by.fr.acc 0.7; 1 of 2 fail",
    ),
    "one is missing": (
        _slices(de=0.9),
        _slices(de=0.9, fr=0.8),
        "inconclusive",
        "by.fr.acc is missing; 1 of 2 cannot be told",
    ),
    "one is new": (
        _slices(de=0.9, fr=0.8),
        _slices(de=0.9),
        "inconclusive",
        "by.fr.acc 1.0.0 has no such value; 1 of 2 cannot be told",
    ),
    "worse and missing": (
        _slices(de=0.1),
        _slices(de=0.9, fr=0.8),
        "fail",
        "by.de.acc 0.1; 1 of 2 fail",
    ),
    "nothing matches": (
        {"acc": 1},
        _slices(de=0.9),
        "inconclusive",
        "1.1.0 was evaluated on golden without by.*.acc",
    ),
    "no baseline": (_slices(de=0.9), None, "pass", f"by.de.acc {NO_BASELINE}; 1 of 1 pass"),
}


@pytest.mark.parametrize(("own", "before", "result", "actual"), SLICES.values(), ids=SLICES)
def test_a_star_asks_every_slice(
    own: dict[str, Any], before: dict[str, Any] | None, result: Result, actual: str
) -> None:
    holder = None if before is None else make_version(OLD, {}, before)
    candidate = make_candidate(make_version("1.1.0", {}, own), holder)
    rule = {"gates": [{"metric": "by.*.acc", "on": "golden", "max_drop": 0.02}]}
    found = judge_one(rule, candidate)
    assert (found.result, found.actual) == (result, actual)


def test_a_least_value_wants_the_slices_of_the_holder_too() -> None:
    candidate = make_candidate(
        make_version("1.1.0", _slices(de=0.9)), make_version(OLD, _slices(de=0.9, fr=0.1))
    )
    found = judge_one({"gates": [{"metric": "by.*.acc", "min": 0.5}]}, candidate)
    assert found.result == "inconclusive"


def test_a_key_with_a_dot_is_quoted() -> None:
    candidate = make_candidate(make_version("1.1.0", {"top.5": {"acc": 0.9}}))
    found = judge_one({"gates": [{"metric": '"top.5".acc', "min": 0.9}]}, candidate)
    assert (found.gate, found.result) == ('metric "top.5".acc, min', "pass")


AMOUNTS = st.integers(-(10**6), 10**6)


@given(value=AMOUNTS, baseline=AMOUNTS, limit=st.integers(0, 10**6), digits=st.integers(0, 6))
def test_a_drop_in_decimals_is_whole_arithmetic(
    value: int, baseline: int, limit: int, digits: int
) -> None:
    scale = 10**digits
    found = judge_bound("max_drop", limit / scale, value / scale, baseline / scale)
    assert (found.result == "pass") == (baseline - value <= limit)


@given(value=AMOUNTS, baseline=AMOUNTS, percent=st.integers(0, 2_000))
def test_a_rise_in_percent_is_whole_arithmetic(value: int, baseline: int, percent: int) -> None:
    found = judge_bound("max_rise", f"{percent / 10}%", value / 1_000, baseline / 1_000)
    allowed = Fraction(percent, 1_000) * abs(baseline)
    assert (found.result == "pass") == (value - baseline <= allowed)


NUMBERS = st.floats(-1e6, 1e6) | st.integers(-100, 100)
LIMITS = st.floats(0, 1e3) | st.integers(0, 5) | st.sampled_from(["0%", "1%", "5%", "12.5%"])


@given(
    bound=st.sampled_from(["min", "max", "max_drop", "max_rise"]),
    value=NUMBERS,
    baseline=NUMBERS | st.none(),
    data=st.data(),
)
def test_a_tighter_number_never_opens_a_gate(
    bound: str, value: Any, baseline: Any, data: st.DataObject
) -> None:
    if bound in ("min", "max"):
        drawn_numbers: list[Any] = [data.draw(NUMBERS), data.draw(NUMBERS)]
        limits = sorted(drawn_numbers, reverse=bound == "max")
    else:
        is_percent = data.draw(st.booleans())
        drawn = LIMITS.filter(lambda limit: isinstance(limit, str) == is_percent)
        pair = (data.draw(drawn), data.draw(drawn))
        limits = sorted(pair, key=lambda limit: -float(str(limit).rstrip("%")))
    looser, tighter = limits
    if judge_bound(bound, tighter, value, baseline).result == "pass":
        assert judge_bound(bound, looser, value, baseline).result == "pass"


@given(value=st.sampled_from([float("nan"), float("inf"), float("-inf"), True, "0.9", None]))
def test_nothing_but_a_finite_number_passes(value: Any) -> None:
    for bound in ("min", "max", "max_drop", "max_rise"):
        assert judge_bound(bound, 0, value, 0).result == "inconclusive"
        assert judge_bound(bound, 0, value).result == "inconclusive"
    for bound in ("max_drop", "max_rise"):
        assert judge_bound(bound, 0, 0, float("nan")).result == "inconclusive"
