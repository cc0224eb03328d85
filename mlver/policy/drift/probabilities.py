"""How likely chance alone gives such a distance: p-values, also of many columns at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

_TERMS = 10_000
_EPSILON = 1e-17
# Up to here the tail of Kolmogorov's distribution is that of its series, beyond it of one side.
_TAIL = 2.2
# Of so many rows that tail is a sum of as many terms; of more, a formula comes close enough.
_SUMMED_ROWS = 10_000
_LEAST = -700.0
# Where fewer are expected in a cell, the chi-squared distribution is a bad approximation (Cochran).
_LEAST_EXPECTED = 5.0


def find_ks_p(distance: float, old_rows: int, new_rows: int) -> float:
    """The two-sided p-value of Kolmogorov–Smirnov's D of two samples.

    It is that of one sample of so many rows as both together tell (n·m / (n + m)), as SciPy's
    asymptotic method has it: by the series of Pelz and Good (1976), and in the tail twice that of
    one side (Birnbaum and Tingey, 1951; of many rows, Maag and Dicaire, 1971).
    """
    rows = round(old_rows * new_rows / (old_rows + new_rows))
    # No sample is closer to a distribution than half a value.
    if rows < 1 or 2 * rows * distance <= 1:
        return 1.0
    if distance >= 1:
        return 0.0
    if rows * distance**2 >= _TAIL:
        if rows <= _SUMMED_ROWS:
            return min(1.0, 2 * _sum_one_side(rows, distance))
        return min(1.0, 2 * math.exp(-((6 * rows * distance + 1) ** 2) / (18 * rows)))
    return min(1.0, max(0.0, 1 - _sum_pelz_good(rows, distance)))


def _sum_one_side(rows: int, distance: float) -> float:
    """The probability that the greatest distance upwards is not less than D."""
    terms = [rows * math.log1p(-distance)]
    for number in range(1, math.ceil(rows * (1 - distance))):
        left = 1 - distance - number / rows
        if left <= 0:
            break
        logarithm = math.lgamma(rows + 1) - math.lgamma(number + 1) - math.lgamma(rows - number + 1)
        logarithm += math.log(distance) + (number - 1) * math.log(distance + number / rows)
        terms.append(logarithm + (rows - number) * math.log(left))
    return math.fsum(math.exp(term) for term in terms if term > _LEAST)


def _sum_pelz_good(rows: int, distance: float) -> float:
    """The probability of a smaller D, by the first four terms of the series."""
    z = math.sqrt(rows) * distance
    if -(math.pi**2) / 8 / z**2 < _LEAST:
        return 0.0
    square = z * z
    pi2, pi4, pi6 = math.pi**2, math.pi**4, math.pi**6
    terms = [0.0, 0.0, 0.0, 0.0]
    for number in range(math.ceil(16 * z / math.pi), 0, -1):
        odd = (2 * number - 1) ** 2
        weight = math.exp(-pi2 * odd / 8 / square)
        second = (2 * square**2 - 5 * square) * pi2 / 4 * odd + pi4 * (1 - 2 * square) / 16 * odd**2
        third = pi2 * (135 * square**2 - 96 * square**3) / 4 * odd
        third += pi4 * (212 * square**2 - 60 * square) / 16 * odd**2
        third += pi6 * (5 - 30 * square) / 64 * odd**3
        terms[0] += weight
        terms[1] += weight * (pi2 / 4 * odd - square)
        terms[2] += weight * (6 * square**3 + 2 * square**2 + second)
        terms[3] += weight * (-30 * square**3 - 90 * square**4 + third)
        even = math.exp(-pi2 * number**2 / 2 / square)
        terms[2] -= even * pi2 * number**2 * 2 * square**2
        terms[3] += even * (3 * square - pi2 * number**2) * pi2 * number**2 * 30 * square**2
    scales = (z, 6 * z**4, 72 * z**7, 6480 * z**10)
    total = 0.0
    for power, (term, scale) in enumerate(zip(terms, scales, strict=True)):
        total += math.sqrt(2 * math.pi) * term / scale / rows ** (power / 2)
    return total


def find_counts_p(old: Sequence[float], new: Sequence[float]) -> float:
    """The p-value of Pearson's chi-squared test that counts by category come from one source.

    Categories that are expected less than five times on a side are counted together, smallest
    first. 1 where no two categories are left.
    """
    old_total, new_total = math.fsum(old), math.fsum(new)
    if not old_total or not new_total:
        return 1.0
    least = _LEAST_EXPECTED * (old_total + new_total) / min(old_total, new_total)
    statistic, cells = 0.0, 0
    for before, after in _join_small(list(zip(old, new, strict=True)), least):
        for count, total in ((before, old_total), (after, new_total)):
            expected = (before + after) * total / (old_total + new_total)
            statistic += (count - expected) ** 2 / expected
        cells += 1
    return find_chi2_tail(statistic, cells - 1) if cells > 1 else 1.0


def _join_small(pairs: list[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """Join the smallest categories until each has at least so many on both sides together."""
    ordered = sorted((pair for pair in pairs if sum(pair)), key=sum, reverse=True)
    small = (0.0, 0.0)
    while ordered and (sum(ordered[-1]) < least or 0 < sum(small) < least):
        last = ordered.pop()
        small = (small[0] + last[0], small[1] + last[1])
    return [*ordered, small] if sum(small) else ordered


def find_chi2_tail(statistic: float, freedom: int) -> float:
    """The probability that a chi-squared variable of such freedom is greater."""
    shape, point = freedom / 2, statistic / 2
    if point <= 0:
        return 1.0
    logarithm = shape * math.log(point) - point - math.lgamma(shape)
    scale = math.exp(logarithm) if logarithm > _LEAST else 0.0
    if point < shape + 1:
        return min(1.0, max(0.0, 1 - scale * _sum_gamma(shape, point)))
    return min(1.0, scale * _continue_gamma(shape, point))


def _sum_gamma(shape: float, point: float) -> float:
    """The series of the lower incomplete gamma function, without its scale."""
    term = total = 1 / shape
    for number in range(1, _TERMS):
        term *= point / (shape + number)
        total += term
        if term < total * _EPSILON:
            break
    return total


def _continue_gamma(shape: float, point: float) -> float:
    """The continued fraction of the upper one, without its scale, by Lentz's method."""
    middle = point + 1 - shape
    numerator, denominator = 1e300, 1 / middle
    fraction = denominator
    for number in range(1, _TERMS):
        factor = -number * (number - shape)
        middle += 2
        denominator = 1 / (factor * denominator + middle)
        numerator = middle + factor / numerator
        step = denominator * numerator
        fraction *= step
        if abs(step - 1) < _EPSILON:
            break
    return fraction


def adjust_probabilities(probabilities: Sequence[float]) -> tuple[float, ...]:
    """Adjust p-values for as many tests as there are (Benjamini and Hochberg, 1995)."""
    total = len(probabilities)
    adjusted = [1.0] * total
    least = 1.0
    ranked = sorted(range(total), key=lambda place: probabilities[place])
    for rank in range(total, 0, -1):
        place = ranked[rank - 1]
        least = min(least, probabilities[place] * total / rank)
        adjusted[place] = least
    return tuple(adjusted)
