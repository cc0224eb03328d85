"""A line chart as plain values: series over the same places, and marks below them.

What draws it, on a screen or as SVG, asks here where a value lies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Mark = Literal["now", "before", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSeries:
    """One line: a value a place, None where there is none.

    `remark` says what of it a reader has to know, such as which way is better. `best` are the
    places of its best values.
    """

    name: str
    remark: str
    values: tuple[float | None, ...]
    best: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """Marks below all of the series, by their places, and what they are about."""

    name: str
    marks: Mapping[int, Mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart:
    """`labels` name the places. Each series has an axis of its own."""

    title: str
    labels: tuple[str, ...]
    series: tuple[ChartSeries, ...]
    rows: tuple[MarkRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueScale:
    """The lowest and the highest value of an axis."""

    low: float
    high: float

    def place_value(self, value: float) -> float:
        """Where a value lies between the lowest, 0, and the highest, 1; in the middle if all are
        equal.
        """
        span = self.high / 2 - self.low / 2
        # Halves, because the span of the largest floats is larger than any float.
        return (value / 2 - self.low / 2) / span if span > 0 else 0.5

    @property
    def is_flat(self) -> bool:
        return self.high == self.low


def convert_number(value: float | None) -> float | None:
    """A number that an axis can hold; None for what is missing, not finite or too large for one."""
    if value is None:
        return None
    try:
        number = float(value)
    except OverflowError:
        # An integer of JSON may be larger than any float.
        return None
    return number if math.isfinite(number) else None


def find_scale(values: Iterable[float | None]) -> ValueScale | None:
    """The axis on which all of the values lie; None where there are none."""
    present = [value for value in values if value is not None]
    return ValueScale(min(present), max(present)) if present else None


def split_runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Neighbours that have values, with their places: a line is broken where one is missing."""
    runs: list[list[tuple[int, float]]] = []
    is_broken = True
    for place, value in enumerate(values):
        if value is None:
            is_broken = True
            continue
        if is_broken:
            runs.append([])
        runs[-1].append((place, value))
        is_broken = False
    return runs


def choose_labels(
    starts: Sequence[int], widths: Sequence[int], gap: int, first: Iterable[int]
) -> list[int]:
    """Choose labels that do not run into each other; those in `first` before all others.

    `starts` and `widths` say where each would stand. Return their places, in order.
    """
    chosen: list[int] = []
    taken: list[tuple[int, int]] = []
    for place in dict.fromkeys((*first, *range(len(starts)))):
        start, end = starts[place] - gap, starts[place] + widths[place] + gap
        if all(end <= other or start >= other_end for other, other_end in taken):
            chosen.append(place)
            taken.append((starts[place], starts[place] + widths[place]))
    return sorted(chosen)
