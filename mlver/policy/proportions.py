"""How sure two proportions of bad events are, and how sure their difference is. Pure.

Events are counted, not averaged by the minute: minutes that follow each other are alike, and tests
that take them for independent raise false alarms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from mlver.records.verdict import EventCount


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """The values that the counts do not rule out."""

    low: float
    high: float


def find_quantile(doubt: float) -> float:
    """The normal quantile that leaves `doubt` above itself, which lies between 0 and 1."""
    return -NormalDist().inv_cdf(doubt)


def find_wilson(count: EventCount, quantile: float) -> ConfidenceInterval:
    """The score interval of a proportion: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209–212.

    Each end is one-sided at the doubt that `quantile` stands for. Raise ValueError without events,
    and for more bad ones than there are.
    """
    if not count.events or not count.is_possible:
        raise ValueError(f"{count.bad:,} bad ones of {count.events:,} events tell nothing")
    squared = quantile * quantile
    share, events = count.share, count.events
    scale = 1 + squared / events
    center = share + squared / (2 * events)
    half = quantile * math.sqrt(share * (1 - share) / events + squared / (4 * events * events))
    # Exact arithmetic ends at 0 and 1; rounding may lie beside.
    low = 0.0 if count.bad == 0 else (center - half) / scale
    high = 1.0 if count.bad == events else (center + half) / scale
    return ConfidenceInterval(max(low, 0.0), min(high, 1.0))


def find_newcombe(
    candidate: EventCount, baseline: EventCount, quantile: float
) -> ConfidenceInterval:
    """The hybrid score interval of the candidate's share less the baseline's.

    Method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890: two Wilson intervals,
    joined so that it holds for rare events, too. Raise ValueError where one has no events.
    """
    ours, theirs = find_wilson(candidate, quantile), find_wilson(baseline, quantile)
    difference = candidate.share - baseline.share
    below = math.hypot(candidate.share - ours.low, theirs.high - baseline.share)
    above = math.hypot(ours.high - candidate.share, baseline.share - theirs.low)
    return ConfidenceInterval(difference - below, difference + above)


def spend_doubt(alpha: float, look: int) -> float:
    """What the look of this number (1 is the first) may spend of `alpha`: alpha / (k (k + 1)).

    However many looks there are, together they never spend more than `alpha`, so that the chance
    of a wrong answer at any of them is no larger (Bonferroni's bound).
    """
    return alpha / (look * (look + 1))


def sum_doubt(alpha: float, looks: int) -> float:
    """What so many looks spent together."""
    return alpha * looks / (looks + 1)


def find_share_p(candidate: int, baseline: int, planned: float) -> float:
    """The probability of a share of the traffic as far from the `planned` one by chance alone.

    Pearson's χ² test with one degree of freedom, whose tail is erfc(√(χ²/2)). Raise ValueError
    without events, and for a share that is not between 0 and 1.
    """
    events = candidate + baseline
    if not events or not 0 < planned < 1:
        raise ValueError(f"{events:,} events cannot be held against a share of {planned}")
    expected = events * planned
    squared = (candidate - expected) ** 2
    statistic = squared / expected + squared / (events - expected)
    return math.erfc(math.sqrt(statistic / 2))
