"""What a recorded drift says of its columns, held against itself and its own data's profile. Pure.

The p-value of Kolmogorov and Smirnov follows from the distance and the counts, and that of missing
values from their shares, so neither is believed. How the categories of two tables were spread is
not in a record: of these, its author's word has to do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from mlver.errors import printable_name
from mlver.policy.drift.probabilities import find_counts_p, find_ks_p
from mlver.records.measured_drift import MeasuredColumn, MeasuredDrift
from mlver.records.profile import ORDERED_KINDS, TableProfile

# The last digits are the processor's own.
_RELATIVE, _ABSOLUTE = 1e-6, 1e-9
_OWN_NUMBERS = "and its own numbers say otherwise"
_PROFILE = "and the kept profile says otherwise"


def is_close(first: float | None, second: float | None) -> bool:
    """Whether two numbers are the same but for their last digits."""
    if first is None or second is None:
        return first == second
    return math.isclose(first, second, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _compute_p(column: MeasuredColumn) -> float | None:
    """Compute the p-value of a column's distance; that of categories is as recorded."""
    if column.ks is None:
        return column.p
    if not column.old_count or not column.new_count:
        return None
    return find_ks_p(column.ks, column.old_count, column.new_count)


def _compute_missing_p(column: MeasuredColumn, drift: MeasuredDrift) -> float | None:
    """Compute the p-value of the values that are missing; None where none are."""
    old, new = _count_missing(column, drift)
    if not old and not new:
        return None
    return find_counts_p((old, drift.old_rows - old), (new, drift.new_rows - new))


def _count_missing(column: MeasuredColumn, drift: MeasuredDrift) -> tuple[int, int]:
    old, new = column.old_missing * drift.old_rows, column.new_missing * drift.new_rows
    return min(round(old), drift.old_rows), min(round(new), drift.new_rows)


def list_false_columns(drift: MeasuredDrift) -> Iterator[str]:
    """Say where the columns of a drift contradict themselves or each other."""
    compared = Counter(column.name for column in drift.columns)
    for name, times in compared.items():
        if times > 1:
            yield f"says twice how far {printable_name(name)} moved"
    for name in (*drift.removed, *drift.ignored):
        if name in compared:
            yield f"says that {printable_name(name)} was not compared, and how far it moved"
    for name in drift.ignored:
        if name not in drift.thresholds.ignore:
            yield f"left out {printable_name(name)}, which its own thresholds do not"
    for column in drift.columns:
        fault = _find_column_fault(column, drift)
        if fault is not None:
            yield fault


def _find_column_fault(column: MeasuredColumn, drift: MeasuredDrift) -> str | None:
    name = printable_name(column.name)
    is_ordered = column.kind in ORDERED_KINDS
    if column.ks is not None and not is_ordered:
        return f"says of {name}, a {column.kind}, what only numbers and times have"
    if column.ks is None and column.p is not None and is_ordered:
        words = "how likely chance gives a distance that it does not name"
        return f"says of {name}, a {column.kind}, {words}"
    if not _has_whole_counts(column, drift):
        return f"says of {name} how many values are missing, and its own rows say otherwise"
    is_same = is_close(column.p, _compute_p(column))
    if not is_same or not is_close(column.missing_p, _compute_missing_p(column, drift)):
        return f"says of {name} how likely chance gives such a distance, {_OWN_NUMBERS}"
    return None


def _has_whole_counts(column: MeasuredColumn, drift: MeasuredDrift) -> bool:
    """Whether the shares of missing values are of whole rows, and leave room for the others."""
    sides = zip(
        _count_missing(column, drift),
        (column.old_missing, column.new_missing),
        (column.old_count, column.new_count),
        (drift.old_rows, drift.new_rows),
        strict=True,
    )
    for missing, share, count, rows in sides:
        if missing + count > rows or not is_close(share, missing / rows if rows else 0.0):
            return False
    return True


def find_false_own(drift: MeasuredDrift, own: TableProfile) -> str | None:
    """Say what a drift says of its version's own data otherwise than their profile, if anything.

    Nobody has to have what it was compared with. A skew names each column of the data set as
    compared, removed or ignored; of a drift between versions, the record does not name those that
    are new.
    """
    is_first = drift.kind == "skew"
    if own.rows != (drift.old_rows if is_first else drift.new_rows):
        return f"says how many rows {drift.dataset} has, {_PROFILE}"
    columns = {column.name: column for column in own.columns}
    named = dict.fromkeys(column.name for column in drift.columns)
    if is_first:
        named.update(dict.fromkeys((*drift.removed, *drift.ignored)))
        for name in columns:
            if name not in named:
                return f"leaves out {printable_name(name)} of {drift.dataset}, {_PROFILE}"
    for name in named:
        if name not in columns:
            return f"names {printable_name(name)} as a column of {drift.dataset}, {_PROFILE}"
    for recorded in drift.columns:
        told = columns[recorded.name]
        share = told.missing / own.rows if own.rows else 0.0
        kind, count, missing = _find_own_side(recorded, is_first=is_first)
        if (kind, count) != (told.kind, told.count) or not is_close(missing, share):
            return f"says of {printable_name(recorded.name)} what it held, {_PROFILE}"
    return None


def _find_own_side(column: MeasuredColumn, *, is_first: bool) -> tuple[str, int, float]:
    """The kind, the count and the missing share of the version's own side of a column."""
    if is_first:
        return column.kind, column.old_count, column.old_missing
    return column.new_kind or column.kind, column.new_count, column.new_missing
