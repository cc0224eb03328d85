"""How sure a drop is: exact for right and wrong, drawn by a seed for other scores."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.samples import Agreement, Samples, measure_agreement
from mlver.policy.statistics import (
    find_blur,
    find_mcnemar,
    find_upper_share,
    measure_drop,
)

DIGESTS = (Digest("ab" * 32), Digest("cd" * 32))


def make_scores(both: int, lost: int, won: int, neither: int) -> tuple[list[float], list[float]]:
    baseline = [1.0] * (both + lost) + [0.0] * (won + neither)
    candidate = [1.0] * both + [0.0] * lost + [1.0] * won + [0.0] * neither
    return baseline, candidate


# SciPy 1.17: binomtest(lost, lost + won).pvalue
@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (1, 0, 1.0),
        (9, 1, 0.021484375),
        (1, 9, 0.021484375),
        (27, 13, 0.03847730828420026),
        (26, 14, 0.0806904677519924),
        (300, 200, 8.940066542253288e-06),
    ],
)
def test_the_exact_p_value(lost: int, won: int, p: float) -> None:
    assert find_mcnemar(lost, won) == pytest.approx(p, rel=1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_is_that_of_throwing_a_coin(lost: int, won: int) -> None:
    throws = lost + won
    tail = sum(math.comb(throws, heads) for heads in range(min(lost, won) + 1))
    assert find_mcnemar(lost, won) == float(min(Fraction(1), Fraction(2 * tail, 2**throws)))


def test_a_great_many_disagreements_take_no_time() -> None:
    assert find_mcnemar(50_400, 50_000) == pytest.approx(0.20794602416763086, rel=1e-9)
    assert 0 < find_mcnemar(60_000, 40_000) < 1e-300 or find_mcnemar(60_000, 40_000) == 0


# SciPy 1.17: binomtest(k, n).proportion_ci(confidence_level=0.95, method="exact").high
@pytest.mark.parametrize(
    ("successes", "trials", "upper"),
    [
        (0, 10, 0.30849710781876294),
        (5, 10, 0.8129139715525955),
        (20, 40, 0.6619821862627654),
        (10, 10, 1.0),
        (700, 1000, 0.7282788878708513),
    ],
)
def test_the_upper_limit_of_clopper_and_pearson(successes: int, trials: int, upper: float) -> None:
    assert find_upper_share(successes, trials, 0.025) == pytest.approx(upper, rel=1e-9)


def test_right_and_wrong_answers_are_judged_exactly() -> None:
    """Of 1,000 rows that differ in forty, 0.014 is the smallest difference that can be proven."""
    baseline, candidate = make_scores(900, 27, 13, 60)
    drop = measure_drop(baseline, candidate, 0.95, DIGESTS)
    assert (drop.rows, drop.method, drop.drop) == (1000, "exact McNemar", 0.014)
    assert drop.p is not None
    assert drop.p < 0.05
    # Seen from the other side: the rise may be nothing at most.
    rise = measure_drop(candidate, baseline, 0.95, DIGESTS)
    assert rise.upper < 0.0037  # what 1,000 rows could hide
    assert measure_drop(*make_scores(900, 20, 20, 60), 0.95, DIGESTS).upper == pytest.approx(
        0.012958, abs=1e-5
    )


def test_a_few_rows_that_agree_prove_little() -> None:
    same = measure_drop(*make_scores(9, 0, 0, 1), 0.95, DIGESTS)
    assert same.drop == 0
    assert same.upper == pytest.approx(0.3085, abs=1e-4)
    assert measure_drop(*make_scores(9_000, 0, 0, 1_000), 0.95, DIGESTS).upper < 0.0004


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 60), st.floats(0.5, 0.99))
def test_the_upper_end_covers_the_drop_and_grows_with_the_confidence(
    lost: int, won: int, rest: int, confidence: float
) -> None:
    scores = make_scores(rest, lost, won, 0)
    drop = measure_drop(*scores, confidence, DIGESTS)
    assert drop.drop - 1e-9 <= drop.upper <= 1
    assert measure_drop(*scores, (1 + confidence) / 2, DIGESTS).upper >= drop.upper - 1e-9


def test_other_scores_are_drawn_the_same_way_each_time() -> None:
    chance = random.Random(3)
    baseline = [chance.gauss(0.5, 0.1) for _ in range(400)]
    candidate = [score - 0.02 + chance.gauss(0, 0.05) for score in baseline]
    first = measure_drop(baseline, candidate, 0.95, DIGESTS)
    assert first.method == "paired bootstrap"
    assert first == measure_drop(baseline, candidate, 0.95, DIGESTS)
    other = measure_drop(baseline, candidate, 0.95, (DIGESTS[1], DIGESTS[0]))
    assert other.drop == first.drop
    assert other.upper != first.upper
    # Near the interval of the normal approximation.
    assert first.upper == pytest.approx(first.drop + 1.96 * 0.05 / 20, abs=0.0015)


def test_many_rows_are_drawn_in_groups() -> None:
    chance = random.Random(4)
    baseline = [chance.random() for _ in range(20_001)]
    candidate = [score + chance.gauss(0, 0.3) for score in baseline]
    drop = measure_drop(baseline, candidate, 0.95, DIGESTS)
    assert drop.upper - drop.drop == pytest.approx(1.96 * 0.3 / math.sqrt(20_000), rel=0.15)


@pytest.mark.parametrize(
    ("baseline", "candidate", "confidence"),
    [([1.0], [1.0, 0.0], 0.95), ([], [], 0.95), ([1.0], [1.0], 1.0), ([1.0], [1.0], 0.0)],
)
def test_what_cannot_be_compared_is_refused(
    baseline: list[float], candidate: list[float], confidence: float
) -> None:
    with pytest.raises(ValueError, match=r"paired|no confidence"):
        measure_drop(baseline, candidate, confidence, DIGESTS)


def test_how_far_off_one_measurement_may_be() -> None:
    assert find_blur(0.92, 1_000) == pytest.approx(0.0168, abs=1e-4)
    assert find_blur(0.92, 5_000) == pytest.approx(0.0075, abs=1e-4)
    assert find_blur(1.0, 10) == 0
    assert find_blur(1.2, 10) == 0
    with pytest.raises(ValueError, match="no rows"):
        find_blur(0.9, 0)


def test_two_versions_agree_by_their_answers_or_else_by_their_scores() -> None:
    one = Samples((1.0, 0.0, 0.0), ("cat", "dog", "cow"))
    other = Samples((1.0, 0.0, 0.0), ("cat", "cat", "cow"))
    assert measure_agreement(one, other) == Agreement(rows=3, alike=2, of="answers")
    scores = Samples(one.scores, ())
    assert measure_agreement(scores, other) == Agreement(rows=3, alike=3, of="scores")
    with pytest.raises(ValueError, match="paired"):
        measure_agreement(one, Samples((1.0,), ("cat",)))
