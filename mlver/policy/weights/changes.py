"""What became of each tensor between two versions of weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# `cast`: another type of elements, and every value is the old one, rounded to it. `grown`: more
# rows, and those from before are equal. `reordered`: in memory, the elements lie in another order,
# and every value is as it was. `reshaped`: anything else about type or shape.
ChangeState = Literal[
    "same",
    "changed",
    "added",
    "removed",
    "renamed",
    "cast",
    "grown",
    "reordered",
    "retyped",
    "reshaped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """How far apart the values of two tensors are.

    `compared` and `changed` count elements, a complex number as one. `squared_delta`, `squared_old`
    and `squared_new` are sums of squares: of the differences, of the old values and of the new
    ones; infinite where double precision cannot hold them.
    `nans` and `infinities` are those of the new values; None where nothing here could count them.
    `old_broken` is how many of these were no numbers before; of tensors by what is kept, and of
    those of another shape, how many of the old values were none.
    `estimated`: they come from a few of the values, and the largest may be larger.
    """

    compared: int
    changed: int
    largest: float
    squared_delta: float
    squared_old: float
    squared_new: float
    nans: int | None = 0
    infinities: int | None = 0
    old_broken: int = 0
    estimated: bool = False

    @property
    def is_broken(self) -> bool:
        """Whether some of the new values are no numbers that were numbers before."""
        return (self.nans or 0) + (self.infinities or 0) > self.old_broken

    @property
    def relative(self) -> float | None:
        """The L2 norm of the differences as a share of that of the old values."""
        return _divide(math.sqrt(self.squared_delta), math.sqrt(self.squared_old))

    @property
    def cosine_distance(self) -> float | None:
        """One less the cosine between old and new values.

        Not from a product of the two: near 1, single precision has no digits left for it.
        """
        old, new = math.sqrt(self.squared_old), math.sqrt(self.squared_new)
        return _divide(max(self.squared_delta - (old - new) ** 2, 0.0), 2 * old * new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """A Delta in numbers for people: `largest` difference, relative L2, and 1 − cosine.

    A number is None where it means nothing, as relative to values that are all zero.
    """

    compared: int
    changed: int
    largest: float | None
    relative: float | None
    cosine_distance: float | None
    nans: int | None
    infinities: int | None
    estimated: bool

    @classmethod
    def from_delta(cls, delta: Delta | None) -> Distance | None:
        if delta is None:
            return None
        return cls(
            compared=delta.compared,
            changed=delta.changed,
            largest=delta.largest if math.isfinite(delta.largest) else None,
            relative=delta.relative,
            cosine_distance=delta.cosine_distance,
            nans=delta.nans,
            infinities=delta.infinities,
            estimated=delta.estimated,
        )


def _divide(numerator: float, denominator: float) -> float | None:
    if denominator == 0 or not math.isfinite(denominator) or not math.isfinite(numerator):
        return None
    return numerator / denominator


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorChange:
    """A tensor of either side. `name` is that of the new side, where it is there.

    `old_name` differs from it for one that was renamed. Types and shapes are None where a side
    lacks it. `delta` is None where there is nothing to measure, or nothing to measure it with.
    `can_tell` is False for one of another type of which nobody here can say whether it is a cast.
    """

    name: str
    old_name: str
    state: ChangeState
    old_dtype: str | None
    new_dtype: str | None
    old_shape: tuple[int, ...] | None
    new_shape: tuple[int, ...] | None
    delta: Delta | None = None
    can_tell: bool = True

    @property
    def values(self) -> int:
        """How many values the tensor has now, or had."""
        shape = self.new_shape if self.new_shape is not None else self.old_shape
        return math.prod(shape or ())

    @property
    def differs(self) -> bool:
        return self.state != "same"


def join_deltas(changes: Iterable[TensorChange]) -> Delta | None:
    """Measure many tensors as if they were one; None where none of them was measured."""
    deltas = [change.delta for change in changes if change.delta is not None]
    if not deltas:
        return None
    return Delta(
        compared=sum(delta.compared for delta in deltas),
        changed=sum(delta.changed for delta in deltas),
        largest=max(delta.largest for delta in deltas),
        squared_delta=add_squares(delta.squared_delta for delta in deltas),
        squared_old=add_squares(delta.squared_old for delta in deltas),
        squared_new=add_squares(delta.squared_new for delta in deltas),
        nans=_add_counts(delta.nans for delta in deltas),
        infinities=_add_counts(delta.infinities for delta in deltas),
        old_broken=sum(delta.old_broken for delta in deltas),
        estimated=any(delta.estimated for delta in deltas),
    )


def add_squares(squares: Iterable[float]) -> float:
    """Add up what is not negative; infinite where the sum is beyond double precision."""
    try:
        return math.fsum(squares)
    except OverflowError:
        return math.inf


def _add_counts(counts: Iterable[int | None]) -> int | None:
    """Add up; None where one of them is not known, unless the others are more than none."""
    known: list[int] = []
    is_whole = True
    for count in counts:
        if count is None:
            is_whole = False
        else:
            known.append(count)
    total = sum(known)
    return total if is_whole or total else None
