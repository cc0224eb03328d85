"""The distribution of one column: of a sample as it is, or as its quantiles tell it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """A cumulative distribution by its knots, in ascending order of `values`.

    `below` is the share of values less than a knot, `upto` the share that is not greater. Between
    two knots the share grows evenly; that of a sample does not grow there at all.
    """

    values: tuple[float, ...]
    below: tuple[float, ...]
    upto: tuple[float, ...]

    def share_below(self, value: float) -> float:
        """The share of values that are less than this one."""
        place = bisect_left(self.values, value)
        if place < len(self.values) and self.values[place] == value:
            return self.below[place]
        return self._share_between(place, value)

    def share_upto(self, value: float) -> float:
        """The share of values that are not greater than this one."""
        place = bisect_right(self.values, value)
        if place and self.values[place - 1] == value:
            return self.upto[place - 1]
        return self._share_between(place, value)

    def _share_between(self, place: int, value: float) -> float:
        if place == 0:
            return 0.0
        if place == len(self.values):
            return 1.0
        lower, upper = self.upto[place - 1], self.below[place]
        if lower == upper:
            return lower
        start, end = self.values[place - 1], self.values[place]
        # Halved, as the distance of two large numbers may be no finite one.
        part = (value / 2 - start / 2) / (end / 2 - start / 2)
        return lower + part * (upper - lower)

    def find_quantile(self, level: float) -> float:
        """The smallest knot with at least this share of the values at or below it."""
        place = bisect_left(self.upto, level)
        return self.values[min(place, len(self.values) - 1)]


def describe_sample(sample: Iterable[float]) -> Distribution:
    """The distribution of finite numbers, exactly; raise ValueError for none of them."""
    ordered = sorted(sample)
    if not ordered:
        raise ValueError("no values have no distribution")
    values: list[float] = []
    upto: list[float] = []
    total = len(ordered)
    for place, value in enumerate(ordered, start=1):
        if values and values[-1] == value:
            upto[-1] = place / total
        else:
            values.append(value)
            upto.append(place / total)
    return Distribution(tuple(values), (0.0, *upto[:-1]), tuple(upto))


def describe_quantiles(quantiles: Sequence[float]) -> Distribution:
    """The distribution that evenly spaced quantiles tell, from the least value to the greatest.

    It is off by at most the share between two of them. Raise ValueError for none.
    """
    if not quantiles:
        raise ValueError("no quantiles tell no distribution")
    values: list[float] = []
    below: list[float] = []
    upto: list[float] = []
    last = len(quantiles) - 1
    for place, value in enumerate(quantiles):
        level = place / last if last else 1.0
        if values and values[-1] == value:
            upto[-1] = level
        else:
            values.append(value)
            below.append(level)
            upto.append(level)
    below[0] = 0.0
    return Distribution(tuple(values), tuple(below), tuple(upto))
