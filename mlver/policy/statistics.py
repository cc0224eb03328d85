"""What two versions' samples on the same rows say of each other: how sure a drop is.

A drop is the mean score of the baseline less that of the candidate, row by row. Its interval is
two-sided, and decides by its upper end: a gate is sure only of what lies above it.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from mlver.digest import Digest

Method = Literal["exact McNemar", "paired bootstrap"]
_RESAMPLES = 2_000
# More rows than these are drawn in groups, as the time grows with them.
_MOST_GROUPS = 2_000
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDrop:
    """How much lower the candidate's mean score is on so many rows, and at most with confidence.

    `p` is the two-sided exact probability of as uneven a disagreement by chance alone (McNemar),
    None for scores that are not all 0 or 1.
    """

    rows: int
    drop: float
    upper: float
    method: Method
    p: float | None = None


def measure_drop(
    baseline: Sequence[float],
    candidate: Sequence[float],
    confidence: float,
    digests: tuple[Digest, Digest],
) -> PairedDrop:
    """Measure the drop from one version's scores to another's, with its upper end.

    `digests` are those of the two files of samples: the bootstrap draws by them, so that everybody
    gets the same answer. For a rise, give the candidate first. Raise ValueError for other rows than
    the baseline has, for none, and for a confidence that is not between 0 and 1.
    """
    if len(baseline) != len(candidate) or not baseline:
        raise ValueError(f"{len(baseline):,} and {len(candidate):,} rows cannot be paired")
    if not 0 < confidence < 1:
        raise ValueError(f"{confidence} is no confidence: it lies between 0 and 1")
    if set(baseline) | set(candidate) <= {0.0, 1.0}:
        return _measure_by_mcnemar(baseline, candidate, confidence)
    return _measure_by_bootstrap(baseline, candidate, confidence, digests)


def _measure_by_mcnemar(
    baseline: Sequence[float], candidate: Sequence[float], confidence: float
) -> PairedDrop:
    """Measure it by the rows on which only one of the two is right.

    Given how many there are, the share that the candidate lost follows a binomial distribution,
    whose upper limit (Clopper and Pearson, 1934) is that of the drop. It is never below what so
    many rows could hide if none of them told the two apart.
    """
    rows = len(baseline)
    pairs = list(zip(baseline, candidate, strict=True))
    lost = sum(before > after for before, after in pairs)
    won = sum(before < after for before, after in pairs)
    apart = lost + won
    doubt = (1 - confidence) / 2
    hidden = -math.expm1(math.log(doubt) / rows)
    upper = (2 * find_upper_share(lost, apart, doubt) - 1) * apart / rows
    return PairedDrop(
        rows=rows,
        drop=(lost - won) / rows,
        upper=max(upper, hidden),
        method="exact McNemar",
        p=find_mcnemar(lost, won),
    )


def find_mcnemar(lost: int, won: int) -> float:
    """The exact two-sided p-value: that of `lost` heads in so many throws of a fair coin."""
    throws = lost + won
    fewer = min(lost, won)
    if 2 * fewer == throws:
        return 1.0
    # math.comb would compute each of thousands of terms from scratch.
    term = total = math.comb(throws, fewer)
    for count in range(fewer, 0, -1):
        term = term * count // (throws - count + 1)
        total += term
    share: float = 2 * total / (1 << throws)
    return min(1.0, share)


def find_upper_share(successes: int, trials: int, doubt: float) -> float:
    """The largest share under which as few successes still come with this probability."""
    if successes == trials:
        return 1.0
    low, high = successes / trials, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _find_binomial(successes, trials, middle) > doubt:
            low = middle
        else:
            high = middle
    return high


def _find_binomial(successes: int, trials: int, share: float) -> float:
    """The probability of at most so many successes."""
    if share >= 1:
        return 0.0
    odds = math.log(share) - math.log1p(-share)
    logarithm = (
        math.lgamma(trials + 1)
        - math.lgamma(successes + 1)
        - math.lgamma(trials - successes + 1)
        + successes * odds
        + trials * math.log1p(-share)
    )
    # Downwards from the largest term, each a multiple of the one before.
    term = total = 1.0
    for count in range(successes, 0, -1):
        term *= count / (trials - count + 1) / math.exp(odds)
        total += term
        if term < total * 1e-18:
            break
    return min(1.0, total * math.exp(logarithm))


def _measure_by_bootstrap(
    baseline: Sequence[float],
    candidate: Sequence[float],
    confidence: float,
    digests: tuple[Digest, Digest],
) -> PairedDrop:
    """Measure it by drawing rows again and again, with replacement (Efron's percentiles)."""
    drops = [before - after for before, after in zip(baseline, candidate, strict=True)]
    chance = _seed_chance(digests)
    groups = _group_rows(drops, chance)
    count = len(groups)
    means: list[float] = []
    for _ in range(_RESAMPLES):
        # Only `random()` is promised to give the same numbers in every Python.
        drawn = [groups[int(chance.random() * count)] for _ in range(count)]
        means.append(math.fsum(drawn) / count)
    means.sort()
    place = math.ceil((1 + confidence) / 2 * _RESAMPLES) - 1
    drop = math.fsum(drops) / len(drops)
    return PairedDrop(
        rows=len(drops),
        drop=drop,
        upper=max(drop, means[min(place, _RESAMPLES - 1)]),
        method="paired bootstrap",
    )


def _seed_chance(digests: tuple[Digest, Digest]) -> random.Random:
    text = " ".join(digest.hex for digest in digests)
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()))


def _group_rows(drops: Sequence[float], chance: random.Random) -> list[float]:
    """The rows themselves, or where there are many the means of groups of equally many.

    Groups are put together by chance, as neighbours may be alike. A few rows may be left over.
    """
    size = math.ceil(len(drops) / _MOST_GROUPS)
    if size == 1:
        return list(drops)
    ranked = sorted(range(len(drops)), key=lambda _: chance.random())
    groups: list[float] = []
    for start in range(0, len(drops) - size + 1, size):
        members = ranked[start : start + size]
        groups.append(math.fsum(drops[row] for row in members) / size)
    return groups


def find_blur(share: float, rows: int, confidence: float = 0.95) -> float:
    """How far off a share that was measured on so many rows may be, either way.

    By the normal approximation: a difference that is smaller than this cannot be told from one
    measurement of each version without its samples. Raise ValueError for no rows.
    """
    if rows < 1:
        raise ValueError("no rows tell nothing")
    deviation = math.sqrt(max(share * (1 - share), 0) / rows)
    return NormalDist().inv_cdf((1 + confidence) / 2) * deviation
