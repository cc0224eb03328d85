"""Distances are those of SciPy, and noise alone is none."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from mlver.policy.drift import distances
from mlver.policy.drift.distribution import Distribution, describe_quantiles, describe_sample

# With repeated values, of which quantiles know little.
NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e300, 1e300))
SAMPLES = st.lists(NUMBERS, min_size=1, max_size=60)
COUNTS = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=30)


def take_quantiles(sample: list[float], count: int = 256) -> Distribution:
    ordered = sorted(sample)
    places = [math.ceil(level * len(ordered) / (count - 1)) for level in range(count)]
    return describe_quantiles([ordered[max(place - 1, 0)] for place in places])


# SciPy divides by zero where there is one value on each side.
@given(SAMPLES, st.lists(NUMBERS, min_size=2, max_size=60))
def test_ks_of_samples_is_that_of_scipy(old: list[float], new: list[float]) -> None:
    expected = stats.ks_2samp(old, new, method="asymp").statistic
    distance = distances.measure_ks(describe_sample(old), describe_sample(new))
    assert distance == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("digits", [0, 1, 12])
def test_ks_of_quantiles_is_off_by_less_than_their_gap(shift: float, digits: int) -> None:
    chance = numpy.random.default_rng(7)
    old = numpy.round(chance.normal(size=4_000), digits).tolist()
    new = numpy.round(chance.normal(shift, 1, size=3_000), digits).tolist()
    exact = distances.measure_ks(describe_sample(old), describe_sample(new))
    close = distances.measure_ks(take_quantiles(old), describe_sample(new))
    both = distances.measure_ks(take_quantiles(old), take_quantiles(new))
    assert close == pytest.approx(exact, abs=1 / 255)
    assert both == pytest.approx(exact, abs=2 / 255)


@given(COUNTS)
def test_js_is_the_square_of_scipys_distance(pairs: list[tuple[int, int]]) -> None:
    old, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assume(sum(old) and sum(new))
    expected = float(jensenshannon(old, new, base=2)) ** 2
    assert distances.measure_js(old, new) == pytest.approx(expected, abs=1e-12)


def test_js_is_between_nothing_and_one_bit() -> None:
    assert distances.measure_js([5, 5], [50, 50]) == 0
    assert distances.measure_js([5, 0], [0, 3]) == 1


@pytest.mark.parametrize("rows", [200, 1_000])
def test_psi_of_noise_is_about_nothing(rows: int) -> None:
    chance = numpy.random.default_rng(rows)
    found = [
        distances.measure_psi(*chance.multinomial(rows, [0.1] * 10, size=2).tolist())
        for _ in range(300)
    ]
    # The usual index is 0.09 on average with 200 rows.
    assert abs(float(numpy.mean(found))) < 0.3 * 9 * 2 / rows


def test_psi_by_hand() -> None:
    old, new = [90, 10], [50, 50]
    shares = [(90.5 / 101, 50.5 / 101), (10.5 / 101, 50.5 / 101)]
    plain = sum((after - before) * math.log(after / before) for before, after in shares)
    assert distances.measure_psi(old, new) == pytest.approx(plain - 2 / 100, abs=1e-12)


@given(SAMPLES, SAMPLES)
def test_every_value_is_in_one_bin(old: list[float], new: list[float]) -> None:
    counts = distances.count_bins(describe_sample(old), describe_sample(new), (len(old), len(new)))
    assert [sum(side) for side in counts] == pytest.approx([len(old), len(new)])
    assert len(counts[0]) <= 11
    assert all(any(pair) for pair in zip(*counts, strict=True))


def test_a_constant_that_became_less_is_in_another_bin() -> None:
    old, new = describe_sample([5.0] * 10), describe_sample([3.0] * 10)
    assert distances.count_bins(old, new, (10, 10)) == [[0, 10], [10, 0]]


def test_shifts_of_moments() -> None:
    assert distances.measure_mean_shift(1, 4, 2) == 0.5
    assert distances.measure_mean_shift(1, 0, 1) == 0
    assert distances.measure_mean_shift(1, 0, 2) is None
    assert distances.measure_variance_shift(2, 3) == 0.5
    assert distances.measure_variance_shift(0, 3) is None
    assert distances.measure_variance_shift(0, 0) == 0


@pytest.mark.parametrize("measure", [distances.measure_psi, distances.measure_js])
def test_what_cannot_be_compared_is_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match="cannot be compared"):
        measure([1], [1, 2])
    with pytest.raises(ValueError, match="no rows"):
        measure([1], [0])


@given(SAMPLES, NUMBERS)
def test_a_distribution_grows_from_nothing_to_all(sample: list[float], value: float) -> None:
    for distribution in (describe_sample(sample), take_quantiles(sample)):
        assert 0 <= distribution.share_below(value) <= distribution.share_upto(value) <= 1
        assert distribution.share_below(min(sample)) == 0
        assert distribution.share_upto(max(sample)) == 1
    shares = sum(number <= value for number in sample) / len(sample)
    assert describe_sample(sample).share_upto(value) == shares


def test_nothing_has_no_distribution() -> None:
    with pytest.raises(ValueError, match="no values"):
        describe_sample([])
    with pytest.raises(ValueError, match="no quantiles"):
        describe_quantiles([])
