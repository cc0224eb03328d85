"""How sure the difference of two proportions is where both were counted of the same requests. Pure.

A shadow answers the requests that the baseline answers. What both answer well, or both badly, says
nothing of a difference; only the requests on which they disagree do.
"""

from __future__ import annotations

import math

from mlver.policy.proportions import ConfidenceInterval, find_wilson
from mlver.records.verdict import MetricCount

_NEGLIGIBLE = 1e-18


def find_mcnemar_p(candidate_only: int, baseline_only: int) -> float:
    """The probability of as many requests that only the candidate answers badly, by chance alone.

    McNemar's exact test, one-sided: of the requests on which the two disagree, either is the bad
    one half of the times. Q. McNemar, Psychometrika 12 (1947) 153–157.
    """
    pairs = candidate_only + baseline_only
    if 2 * candidate_only <= pairs:
        # The larger part of the distribution is what is left of the smaller one.
        return 1.0 - _sum_tail(pairs, baseline_only + 1)
    return _sum_tail(pairs, candidate_only)


def _sum_tail(pairs: int, least: int) -> float:
    """The probability of `least` heads or more, which are more than half of so many coins."""
    if least > pairs:
        return 0.0
    logarithm = math.lgamma(pairs + 1) - math.lgamma(least + 1) - math.lgamma(pairs - least + 1)
    term = total = 1.0
    for heads in range(least, pairs):
        # From one number of heads to the next, of which there are fewer and fewer.
        term *= (pairs - heads) / (heads + 1)
        total += term
        if term < total * _NEGLIGIBLE:
            break
    return min(math.exp(logarithm - pairs * math.log(2) + math.log(total)), 1.0)


def find_paired(count: MetricCount, quantile: float) -> ConfidenceInterval:
    """The interval of the candidate's share less the baseline's, of pairs.

    Method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998) 2635–2650: two Wilson intervals,
    joined by how much the two agree. Raise ValueError without events.
    """
    assert count.baseline is not None
    ours, theirs = count.candidate, count.baseline
    own, other = find_wilson(ours, quantile), find_wilson(theirs, quantile)
    agreement = _find_agreement(count)
    difference = ours.share - theirs.share
    below = _join(ours.share - own.low, other.high - theirs.share, agreement)
    above = _join(own.high - ours.share, theirs.share - other.low, agreement)
    return ConfidenceInterval(difference - below, difference + above)


def _join(own: float, other: float, agreement: float) -> float:
    return math.sqrt(max(own * own - 2 * agreement * own * other + other * other, 0.0))


def _find_agreement(count: MetricCount) -> float:
    """Pearson's φ of the two, with Newcombe's correction for continuity."""
    assert count.baseline is not None
    assert count.both is not None
    events, bad, other = count.candidate.events, count.candidate.bad, count.baseline.bad
    product = bad * (events - bad) * other * (events - other)
    if not product:
        return 0.0
    crossed = count.both * (events - bad - other + count.both)
    crossed -= (bad - count.both) * (other - count.both)
    if crossed > 0:
        return max(crossed - events / 2, 0.0) / math.sqrt(product)
    return crossed / math.sqrt(product)
