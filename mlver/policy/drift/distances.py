"""How far two distributions are apart: Kolmogorov–Smirnov, PSI, Jensen–Shannon, and moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from mlver.policy.drift.distribution import Distribution

# Bins of the population stability index: the deciles of the first distribution.
_BINS = 10
# Added to each bin, so that an empty one has a logarithm.
_HALF = 0.5


def measure_ks(old: Distribution, new: Distribution) -> float:
    """The largest distance between two cumulative distributions (Kolmogorov–Smirnov's D)."""
    largest = 0.0
    for value in (*old.values, *new.values):
        below = abs(old.share_below(value) - new.share_below(value))
        upto = abs(old.share_upto(value) - new.share_upto(value))
        largest = max(largest, below, upto)
    return largest


def count_bins(old: Distribution, new: Distribution, rows: tuple[int, int]) -> list[list[float]]:
    """Count the values of both in the deciles of the first, of so many rows each.

    Deciles that are equal are one, so there are fewer bins where values repeat. The values below
    the first decile of a column with one value alone have a bin of their own.
    """
    edges = sorted({old.find_quantile(level / _BINS) for level in range(1, _BINS)})
    counts: list[list[float]] = []
    for distribution, total in zip((old, new), rows, strict=True):
        cumulative = [distribution.share_below(edges[0])]
        cumulative += [distribution.share_upto(edge) for edge in edges]
        shares = [0.0, *cumulative, 1.0]
        pairs = pairwise(shares)
        counts.append([max(after - before, 0.0) * total for before, after in pairs])
    return _drop_empty_bins(counts)


def _drop_empty_bins(counts: list[list[float]]) -> list[list[float]]:
    kept = [place for place, pair in enumerate(zip(*counts, strict=True)) if any(pair)]
    return [[side[place] for place in kept] for side in counts]


def measure_psi(old: Sequence[float], new: Sequence[float]) -> float:
    """The population stability index of counts by bin, without what noise alone adds to it.

    Noise adds (bins − 1) × (1/rows + 1/rows) on average, so the result may be less than 0. Raise
    ValueError for other bins than the first has, or without rows.
    """
    _check_counts(old, new)
    old_total = math.fsum(old) + _HALF * len(old)
    new_total = math.fsum(new) + _HALF * len(new)
    terms: list[float] = []
    for before, after in zip(old, new, strict=True):
        old_share = (before + _HALF) / old_total
        new_share = (after + _HALF) / new_total
        terms.append((new_share - old_share) * math.log(new_share / old_share))
    noise = (len(old) - 1) * (1 / math.fsum(old) + 1 / math.fsum(new))
    return math.fsum(terms) - noise


def measure_js(old: Sequence[float], new: Sequence[float]) -> float:
    """The Jensen–Shannon divergence of counts by bin or category, in bits: from 0 to 1.

    Raise ValueError for other bins than the first has, or without rows.
    """
    _check_counts(old, new)
    old_total, new_total = math.fsum(old), math.fsum(new)
    terms: list[float] = []
    for before, after in zip(old, new, strict=True):
        old_share, new_share = before / old_total, after / new_total
        middle = (old_share + new_share) / 2
        for share in (old_share, new_share):
            if share:
                terms.append(share * math.log2(share / middle))
    return min(max(math.fsum(terms) / 2, 0.0), 1.0)


def _check_counts(old: Sequence[float], new: Sequence[float]) -> None:
    if len(old) != len(new):
        raise ValueError(f"{len(old)} and {len(new)} bins cannot be compared")
    if not math.fsum(old) or not math.fsum(new):
        raise ValueError("no rows have no distribution")


def measure_mean_shift(old_mean: float, old_variance: float, new_mean: float) -> float | None:
    """How far the mean moved, in standard deviations of the first; None where it has none."""
    if old_mean == new_mean:
        return 0.0
    deviation = math.sqrt(max(old_variance, 0.0))
    shift = (new_mean - old_mean) / deviation if deviation else math.inf
    return shift if math.isfinite(shift) else None


def measure_variance_shift(old_variance: float, new_variance: float) -> float | None:
    """By which share of the first the variance grew or fell; None where the first has none."""
    if old_variance == new_variance:
        return 0.0
    shift = (new_variance - old_variance) / old_variance if old_variance else math.inf
    return shift if math.isfinite(shift) else None
