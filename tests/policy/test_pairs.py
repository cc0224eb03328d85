"""Pairs of answers: the exact test and the interval, held against SciPy and against chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mlver.policy.pairs import find_mcnemar_p, find_paired
from mlver.policy.proportions import find_newcombe, find_quantile
from mlver.policy.verdict_rule import judge_limit
from mlver.records.verdict import EventCount, MetricCount

_COUNTS = st.integers(0, 3_000)


@given(_COUNTS, _COUNTS)
def test_the_test_is_exact(ours: int, theirs: int) -> None:
    found = find_mcnemar_p(ours, theirs)
    if not ours + theirs:
        assert found == 1.0
        return
    expected = binomtest(ours, ours + theirs, 0.5, alternative="greater").pvalue
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-14)


def make_pairs(both: int, ours: int, theirs: int, neither: int) -> MetricCount:
    events = both + ours + theirs + neither
    return MetricCount(
        candidate=EventCount(both + ours, events),
        baseline=EventCount(both + theirs, events),
        both=both,
    )


def test_the_interval_is_newcombes() -> None:
    """The examples of his paper of 1998 on paired proportions, method 10 at 95 %."""
    for cells, low, high in (
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((54, 0, 0, 0), -0.0664, 0.0664),
        ((30, 0, 0, 0), -0.1135, 0.1135),
    ):
        found = find_paired(make_pairs(*cells), find_quantile(0.025))
        for end, expected in ((found.low, low), (found.high, high)):
            assert end == pytest.approx(expected, abs=2e-4)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.integers(1, 200))
def test_the_interval_holds_the_difference(both: int, ours: int, theirs: int, neither: int) -> None:
    count = make_pairs(both, ours, theirs, neither)
    assert count.is_possible
    assert count.baseline is not None
    found = find_paired(count, 1.96)
    difference = count.candidate.share - count.baseline.share
    assert found.low <= difference + 1e-12
    assert difference - 1e-12 <= found.high
    if both * neither > ours * theirs:
        # Who agrees is surer of a difference than two that answered other requests.
        apart = find_newcombe(count.candidate, count.baseline, 1.96)
        assert apart.low - 1e-9 <= found.low
        assert found.high <= apart.high + 1e-9


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 60))
def test_what_cannot_be_counted_is_known(bad: int, other: int, events: int, both: int) -> None:
    count = MetricCount(
        candidate=EventCount(bad, events), baseline=EventCount(other, events), both=both
    )
    cells = (both, bad - both, other - both, events - bad - other + both)
    possible = bad <= events and other <= events and min(cells) >= 0
    assert count.is_possible == possible


def test_pairs_decide_what_counts_apart_cannot() -> None:
    """Both stumble over the same requests; the candidate over a few more."""
    paired = make_pairs(100, 24, 2, 874)
    apart = MetricCount(candidate=paired.candidate, baseline=paired.baseline)
    assert judge_limit("errors", paired, "margin", 0.01, 0.001).answer == "fail"
    assert judge_limit("errors", apart, "margin", 0.01, 0.001).answer == "inconclusive"


def test_equal_shadows_are_seldom_failed() -> None:
    chance = np.random.default_rng(20260103)
    failed = 0
    for _ in range(3_000):
        ours, theirs = chance.binomial(400, [0.02, 0.02])
        count = make_pairs(20, int(ours), int(theirs), 400)
        failed += judge_limit("errors", count, "margin", 0.0, 0.05).answer == "fail"
    assert failed / 3_000 <= 0.05
