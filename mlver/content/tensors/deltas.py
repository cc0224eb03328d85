"""How far apart the values of two tensors are, block by block: memory does not grow with them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlver.content.tensors import elements
from mlver.content.tensors.digesting import BLOCK_BYTES
from mlver.content.tensors.tensor import Content, Tensor, TensorFault
from mlver.policy.weights.changes import Delta, add_squares
from mlver.records.tensors import KeptTensor

if TYPE_CHECKING:
    import numpy

    Values = numpy.ndarray[Any, Any]


# Double precision does not hold every one of these.
_WIDE_INTEGERS = frozenset({"I64", "U64"})


class BlockPair:
    """Two buffers, which serve one pair of tensors after another."""

    def __init__(self) -> None:
        self._old = bytearray(BLOCK_BYTES)
        self._new = bytearray(BLOCK_BYTES)

    def read_pairs(
        self, old: Content, new: Content, widths: tuple[int, int] = (1, 1)
    ) -> Iterator[tuple[memoryview, memoryview]]:
        """Yield blocks of both that hold equally many elements of these widths, in bytes.

        Where one has more of them than the other, its rest comes with empty blocks.
        """
        count = BLOCK_BYTES // max(widths)
        old_blocks = old.read_blocks(memoryview(self._old)[: count * widths[0]])
        new_blocks = new.read_blocks(memoryview(self._new)[: count * widths[1]])
        nothing = memoryview(b"")
        while True:
            old_block, new_block = next(old_blocks, nothing), next(new_blocks, nothing)
            if not len(old_block) and not len(new_block):
                return
            yield old_block, new_block


def starts_with(new: Content, old: Content, pair: BlockPair) -> bool:
    """Whether a content begins with all bytes of another, by the quickest way without numpy."""
    if old.size > new.size:
        return False
    # Comparing memoryviews goes element by element; their bytes are compared at once.
    return all(bytes(a) == bytes(b[: len(a)]) for a, b in pair.read_pairs(old, new))


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """How far apart two tensors are; `delta` is None where nothing here can reckon with them.

    `found_equal`: all that was compared is equal, which may be a few values (`Delta.estimated`).
    `rounds`: every new value is the old one as a cast rounds it; None where nobody here can round
    to that type. Of two with unequally many elements, those that both have are compared.
    `is_beyond_numbers`: some value stands against one that is none, or is infinite, which has no
    difference.
    """

    delta: Delta | None
    found_equal: bool
    rounds: bool | None = False
    is_beyond_numbers: bool = False


def measure_delta(old: Tensor, new: Tensor, pair: BlockPair) -> MeasuredChange:
    """Measure two tensors whose values are numbers here (`elements.can_measure`).

    Complex numbers and others cannot be measured against each other. Raise MlverError where numpy
    is not installed.
    """
    if elements.is_complex(old.dtype) != elements.is_complex(new.dtype):
        return MeasuredChange(None, found_equal=False, rounds=None)
    meter = _DeltaMeter(old.dtype, new.dtype)
    units = elements.find_unit(old.dtype), elements.find_unit(new.dtype)
    if units[0] is None or units[1] is None:
        raise TensorFault(f"{new.name!r:.80} has elements that are no whole bytes")
    # The fewest values that both have in whole blocks, and their bytes on each side.
    common = math.lcm(units[0][0], units[1][0])
    widths = tuple(size * common // values for values, size in (units[0], units[1]))
    blocks = pair.read_pairs(old.content, new.content, (widths[0], widths[1]))
    for old_block, new_block in blocks:
        count = min(len(old_block) // widths[0], len(new_block) // widths[1])
        shared = old_block[: count * widths[0]], new_block[: count * widths[1]]
        meter.compare_blocks(*shared)
        meter.count_rest(new_block[len(shared[1]) :])
    return meter.build_measurement()


def check_cast(old: Tensor, new: Tensor, pair: BlockPair) -> bool | None:
    """Whether all elements of a tensor are those of another, rounded to its type, without numpy.

    None where nobody can tell without.
    """
    widths = elements.find_element_bytes(old.dtype), elements.find_element_bytes(new.dtype)
    if widths[0] is None or widths[1] is None:
        return None
    for blocks in pair.read_pairs(old.content, new.content, (widths[0], widths[1])):
        rounds = elements.is_rounded_block(*blocks, old.dtype, new.dtype)
        if not rounds:
            return rounds
    return True


class _DeltaMeter:
    """Adds up what blocks of two tensors differ by."""

    def __init__(self, old_dtype: str, new_dtype: str) -> None:
        self._numpy = elements.load_numpy()
        self._old_dtype, self._new_dtype = old_dtype, new_dtype
        self._is_retyped = old_dtype != new_dtype
        self._is_complex = elements.is_complex(new_dtype)
        self._compared = self._changed = 0
        self._largest = 0.0
        self._squared_delta = self._squared_old = self._squared_new = 0.0
        self._nans = self._infinities = self._old_broken = 0
        # Nobody here can quantise, and so tell a conversion from other values.
        self._can_round = elements.has_values(old_dtype) and elements.has_values(new_dtype)
        self._rounds = self._can_round
        self._is_equal = True
        self._is_beyond_numbers = False

    def compare_blocks(self, old: memoryview, new: memoryview) -> None:
        """Compare two blocks of equally many elements."""
        if not len(new):
            return
        with self._numpy.errstate(all="ignore"):
            new_values = elements.widen_block(new, self._new_dtype)
            self._compared += len(new_values) // (2 if self._is_complex else 1)
            if not self._is_retyped and self._are_same(old, new):
                self._add_equal(new_values)
                return
            self._is_equal = False
            old_values = elements.widen_block(old, self._old_dtype)
            if self._is_retyped and self._rounds:
                self._rounds = self._check_rounding(old, new)
            if self._is_retyped or self._new_dtype not in _WIDE_INTEGERS:
                self._add_different(old_values, new_values)
            else:
                self._add_integers(old, new)

    def count_rest(self, new: memoryview) -> None:
        """Count what is no number in a block that the old tensor has nothing to compare with."""
        if len(new):
            with self._numpy.errstate(all="ignore"):
                self._add_square(elements.widen_block(new, self._new_dtype))

    def build_measurement(self) -> MeasuredChange:
        delta = Delta(
            compared=self._compared,
            changed=self._changed,
            largest=self._largest,
            squared_delta=self._squared_delta,
            squared_old=self._squared_old,
            squared_new=self._squared_new,
            nans=self._nans,
            infinities=self._infinities,
            old_broken=self._old_broken,
        )
        is_equal = self._is_equal and not self._is_retyped
        rounds: bool | None = self._is_retyped and self._rounds
        if self._is_retyped and not self._can_round:
            rounds = None
        return MeasuredChange(delta, is_equal, rounds, self._is_beyond_numbers)

    def _are_same(self, old: memoryview, new: memoryview) -> bool:
        wide = "u8" if len(new) % 8 == 0 else "u1"
        numpy = self._numpy
        return bool(numpy.array_equal(numpy.frombuffer(old, wide), numpy.frombuffer(new, wide)))

    def _check_rounding(self, old: memoryview, new: memoryview) -> bool:
        """Whether a cast of the old values gives the new ones, bit by bit."""
        numpy = self._numpy
        old_type = elements.find_numpy_type(self._old_dtype)
        cast = numpy.frombuffer(old, old_type).astype(elements.find_numpy_type(self._new_dtype))
        return bool(numpy.array_equal(cast.view("u1"), numpy.frombuffer(new, "u1")))

    def _add_equal(self, values: Values) -> None:
        before = self._nans + self._infinities
        square = self._add_square(values)
        self._old_broken += self._nans + self._infinities - before
        self._squared_old += square
        self._squared_new += square

    def _add_integers(self, old: memoryview, new: memoryview) -> None:
        """Compare integers of which double precision does not hold every one."""
        numpy = self._numpy
        kind = elements.find_numpy_type(self._new_dtype)
        before, after = numpy.frombuffer(old, kind), numpy.frombuffer(new, kind)
        # What is below zero otherwise wraps around to just that difference without a sign.
        gap = numpy.where(after > before, after - before, before - after).view("u8")
        self._changed += int(numpy.count_nonzero(gap))
        self._add_squares(gap.astype("f8"), before.astype("f8"), after.astype("f8"))

    def _add_different(self, old: Values, new: Values) -> None:
        numpy = self._numpy
        # Two single precisions are subtracted in single precision, whatever else in double.
        delta = numpy.subtract(new, old)
        if not math.isfinite(elements.sum_squares(delta)):
            old, new, delta = self._leave_numbers(old, new)
        self._changed += self._count_elements(delta != 0)
        self._add_squares(delta, old, new)

    def _add_squares(self, delta: Values, old: Values, new: Values) -> None:
        numpy = self._numpy
        if self._is_complex:
            delta = numpy.hypot(delta[::2], delta[1::2])
        if len(delta):
            self._largest = max(self._largest, float(delta.max()), -float(delta.min()))
        self._squared_delta += elements.sum_squares(delta)
        self._squared_old += elements.sum_squares(old)
        self._squared_new += elements.sum_squares(new)

    def _leave_numbers(self, old: Values, new: Values) -> tuple[Values, Values, Values]:
        """Count what is no number, and leave the pairs that are, in double precision."""
        numpy = self._numpy
        self._count_broken(new)
        stayed = self._mark_elements(~numpy.isfinite(old)) & self._mark_elements(
            ~numpy.isfinite(new)
        )
        self._old_broken += int(numpy.count_nonzero(stayed))
        broken: Values = ~(numpy.isfinite(old) & numpy.isfinite(new))
        alike = (old == new) | (numpy.isnan(old) & numpy.isnan(new))
        if self._is_complex:
            broken = numpy.repeat(self._mark_elements(broken), 2)
        apart = self._count_elements(broken & ~alike)
        self._changed += apart
        self._is_beyond_numbers |= apart > 0
        old, new = old[~broken].astype("f8"), new[~broken].astype("f8")
        return old, new, new - old

    def _add_square(self, values: Values) -> float:
        """The sum of the squares of all numbers; what is no number is counted."""
        square = elements.sum_squares(values)
        if math.isfinite(square):
            return square
        self._count_broken(values)
        return elements.sum_squares(values[self._numpy.isfinite(values)].astype("f8"))

    def _count_broken(self, values: Values) -> None:
        """Count the new values that are no numbers, each once."""
        numpy = self._numpy
        nans = self._count_elements(numpy.isnan(values))
        self._nans += nans
        self._infinities += self._count_elements(~numpy.isfinite(values)) - nans

    def _count_elements(self, mask: Values) -> int:
        """Count the elements of which this is so, or of any part of a complex one."""
        return int(self._numpy.count_nonzero(self._mark_elements(mask)))

    def _mark_elements(self, mask: Values) -> Values:
        """Join the two parts of each complex number."""
        if not self._is_complex:
            return mask
        joined: Values = mask[::2] | mask[1::2]
        return joined


# -- from what is kept -------------------------------------------------------------------------


def estimate_delta(old: KeptTensor, new: KeptTensor) -> MeasuredChange | None:
    """Estimate how far apart two tensors are from the few elements that are kept of each.

    None for types whose elements cannot be read without numpy.
    """
    old_sample = elements.read_sample(old.sample, old.dtype)
    new_sample = elements.read_sample(new.sample, new.dtype)
    if not old_sample or not new_sample:
        return None
    pairs = list(zip(old_sample, new_sample, strict=False))
    rounds: bool | None = None
    if elements.round_value(0.0, new.dtype) is not None:
        rounds = all(elements.is_rounded(before, after, new.dtype) for before, after in pairs)
    finite = [pair for pair in pairs if math.isfinite(pair[0]) and math.isfinite(pair[1])]
    common = min(math.prod(new.shape), math.prod(old.shape))
    # Each stands for equally many of all values.
    scale = common / max(len(finite), 1)
    differing = [pair for pair in pairs if not _are_alike(*pair)]
    delta = Delta(
        compared=common,
        changed=-(-len(differing) * common // len(pairs)),
        largest=max((abs(after - before) for before, after in finite), default=0.0),
        squared_delta=scale * _sum_products(after - before for before, after in finite),
        squared_old=scale * _sum_products(before for before, _ in finite),
        squared_new=scale * _sum_products(after for _, after in finite),
        nans=None if new.summary is None else new.summary.nans,
        infinities=None if new.summary is None else new.summary.infinities,
        old_broken=_count_broken(old),
        estimated=True,
    )
    return MeasuredChange(delta, not differing, rounds if old.dtype != new.dtype else False)


def _are_alike(before: float, after: float) -> bool:
    return before == after or (math.isnan(before) and math.isnan(after))


def _sum_products(values: Iterable[float]) -> float:
    """The sum of squares; infinite where that is beyond double precision."""
    return add_squares(value * value for value in values)


def make_zero_delta(kept: KeptTensor) -> Delta:
    """What is known of a tensor that is the same on both sides."""
    count = math.prod(kept.shape)
    summary = kept.summary
    square = 0.0 if summary is None else summary.norm * summary.norm
    return Delta(
        compared=count,
        changed=0,
        largest=0.0,
        squared_delta=0.0,
        squared_old=square,
        squared_new=square,
        nans=None if summary is None else summary.nans,
        infinities=None if summary is None else summary.infinities,
        old_broken=_count_broken(kept),
    )


def _count_broken(kept: KeptTensor) -> int:
    summary = kept.summary
    return 0 if summary is None else summary.nans + summary.infinities


def count_broken(new: KeptTensor, old: KeptTensor | None = None) -> Delta | None:
    """What is no number in a tensor whose values have nothing to be compared with.

    None where all are numbers. `old` is what it was before, in another shape.
    """
    if _count_broken(new) == 0:
        return None
    before = 0 if old is None else _count_broken(old)
    return replace(make_zero_delta(new), compared=0, squared_old=0.0, old_broken=before)
