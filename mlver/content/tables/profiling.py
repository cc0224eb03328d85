"""What a table holds in short: moments and quantiles of numbers, categories of texts."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from mlver.content.tables.engine import Engine, fetch_row, naming_table
from mlver.content.tables.table import Column, LoadedTable
from mlver.records.profile import (
    CATEGORIES,
    QUANTILES,
    ColumnProfile,
    TableProfile,
    is_mostly_distinct,
)

_LEVELS = [place / (QUANTILES - 1) for place in range(QUANTILES)]
# Quantiles hold all the values of their columns in memory, which grows by doubling: so many need
# 130 MB at most. A column with more is sorted, which takes longer and is spilled.
_VALUES_AT_ONCE = 8_000_000
# How threads share the rows decides the last digits of a sum, and all machines are to write the
# same.
_DIGITS = 9
_LONGEST_CATEGORY = 200
_LONGEST_TYPE = 500


def profile_table(connection: Engine, table: LoadedTable) -> TableProfile:
    """Describe every column of a loaded table; raise MlverError where the engine cannot."""
    profiles: dict[int, ColumnProfile] = {}
    with naming_table(table.label):
        for places in _group_ordered(table):
            for place, profile in _profile_numbers(connection, table, places):
                profiles[place] = profile
        for place, column in enumerate(table.columns):
            if column.kind == "category":
                profiles[place] = _profile_category(connection, table, place)
            elif column.kind == "other":
                profiles[place] = _profile_other(connection, table, place)
    return TableProfile(
        rows=table.rows, columns=tuple(profiles[place] for place in range(len(table.columns)))
    )


def _group_ordered(table: LoadedTable) -> Iterator[list[int]]:
    """The places of the columns of numbers and times, as many together as memory holds."""
    places = [
        place for place, column in enumerate(table.columns) if column.kind in ("number", "time")
    ]
    size = max(1, _VALUES_AT_ONCE // max(table.rows, 1))
    # A query with thousands of columns takes long to plan.
    size = min(size, 200)
    for start in range(0, len(places), size):
        yield places[start : start + size]


def cast_number(column: Column, name: str) -> str:
    """The expression for a value of a column as a number; times are seconds since 1970."""
    if column.kind == "time":
        return f"epoch(CAST({name} AS TIMESTAMP))"
    return f"CAST({name} AS DOUBLE)"


def _profile_numbers(
    connection: Engine, table: LoadedTable, places: Sequence[int]
) -> Iterator[tuple[int, ColumnProfile]]:
    is_held = len(places) * table.rows <= _VALUES_AT_ONCE
    answers: list[str] = []
    for place in places:
        value = cast_number(table.columns[place], f"c{place}")
        finite = f"FILTER (isfinite({value}))"
        answers += [
            f"count(*) FILTER ({value} IS NOT NULL AND NOT isnan({value}))",
            f"count({value}) {finite}",
            f"avg({value}) {finite}",
            f"var_samp({value}) {finite}",
            f"quantile_disc({value}, $levels) {finite}" if is_held else "NULL",
        ]
    query = f"SELECT {', '.join(answers)} FROM {table.relation}"
    row = iter(fetch_row(connection, query, **({"levels": _LEVELS} if is_held else {})))
    for place in places:
        column = table.columns[place]
        valued, count, mean, variance, quantiles = (next(row) for _ in range(5))
        if count and not is_held:
            quantiles = _sort_quantiles(connection, table, place, count)
        yield (
            place,
            ColumnProfile(
                name=column.name,
                type=_shorten_type(column),
                kind=column.kind,
                count=count,
                missing=table.rows - valued,
                infinite=valued - count,
                mean=_round_moment(mean) if count else None,
                # One value alone has no spread.
                variance=_round_moment(variance if count > 1 else 0.0) if count else None,
                quantiles=tuple(quantiles or ()) if count else (),
            ),
        )


def _sort_quantiles(
    connection: Engine, table: LoadedTable, place: int, count: int
) -> Sequence[float]:
    """The same quantiles of a column by sorting it."""
    value = cast_number(table.columns[place], f"c{place}")
    ranks = [max(math.ceil(level * count), 1) for level in _LEVELS]
    ranked = (
        f"SELECT v, row_number() OVER (ORDER BY v) AS r"
        f" FROM (SELECT {value} AS v FROM {table.relation}) WHERE isfinite(v)"
    )
    (found,) = fetch_row(
        connection,
        f"SELECT map_from_entries(list((r, v))) FROM ({ranked}) WHERE r IN (SELECT unnest($ranks))",
        ranks=sorted(set(ranks)),
    )
    return [found[rank] for rank in ranks]


def _round_moment(value: float | None) -> float:
    """Round a mean or a variance; one that is beyond all numbers is the largest of them."""
    if value is None or not math.isfinite(value):
        return math.copysign(sys.float_info.max, -1.0 if value == -math.inf else 1.0)
    return float(f"{value:.{_DIGITS}g}")


def _shorten_type(column: Column) -> str:
    """What the reader calls the type of a column: that of a wide object is long."""
    if len(column.type) <= _LONGEST_TYPE:
        return column.type
    return f"{column.type[:_LONGEST_TYPE]}…"


def _shorten_text(text: str) -> str:
    """The expression for a text that is short enough to be listed, and like no other one's."""
    shortened = f"left({text}, {_LONGEST_CATEGORY}) || '…' || left(md5({text}), 8)"
    return f"CASE WHEN length({text}) <= {_LONGEST_CATEGORY} THEN {text} ELSE {shortened} END"


def _profile_category(connection: Engine, table: LoadedTable, place: int) -> ColumnProfile:
    column = table.columns[place]
    counted = (
        f"SELECT {_shorten_text(f'CAST(c{place} AS VARCHAR)')} AS v, count(*) AS n"
        f" FROM {table.relation} WHERE c{place} IS NOT NULL GROUP BY v"
    )
    # Of equally many the last in order are listed, so that everybody lists the same.
    distinct, count, top = fetch_row(
        connection,
        f"SELECT count(*), coalesce(sum(n), 0)::BIGINT, max({{'n': n, 'v': v}}, {CATEGORIES})"
        f" FROM ({counted})",
    )
    listed: Sequence[dict[str, Any]] = [] if is_mostly_distinct(distinct, count) else top or []
    return ColumnProfile(
        name=column.name,
        type=_shorten_type(column),
        kind=column.kind,
        count=count,
        missing=table.rows - count,
        distinct=distinct,
        categories=tuple((entry["v"], entry["n"]) for entry in listed),
    )


def _profile_other(connection: Engine, table: LoadedTable, place: int) -> ColumnProfile:
    column = table.columns[place]
    (count,) = fetch_row(connection, f"SELECT count(c{place}) FROM {table.relation}")
    return ColumnProfile(
        name=column.name,
        type=_shorten_type(column),
        kind=column.kind,
        count=count,
        missing=table.rows - count,
    )
