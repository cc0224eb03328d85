"""A table moved where a column did so far, and not by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy
import pytest

from mlver.policy.drift.verdict import judge_drift
from mlver.records.profile import QUANTILES, ColumnProfile, TableProfile
from mlver.records.sections.insight import DriftThresholds

DEFAULTS = DriftThresholds()


def profile_numbers(values: Any, name: str = "x", *, missing: int = 0) -> ColumnProfile:
    ordered = numpy.sort(numpy.asarray(values, dtype=float))
    levels = numpy.linspace(0, 1, QUANTILES)
    quantiles = numpy.quantile(ordered, levels, method="inverted_cdf").tolist()
    return ColumnProfile(
        name=name,
        type="DOUBLE",
        kind="number",
        count=len(ordered),
        missing=missing,
        mean=float(ordered.mean()),
        variance=float(ordered.var(ddof=1)),
        quantiles=tuple(quantiles),
    )


def profile_texts(
    counts: Sequence[tuple[str, int]], *, distinct: int | None = None
) -> ColumnProfile:
    total = sum(count for _, count in counts)
    return ColumnProfile(
        name="x",
        type="VARCHAR",
        kind="category",
        count=total,
        distinct=distinct or len(counts),
        categories=tuple(counts),
    )


def table(*columns: ColumnProfile) -> TableProfile:
    rows = columns[0].count + columns[0].missing + columns[0].infinite
    return TableProfile(rows=rows, columns=columns)


def judge(old: ColumnProfile, new: ColumnProfile, thresholds: DriftThresholds = DEFAULTS) -> str:
    return judge_drift(table(old), table(new), thresholds).verdict


def draw(seed: int, count: int, mean: float = 0.0) -> Any:
    return numpy.random.default_rng(seed).normal(mean, 1, count)


def test_a_shift_is_a_drift_and_its_size_is_told() -> None:
    drift = judge_drift(
        table(profile_numbers(draw(1, 2_000))),
        table(profile_numbers(draw(2, 1_000, 0.5))),
        DEFAULTS,
    )
    (column,) = drift.columns
    assert (drift.verdict, drift.drifted, column.reason) == ("drift", ("x",), "KS; PSI")
    assert column.ks == pytest.approx(0.2, abs=0.04)
    assert column.mean_shift == pytest.approx(0.5, abs=0.08)
    assert column.p is not None
    assert column.p < 1e-10


def test_a_significant_difference_that_is_small_is_none() -> None:
    old, new = profile_numbers(draw(1, 200_000)), profile_numbers(draw(2, 200_000, 0.03))
    (column,) = judge_drift(table(old), table(new), DEFAULTS).columns
    assert column.p is not None
    assert column.p < 0.001
    assert column.verdict == "none"


def test_few_rows_are_inconclusive_however_far_they_are_apart() -> None:
    old, new = profile_numbers(draw(1, 199)), profile_numbers(draw(2, 5_000, 9))
    assert judge(old, new) == "inconclusive"
    assert judge(new, old) == "inconclusive"
    assert judge(profile_numbers(draw(1, 200)), new) == "drift"
    assert judge(old, new, replace(DEFAULTS, rows=199)) == "drift"


def test_few_values_among_many_rows_are_inconclusive() -> None:
    old = profile_numbers(draw(1, 150), missing=1_000)
    new = profile_numbers(draw(2, 150, 3), missing=1_000)
    (column,) = judge_drift(table(old), table(new), DEFAULTS).columns
    assert (column.verdict, column.reason) == ("inconclusive", "fewer than 200 values")


def test_values_that_went_missing_are_a_drift() -> None:
    values = draw(1, 2_000)
    old, new = profile_numbers(values), profile_numbers(values[:1_600], missing=400)
    (column,) = judge_drift(table(old), table(new), DEFAULTS).columns
    assert (column.verdict, column.reason) == ("drift", "missing values")
    assert (column.old_missing, column.new_missing) == (0, 0.2)


def test_categories_drift_by_js() -> None:
    old = profile_texts([("a", 500), ("b", 300), ("c", 200)])
    assert judge(old, profile_texts([("b", 505), ("a", 305), ("c", 190)])) == "drift"
    assert judge(old, profile_texts([("a", 490), ("b", 305), ("c", 205)])) == "none"
    assert judge(old, profile_texts([("d", 900)])) == "drift"


def test_categories_that_are_not_listed_never_make_a_difference() -> None:
    listed = [(f"c{number}", 40) for number in range(50)]
    rest = ColumnProfile(
        name="x",
        type="VARCHAR",
        kind="category",
        count=4_000,
        distinct=100,
        categories=tuple(listed),
    )
    others = [(f"c{number}", 40) for number in range(50, 100)]
    assert judge(rest, replace(rest, categories=tuple(others))) == "none"


def test_identifiers_are_not_judged() -> None:
    old = ColumnProfile(name="x", type="VARCHAR", kind="category", count=900, distinct=900)
    drift = judge_drift(table(old), table(old), DEFAULTS)
    assert drift.verdict == "inconclusive"
    assert drift.columns[0].reason == "nearly every value is another one"


def test_another_kind_of_value_is_a_drift() -> None:
    old, new = profile_numbers(draw(1, 900)), profile_texts([("a", 900)])
    (column,) = judge_drift(table(old), table(new), DEFAULTS).columns
    assert (column.verdict, column.reason) == ("drift", "it was a number, and is a category now")


def test_a_column_that_is_gone_is_a_drift_and_a_new_one_is_named() -> None:
    same = profile_numbers(draw(1, 900), "same")
    old = table(same, profile_numbers(draw(2, 900), "label"))
    new = table(profile_numbers(draw(3, 900), "score"), same)
    drift = judge_drift(old, new, DEFAULTS)
    assert (drift.verdict, drift.removed, drift.added) == ("drift", ("label",), ("score",))
    ignored = judge_drift(old, new, replace(DEFAULTS, ignore=("label",)))
    assert (ignored.verdict, ignored.removed) == ("none", ())


def test_a_column_that_cannot_be_judged_leaves_it_open() -> None:
    same, few = profile_numbers(draw(1, 900), "same"), profile_numbers(draw(2, 199), "few")
    old, new = table(same, few), table(same, few)
    drift = judge_drift(old, new, DEFAULTS)
    assert (drift.verdict, drift.unjudged) == ("inconclusive", ("few",))
    assert judge_drift(old, new, replace(DEFAULTS, ignore=("few",))).verdict == "none"
    moved = table(profile_numbers(draw(3, 900, 9), "same"), few)
    assert judge_drift(old, moved, DEFAULTS).verdict == "drift"


def test_ignored_columns_are_named_and_not_judged() -> None:
    old, new = table(profile_numbers(draw(1, 900))), table(profile_numbers(draw(2, 900, 4)))
    drift = judge_drift(old, new, replace(DEFAULTS, ignore=("x", "y")))
    assert (drift.verdict, drift.columns, drift.ignored) == ("inconclusive", (), ("x",))


def count_alarms(seed: int, columns: int, rows: int) -> tuple[int, int]:
    """How many columns without drift are called moved, and how many by a raw p-value."""
    chance = numpy.random.default_rng(seed)
    old, new = chance.normal(size=(2, columns, rows))
    before = table(*(profile_numbers(row, f"c{n}") for n, row in enumerate(old)))
    after = table(*(profile_numbers(row, f"c{n}") for n, row in enumerate(new)))
    drift = judge_drift(before, after, replace(DEFAULTS, ks=0.0, psi=0.0))
    judged = judge_drift(before, after, DEFAULTS)
    assert len(drift.columns) == columns
    return len(judged.drifted), len(drift.drifted)


@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_of_columns_without_drift_give_no_alarm(seed: int) -> None:
    alarms, by_p_alone = count_alarms(seed, 384, 250)
    assert (alarms, by_p_alone <= 1) == (0, True)


@pytest.mark.long
def test_at_most_one_false_alarm_in_twenty_tables() -> None:
    alarms = [count_alarms(100 + seed, 384, 250) for seed in range(20)]
    assert sum(found for found, _ in alarms) <= 1
    assert sum(found for _, found in alarms) <= 2
