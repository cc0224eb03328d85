"""How far apart tensors are, held to the same in double precision."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.tensors import deltas
from mlver.content.tensors.deltas import (
    BlockPair,
    MeasuredChange,
    estimate_delta,
    make_zero_delta,
    measure_delta,
    starts_with,
)
from mlver.content.tensors.digesting import digest_tensor
from mlver.policy.weights.changes import Delta, Distance, TensorChange, join_deltas
from mlver.records.tensors import KeptTensor, TensorSummary
from tests.content.tensors.makers import Array, draw_values
from tests.content.tensors.test_digesting import make_tensor


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> BlockPair:
    """Buffers so small that a tensor has many blocks."""
    monkeypatch.setattr(deltas, "BLOCK_BYTES", 64)
    return BlockPair()


def measure(old: Array, new: Array, pair: BlockPair) -> tuple[MeasuredChange, Delta]:
    measurement = measure_delta(make_tensor(old), make_tensor(new), pair)
    assert measurement.delta is not None
    return measurement, measurement.delta


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i4", "u1", "i8", ml_dtypes.bfloat16])
def test_numbers_are_those_of_double_precision(dtype: Any, pair: BlockPair) -> None:
    old = (50 * draw_values(9, 11)).astype(dtype)
    new = old.copy()
    new[3:7] = (60 * draw_values(4, 11, seed=1)).astype(dtype)
    measurement, delta = measure(old, new, pair)
    before, after = old.astype("f8").reshape(-1), new.astype("f8").reshape(-1)
    difference = after - before
    assert not measurement.found_equal
    assert (delta.compared, delta.changed) == (99, int(numpy.count_nonzero(difference)))
    assert delta.largest == pytest.approx(float(abs(difference).max()))
    assert delta.relative == pytest.approx(
        float(numpy.linalg.norm(difference) / numpy.linalg.norm(before)), rel=1e-5
    )
    cosine = before @ after / (numpy.linalg.norm(before) * numpy.linalg.norm(after))
    assert delta.cosine_distance == pytest.approx(1 - float(cosine), rel=1e-4)


@pytest.mark.parametrize("nudge", [1e-4, 1e-6])
def test_a_small_nudge_has_a_cosine_that_single_precision_cannot_tell(nudge: float) -> None:
    old = draw_values(300, 300)
    new = (old * (1 + nudge * draw_values(300, 300, seed=1))).astype("f4")
    _, delta = measure(old, new, BlockPair())
    before, after = old.astype("f8").reshape(-1), new.astype("f8").reshape(-1)
    before /= numpy.linalg.norm(before)
    after /= numpy.linalg.norm(after)
    exact = float(((before - after) ** 2).sum()) / 2
    assert delta.cosine_distance == pytest.approx(exact, rel=0.05)


def test_equal_tensors_are_equal_and_have_no_distance(pair: BlockPair) -> None:
    old = draw_values(100)
    measurement, delta = measure(old, old.copy(), pair)
    assert measurement.found_equal
    assert (delta.changed, delta.largest, delta.relative, delta.cosine_distance) == (0, 0, 0, 0)
    assert delta.squared_new == pytest.approx(float((old.astype("f8") ** 2).sum()), rel=1e-5)


def test_what_is_no_number_is_counted_and_left_out(pair: BlockPair) -> None:
    old, new = draw_values(100), draw_values(100)
    new[7], new[40], new[99] = numpy.nan, numpy.inf, 5
    measurement, delta = measure(old, new, pair)
    assert not measurement.found_equal
    assert (delta.nans, delta.infinities, delta.changed) == (1, 1, 3)
    assert delta.largest == pytest.approx(abs(5 - float(old[99])))
    assert delta.relative is not None
    # NaN that was there before is equal, and still none.
    measurement, delta = measure(new, new.copy(), pair)
    assert (measurement.found_equal, delta.nans, delta.changed) == (True, 1, 0)


def test_values_whose_squares_single_precision_cannot_hold_are_numbers(pair: BlockPair) -> None:
    old = numpy.full(20, 1e30, "f4")
    _, delta = measure(old, numpy.float32(1.5) * old, pair)
    assert (delta.nans, delta.infinities, delta.changed) == (0, 0, 20)
    assert delta.relative == pytest.approx(0.5, rel=1e-5)


NUMBERS: dict[str, tuple[Array, Array, float]] = {
    "tiny": (numpy.full(20, 1e-23, "f4"), numpy.full(20, 2e-23, "f4"), 1.0),
    "an ulp of large ones": (
        numpy.full(20, 1e20, "f4"),
        numpy.nextafter(numpy.full(20, 1e20, "f4"), numpy.float32(numpy.inf)),
        8.8e-8,
    ),
    "opposite ends": (numpy.full(20, -3e38, "f4"), numpy.full(20, 3e38, "f4"), 2.0),
    "subnormal": (numpy.full(20, 1e-44, "f4"), numpy.full(20, 3e-44, "f4"), 2.0),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_no_squares_are_lost_to_single_precision(name: str, pair: BlockPair) -> None:
    old, new, relative = NUMBERS[name]
    _, delta = measure(old, new, pair)
    assert (delta.nans, delta.infinities, delta.changed) == (0, 0, 20)
    assert delta.largest == pytest.approx(float(abs(new.astype("f8") - old.astype("f8")).max()))
    assert delta.relative == pytest.approx(relative, rel=0.05)


@pytest.mark.parametrize(
    ("dtype", "least", "most"), [("i8", -(2**63), 2**63 - 1), ("u8", 0, 2**64 - 1)]
)
def test_integers_are_compared_one_by_one(
    dtype: str, least: int, most: int, pair: BlockPair
) -> None:
    old = numpy.array([most, most - 1, least, 5, 6], dtype)
    new = numpy.array([most - 1, most, most, 5, 4], dtype)
    measurement, delta = measure(old, new, pair)
    assert (measurement.found_equal, delta.compared, delta.changed) == (False, 5, 4)
    assert delta.largest == float(most - least)
    old, new = numpy.array([2**53], dtype), numpy.array([2**53 + 1], dtype)
    assert (measure(old, new, pair)[1].changed, measure(old, new, pair)[1].largest) == (1, 1.0)


def test_a_complex_number_is_one_value(pair: BlockPair) -> None:
    old = numpy.array([1 + 1j, 2, 3, 4, 5], "c8")
    new = numpy.array([4 + 5j, 2, complex(math.nan, math.inf), 4 + 1j, math.inf], "c8")
    _, delta = measure(old, new, pair)
    assert (delta.compared, delta.changed) == (5, 4)
    assert (delta.nans, delta.infinities, delta.largest) == (1, 1, 5.0)
    assert delta.squared_delta == 26


@pytest.mark.parametrize(("old", "new"), [("c8", "f4"), ("f4", "c8")])
def test_complex_numbers_are_not_measured_against_others(
    old: str, new: str, pair: BlockPair
) -> None:
    tensors = [make_tensor(draw_values(9).astype(dtype)) for dtype in (old, new)]
    assert measure_delta(tensors[0], tensors[1], pair) == MeasuredChange(
        None, found_equal=False, rounds=None
    )


def test_squares_beyond_double_precision_are_no_numbers_to_show(pair: BlockPair) -> None:
    old, new = numpy.full(9, 1e200), numpy.full(9, 2e200)
    for delta in (measure(old, new, pair)[1], estimate(old, new)[1]):
        assert (delta.changed, delta.relative, delta.cosine_distance) == (9, None, None)
        change = build_change(delta)
        distance = Distance.from_delta(join_deltas([change, change]))
        assert distance is not None
        assert (distance.largest, distance.relative) == (1e200, None)
    large = Delta(
        compared=1, changed=1, largest=1, squared_delta=1e308, squared_old=1e308, squared_new=1e308
    )
    total = join_deltas([build_change(large)] * 9)
    assert total is not None
    assert (total.relative, total.cosine_distance) == (None, None)


def build_change(delta: Delta) -> TensorChange:
    return TensorChange(
        name="a",
        old_name="a",
        state="changed",
        old_dtype="F64",
        new_dtype="F64",
        old_shape=(9,),
        new_shape=(9,),
        delta=delta,
    )


def test_a_norm_that_has_no_square_is_no_failure() -> None:
    kept = KeptTensor(
        name="a",
        dtype="F64",
        shape=(1,),
        digest="0" * 64,
        summary=TensorSummary(1e200, 1e200, 0, 0),
    )
    assert make_zero_delta(kept).squared_old == math.inf


def test_nan_that_stays_is_no_change() -> None:
    old = numpy.array([math.nan, 1, 2], "f4")
    assert estimate(old, numpy.array([math.nan, 1, 3], "f4"))[1].changed == 1


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, "f2", "f8", ml_dtypes.float8_e4m3fn])
def test_a_cast_is_told_from_other_changes(dtype: Any, pair: BlockPair) -> None:
    old = draw_values(100)
    new = old.astype(dtype)
    measurement, _ = measure(old, new, pair)
    assert (measurement.rounds, measurement.found_equal) == (True, False)
    new[50] = new[50] + new[51]
    measurement, _ = measure(old, new, pair)
    assert not measurement.rounds


def test_of_more_rows_the_common_ones_are_compared(pair: BlockPair) -> None:
    old = draw_values(10, 7)
    new = numpy.concatenate([old, numpy.full((3, 7), numpy.nan, "f4")])
    measurement, delta = measure(old, new, pair)
    assert (measurement.found_equal, delta.compared, delta.nans) == (True, 70, 21)
    new[2, 2] = 9
    assert not measure(old, new, pair)[0].found_equal


@given(st.binary(max_size=300), st.binary(max_size=300), st.booleans())
def test_without_numpy_bytes_are_compared(old: bytes, new: bytes, begins: bool) -> None:
    new = old + new if begins else new
    tensors = [make_tensor(numpy.frombuffer(data, "u1")) for data in (old, new)]
    found = starts_with(tensors[1].content, tensors[0].content, BlockPair())
    assert found == new.startswith(old)


def estimate(old: Array, new: Array) -> tuple[MeasuredChange, Delta]:
    kept = [digest_tensor(make_tensor(array), summarise=True) for array in (old, new)]
    measurement = estimate_delta(*kept)
    assert measurement is not None
    assert measurement.delta is not None
    return measurement, measurement.delta


def test_a_few_values_tell_about_how_far_apart_tensors_are() -> None:
    old = draw_values(200, 200)
    new = (old + 1e-3 * draw_values(200, 200, seed=1)).astype("f4")
    _, exact = measure(old, new, BlockPair())
    _, delta = estimate(old, new)
    assert delta.estimated
    assert not exact.estimated
    assert exact.relative is not None
    assert delta.relative is not None
    assert 0.3 < delta.relative / exact.relative < 3
    assert delta.changed == 40_000


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, "f2", "f8"])
def test_a_cast_is_told_from_a_few_values(dtype: Any) -> None:
    old = draw_values(1000)
    assert estimate(old, old.astype(dtype))[0].rounds
    assert not estimate(old, (2 * old).astype(dtype))[0].rounds


def test_a_few_values_say_nothing_of_types_without_them() -> None:
    old = draw_values(10).astype(ml_dtypes.float8_e4m3fn)
    kept = digest_tensor(make_tensor(old))
    assert estimate_delta(kept, kept) is None


def test_the_new_nans_are_known_from_what_is_kept() -> None:
    old, new = draw_values(1000), draw_values(1000)
    new[3] = math.nan
    assert estimate(old, new)[1].nans == 1
    assert estimate(new, old)[1].nans == 0
