"""Intervals of proportions: the figures of SciPy and statsmodels, digit by digit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlver.policy.proportions import (
    find_newcombe,
    find_quantile,
    find_share_p,
    find_wilson,
    spend_doubt,
    sum_doubt,
)
from mlver.records.verdict import EventCount

COUNTS = st.integers(1, 10**7).flatmap(
    lambda events: st.builds(EventCount, st.integers(0, events), st.just(events))
)
DOUBTS = st.sampled_from((0.05, 0.025, 0.01, 0.05 / 6, 0.05 / 72, 0.0001))


@given(COUNTS, DOUBTS)
def test_wilsons_interval_is_that_of_scipy(count: EventCount, doubt: float) -> None:
    ours = find_wilson(count, find_quantile(doubt))
    theirs = stats.binomtest(count.bad, count.events).proportion_ci(1 - 2 * doubt, "wilson")
    assert ours.low == pytest.approx(theirs.low, rel=1e-11, abs=1e-13)
    assert ours.high == pytest.approx(theirs.high, rel=1e-11, abs=1e-13)


# statsmodels 0.15: confint_proportions_2indep(15, 500, 40, 4500, method="newcomb", alpha=0.1)
STATSMODELS_LOW, STATSMODELS_HIGH = 0.010544340952784, 0.036541703395330


def test_newcombes_interval_is_that_of_statsmodels() -> None:
    found = find_newcombe(EventCount(15, 500), EventCount(40, 4500), find_quantile(0.05))
    assert found.low == pytest.approx(STATSMODELS_LOW, abs=1e-13)
    assert found.high == pytest.approx(STATSMODELS_HIGH, abs=1e-13)


@given(COUNTS, COUNTS, DOUBTS)
def test_newcombes_interval_is_joined_of_scipys(
    candidate: EventCount, baseline: EventCount, doubt: float
) -> None:
    ours = find_newcombe(candidate, baseline, find_quantile(doubt))
    level = 1 - 2 * doubt
    one = stats.binomtest(candidate.bad, candidate.events).proportion_ci(level, "wilson")
    two = stats.binomtest(baseline.bad, baseline.events).proportion_ci(level, "wilson")
    first, second = candidate.share, baseline.share
    low = first - second - math.hypot(first - one.low, two.high - second)
    high = first - second + math.hypot(one.high - first, second - two.low)
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-11, abs=1e-12)
    assert ours.low <= first - second <= ours.high


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.floats(0.01, 0.99))
def test_the_share_of_the_traffic_is_tested_as_scipy_does(
    candidate: int, baseline: int, planned: float
) -> None:
    events = candidate + baseline
    expected = [events * planned, events - events * planned]
    theirs = stats.chisquare([candidate, baseline], expected, sum_check=False).pvalue
    assert find_share_p(candidate, baseline, planned) == pytest.approx(theirs, rel=1e-9)


# SciPy 1.17: chisquare([430, 4070], [450, 4050]).pvalue and chisquare([300, 4400], [470, 4230])
@pytest.mark.parametrize(
    ("candidate", "baseline", "p"),
    [(430, 4070, 0.320224), (300, 4400, 1.44e-16)],
)
def test_a_traffic_share_of_a_tenth(candidate: int, baseline: int, p: float) -> None:
    assert find_share_p(candidate, baseline, 0.1) == pytest.approx(p, rel=0.01)


@given(st.floats(0.001, 0.5), st.integers(1, 60))
def test_looks_never_spend_more_than_there_is(alpha: float, looks: int) -> None:
    spent = math.fsum(spend_doubt(alpha, look) for look in range(1, looks + 1))
    assert spent == pytest.approx(sum_doubt(alpha, looks))
    assert spent < alpha


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bad ones of 2 events"):
        find_wilson(EventCount(3, 2), 1.6)
    with pytest.raises(ValueError, match="0 bad ones of 0 events"):
        find_wilson(EventCount(0, 0), 1.6)
    with pytest.raises(ValueError, match="share of 1"):
        find_share_p(1, 1, 1.0)
    with pytest.raises(ValueError, match="0 events"):
        find_share_p(0, 0, 0.5)
