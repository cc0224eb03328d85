"""P-values are those of SciPy, and adjusted as it does."""

from __future__ import annotations

import math
import random

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlver.policy.drift.probabilities import (
    adjust_probabilities,
    find_chi2_tail,
    find_counts_p,
    find_ks_p,
)

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@pytest.mark.parametrize("rows", [282, 1_000, 18_000])
@pytest.mark.parametrize("squares", [0.3, 1.0, 2.1, 2.3, 5.0, 12.0])
def test_ks_p_is_that_of_scipys_asymptotic_method(rows: int, squares: float) -> None:
    together = rows // 2
    distance = math.sqrt(squares / together)
    expected = float(stats.kstwo.sf(distance, together))
    # Of few rows and a small distance SciPy takes the exact distribution.
    close = 1e-5 if squares < 1 else 1e-11
    assert find_ks_p(distance, rows, rows) == pytest.approx(expected, rel=close)


def test_ks_p_of_many_rows_comes_close() -> None:
    distance = math.sqrt(8 / 500_000)
    expected = float(stats.kstwo.sf(distance, 500_000))
    assert find_ks_p(distance, 1_000_000, 1_000_000) == pytest.approx(expected, rel=1e-3)


def test_ks_p_of_the_bounds() -> None:
    assert (find_ks_p(0, 500, 500), find_ks_p(1, 500, 500), find_ks_p(0.5, 1, 0)) == (1, 0, 1)
    assert find_ks_p(1e-9, 500, 500) == 1


@given(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1))
def test_ks_p_is_a_share_that_falls_with_the_distance(old: int, new: int, part: float) -> None:
    # Of samples it is a multiple of one over both numbers.
    distance = round(part * old * new) / (old * new)
    assert 0 <= find_ks_p(distance, old, new) <= 1
    assert find_ks_p(distance / 2, old, new) >= find_ks_p(distance, old, new) - 1e-6


@pytest.mark.parametrize("freedom", [1, 2, 9, 50, 999])
@pytest.mark.parametrize("share", [0.01, 0.5, 1.0, 1.5, 4.0])
def test_chi_squared_tails_are_those_of_scipy(freedom: int, share: float) -> None:
    expected = float(stats.chi2.sf(freedom * share, freedom))
    assert find_chi2_tail(freedom * share, freedom) == pytest.approx(
        expected, rel=1e-10, abs=1e-290
    )


def test_counts_are_tested_as_pearson_did() -> None:
    old, new = [50, 80, 120, 40], [60, 70, 130, 55]
    expected = stats.chi2_contingency([old, new], correction=False).pvalue
    assert find_counts_p(old, new) == pytest.approx(float(expected), rel=1e-12)


def test_rare_categories_are_counted_together() -> None:
    common = [400, 300]
    expected = find_counts_p([*common, 12], [*common, 14])
    rare = ([3, 2, 3, 4], [3, 4, 3, 4])
    assert find_counts_p([*common, *rare[0]], [*common, *rare[1]]) == pytest.approx(expected)
    assert find_counts_p([5, 0], [3, 0]) == 1
    assert find_counts_p([0, 0], [3, 5]) == 1


@given(SHARES)
def test_adjusted_as_scipy_does(shares: list[float]) -> None:
    expected = stats.false_discovery_control(numpy.array(shares))
    assert adjust_probabilities(shares) == pytest.approx(expected.tolist(), rel=1e-12)


@given(SHARES, st.randoms())
def test_the_order_of_the_tests_means_nothing(shares: list[float], chance: random.Random) -> None:
    places = list(range(len(shares)))
    chance.shuffle(places)
    shuffled = adjust_probabilities([shares[place] for place in places])
    assert [shuffled[places.index(place)] for place in range(len(shares))] == list(
        adjust_probabilities(shares)
    )
