"""The rule of verdicts: its answers, how often they are wrong, and counts that do not give them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlver.policy.verdict_rule import find_false_verdict, judge_looks
from mlver.records.verdict import VerdictLook
from tests.policy.made_verdicts import (
    BAD,
    GOOD,
    make_look,
    make_record,
    make_settings,
    simulate_threshold,
    simulate_verdicts,
)


def test_an_equally_good_version_passes_once_that_is_sure() -> None:
    judged = judge_looks(make_settings(), GOOD)
    assert (judged.answer, judged.looks) == ("pass", 6)
    assert judged.spent == pytest.approx(0.05 * 6 / 7)
    (interval,) = judged.intervals
    assert interval.low < 0 < interval.high <= 0.01


def test_a_version_with_more_errors_fails_at_the_first_look() -> None:
    judged = judge_looks(make_settings(), BAD)
    assert (judged.answer, judged.looks) == ("fail", 1)
    assert judged.reason == (
        "too many bad events: 12.00% of errors beside 1.00%, a difference between +5.92% and"
        " +20.17%, of at most +1.00%"
    )


def test_fewer_than_five_bad_events_never_fail() -> None:
    burst = make_look((4, 100), (0, 90_000))
    assert judge_looks(make_settings(), [burst]).answer == "inconclusive"
    assert judge_looks(make_settings(), [make_look((5, 100), (0, 90_000))]).answer == "fail"


def test_a_maximum_needs_no_baseline() -> None:
    settings = make_settings(None, 0.05)
    assert judge_looks(settings, [make_look((20, 100), None)]).answer == "fail"
    assert judge_looks(settings, [make_look((1, 100), None)]).answer == "inconclusive"
    looks = [make_look((0, 100), None), make_look((2, 200), None)]
    assert judge_looks(settings, looks).answer == "pass"
    told = judge_looks(make_settings(0.01), [make_look((20, 100), None)])
    assert (told.answer, "no version to compare with" in told.reason) == ("inconclusive", True)


def test_a_maximum_and_a_margin_have_to_hold_both() -> None:
    settings = make_settings(0.05, 0.01)
    looks = [make_look((60, 1000), (600, 10_000))]
    judged = judge_looks(settings, looks)
    assert [(one.limit, one.answer) for one in judged.intervals] == [
        ("margin", "pass"),
        ("max", "fail"),
    ]
    assert judged.answer == "fail"


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (make_look((40, 100), (600, 900)), "the baseline is broken itself: 67% of errors are bad"),
        (make_look((1, 100), (0, 20)), "20 events of the baseline tell of errors"),
    ],
)
def test_counts_that_tell_nothing_give_no_answer(look: VerdictLook, words: str) -> None:
    judged = judge_looks(make_settings(), [look])
    assert judged.answer == "inconclusive"
    assert words in judged.reason


def test_another_share_of_the_traffic_than_planned_gives_no_answer() -> None:
    assert judge_looks(make_settings(), BAD, 0.1).answer == "fail"
    judged = judge_looks(make_settings(), BAD, 0.3)
    assert judged.answer == "inconclusive"
    assert "10.00% of the traffic, and 30.00% was planned" in judged.reason


def test_wrong_answers_are_rare_where_a_bare_threshold_is_often_wrong() -> None:
    """Of 1 % errors with a margin of one point; 2.6 % and 0.12 % were found of 200,000 runs."""
    good = simulate_verdicts(0.01, 0.01, 0.01, runs=4_000, seed=1)
    harmful = simulate_verdicts(0.02, 0.01, 0.01, runs=4_000, seed=2)
    assert good["fail"] <= 0.03
    assert good["pass"] >= 0.95
    assert harmful["pass"] <= 0.002
    # The same limit on fifty events of the candidate alone.
    assert 1 - simulate_threshold(0.01, 0.02, runs=4_000, seed=1) > 0.07
    assert simulate_threshold(0.03, 0.02, runs=4_000, seed=1) > 0.5


@pytest.mark.long
@pytest.mark.parametrize(("share", "margin"), [(0.01, 0.01), (0.002, 0.003)])
def test_wrong_answers_are_rare_in_many_runs(share: float, margin: float) -> None:
    good = simulate_verdicts(share, share, margin, runs=20_000, seed=3)
    harmful = simulate_verdicts(share + margin, share, margin, runs=20_000, seed=4)
    worse = simulate_verdicts(share + 2 * margin, share, margin, runs=4_000, seed=5)
    assert good["fail"] <= 0.03
    assert harmful["pass"] <= 0.002
    assert worse["fail"] >= 0.99


# -- records -------------------------------------------------------------------------------------


def test_a_record_is_borne_out_by_its_counts() -> None:
    for looks in (GOOD, BAD):
        assert find_false_verdict(make_record(looks)) is None


def test_a_record_whose_counts_do_not_give_its_answer_is_named() -> None:
    failed = make_record(BAD)
    forged = replace(failed, answer="pass")
    fault = find_false_verdict(forged)
    assert fault is not None
    assert fault.startswith("says pass, and by its counts it is fail: too many bad events: 12.00%")
    passed = make_record(GOOD)
    fewer = replace(passed, looks=passed.looks[:-1])
    assert "by its counts it is inconclusive" in str(find_false_verdict(fewer))
    assert "intervals" in str(find_false_verdict(replace(passed, intervals=())))
    assert "spent" in str(find_false_verdict(replace(passed, spent=0.01)))
    assert "rule 2" in str(find_false_verdict(replace(passed, rule=2)))


def test_looks_that_cannot_have_been_are_named() -> None:
    passed = make_record(GOOD)
    early = replace(passed, looks=passed.looks[-1:] * 2)
    assert find_false_verdict(early) is not None
    doubled = replace(passed, looks=(passed.looks[0], passed.looks[0], *passed.looks[1:]))
    assert "before its time" in str(find_false_verdict(doubled))
    fewer = replace(passed, looks=(GOOD[3], make_look((0, 400), (9, 9000))))
    assert "less at look 2" in str(find_false_verdict(fewer))
    assert "does not name" in str(find_false_verdict(replace(passed, baseline=None)))
    impossible = replace(passed, looks=(make_look((101, 100), (1, 900)),))
    assert "more bad events" in str(find_false_verdict(impossible))


def test_no_answer_claims_nothing() -> None:
    undecided = replace(make_record(BAD), answer="inconclusive")
    assert find_false_verdict(undecided) is None
