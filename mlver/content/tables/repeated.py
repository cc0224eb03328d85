"""How much of one loaded table repeats the rows of another."""

from __future__ import annotations

from collections.abc import Collection

from mlver.content.tables.engine import Engine, fetch_row, naming_table
from mlver.content.tables.row_diff import hash_sides, list_shared
from mlver.content.tables.table import LoadedTable

# Where fewer rows of a table differ, equal rows elsewhere are no wonder.
_MOSTLY_DISTINCT = 0.9


def measure_repeated(
    connection: Engine, old: LoadedTable, new: LoadedTable, names: Collection[str]
) -> float | None:
    """Measure the share of rows of `new` that are rows of `old`, by the columns of these names.

    None where rows do not tell: there are none, or those of `old` repeat each other.
    """
    shared = [column for column in list_shared(old, new) if column.name in names]
    if not shared or not old.rows or not new.rows:
        return None
    before, after = hash_sides(shared)
    with naming_table(f"{old.label} and {new.label}"):
        (distinct,) = fetch_row(
            connection, f"SELECT count(DISTINCT {before}) FROM {old.relation} AS o"
        )
        if distinct < _MOSTLY_DISTINCT * old.rows:
            return None
        (repeated,) = fetch_row(
            connection,
            f"SELECT count(*) FROM {new.relation} AS n"
            f" WHERE {after} IN (SELECT {before} FROM {old.relation} AS o)",
        )
    return float(repeated / new.rows)
