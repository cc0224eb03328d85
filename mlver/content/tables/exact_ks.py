"""Kolmogorov–Smirnov's distance of the columns of two loaded tables, value by value."""

from __future__ import annotations

from mlver.content.tables.engine import Engine, fetch_row, naming_table
from mlver.content.tables.profiling import cast_number
from mlver.content.tables.table import LoadedTable
from mlver.records.profile import TableProfile


def measure_exact_ks(
    connection: Engine,
    tables: tuple[LoadedTable, LoadedTable],
    profiles: tuple[TableProfile, TableProfile],
) -> dict[str, float]:
    """Measure the distance of each column of numbers or times that both tables have, by name."""
    old, new = tables
    distances: dict[str, float] = {}
    with naming_table(f"{old.label} and {new.label}"):
        for place, column in enumerate(old.columns):
            before = profiles[0].columns[place]
            after = profiles[1].find_column(column.name)
            if after is None or after.kind != before.kind or not before.is_ordered:
                continue
            if before.count and after.count:
                other = new.find_place(column.name)
                assert other is not None
                query = _build_query(tables, place, other)
                (largest,) = fetch_row(connection, query, old=before.count, new=after.count)
                distances[column.name] = largest / before.count / after.count
    return distances


def _build_query(tables: tuple[LoadedTable, LoadedTable], place: int, other: int) -> str:
    """The largest distance of the two cumulative counts, times both numbers of values.

    Whole numbers have no rounding; they stay so until the end.
    """
    sides: list[str] = []
    for table, position, counts in zip(tables, (place, other), ("1, 0", "0, 1"), strict=True):
        value = cast_number(table.columns[position], f"c{position}")
        sides.append(f"SELECT {value}, {counts} FROM {table.relation} WHERE isfinite({value})")
    values = " UNION ALL ".join(sides)
    counted = f"SELECT v, sum(x) AS x, sum(y) AS y FROM ({values}) AS sides(v, x, y) GROUP BY v"
    summed = (
        f"SELECT sum(x) OVER w AS a, sum(y) OVER w AS b FROM ({counted}) WINDOW w AS (ORDER BY v)"
    )
    return f"SELECT max(abs(a * $new::HUGEINT - b * $old::HUGEINT)) FROM ({summed})"
