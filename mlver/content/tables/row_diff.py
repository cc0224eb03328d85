"""The rows of two loaded tables compared: by a key, or as a whole where they have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlver.content.tables.engine import Engine, fetch_row, naming_table
from mlver.content.tables.table import LoadedTable
from mlver.errors import MlverError, UsageError, printable_name


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDiff:
    """How many rows are in one table only, and how many of both are other than they were.

    Without a `key`, a row that is other than it was is one that was removed and one that was added,
    and `changed` is None. `cells` are the changed values by column.
    """

    key: tuple[str, ...]
    added: int
    removed: int
    changed: int | None = None
    cells: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SharedColumn:
    """A column of both tables, by its places there, and what its values are compared as."""

    name: str
    old: int
    new: int
    cast: str | None

    def build_sides(self) -> tuple[str, str]:
        """The expressions for its value in the two tables."""
        old, new = f"o.c{self.old}", f"n.c{self.new}"
        if self.cast is None:
            return old, new
        return f"CAST({old} AS {self.cast})", f"CAST({new} AS {self.cast})"


def compare_rows(
    connection: Engine, old: LoadedTable, new: LoadedTable, key: Sequence[str]
) -> RowDiff:
    """Compare the columns that both tables have, row by row.

    Raise UsageError where `key` names no such column, or several rows have the same one.
    """
    shared = list(list_shared(old, new))
    if not shared:
        raise MlverError(
            f"{printable_name(old.label)} and {printable_name(new.label)} have no column in common"
        )
    keys = [_find_key(name, shared) for name in key]
    with naming_table(f"{old.label} and {new.label}"):
        if not keys:
            return _compare_whole(connection, (old, new), shared)
        _require_unique(connection, old, [(column.old, column.cast) for column in keys], key)
        _require_unique(connection, new, [(column.new, column.cast) for column in keys], key)
        others = [column for column in shared if column not in keys]
        return _compare_keyed(connection, (old, new), keys, others)


def list_shared(old: LoadedTable, new: LoadedTable) -> Iterator[SharedColumn]:
    """List the columns that both tables have, in the order of the first."""
    for place, column in enumerate(old.columns):
        other = new.find_place(column.name)
        if other is None:
            continue
        cast = None
        if column.type != new.columns[other].type:
            both = {column.kind, new.columns[other].kind}
            cast = "DOUBLE" if both == {"number"} else "VARCHAR"
        yield SharedColumn(column.name, place, other, cast)


def _find_key(name: str, shared: Sequence[SharedColumn]) -> SharedColumn:
    for column in shared:
        if column.name == name:
            return column
    names = ", ".join(printable_name(column.name) for column in shared[:20])
    raise UsageError(f"--key names {printable_name(name)}, and both tables have {names}")


def _require_unique(
    connection: Engine,
    table: LoadedTable,
    columns: Sequence[tuple[int, str | None]],
    key: Sequence[str],
) -> None:
    """Raise UsageError where rows of a table share a key, or have none.

    `columns` are the places of those of the key, each with the type that it is compared as.
    """
    values = [f"CAST(c{place} AS {cast})" if cast else f"c{place}" for place, cast in columns]
    names = ", ".join(values)
    missing = " OR ".join(f"c{place} IS NULL" for place, _ in columns)
    (without,) = fetch_row(connection, f"SELECT count(*) FROM {table.relation} WHERE {missing}")
    (twice,) = fetch_row(
        connection,
        f"SELECT count(*) FROM (SELECT 1 FROM {table.relation} GROUP BY {names}"
        " HAVING count(*) > 1)",
    )
    if without or twice:
        shown = printable_name(", ".join(key))
        fault = f"{twice:,} keys of several rows" if twice else f"{without:,} rows without one"
        casts = sorted({cast for _, cast in columns if cast})
        if twice and casts:
            fault += f", read as {' and '.join(casts)} as the other table needs"
        raise UsageError(f"{shown} is no key of {printable_name(table.label)}: it has {fault}")


def _compare_keyed(
    connection: Engine,
    tables: tuple[LoadedTable, LoadedTable],
    keys: Sequence[SharedColumn],
    others: Sequence[SharedColumn],
) -> RowDiff:
    both = "o.here AND n.here"
    equal = " AND ".join("{} = {}".format(*column.build_sides()) for column in keys)
    differ = ["{} IS DISTINCT FROM {}".format(*column.build_sides()) for column in others]
    counts = ["count(*) FILTER (o.here IS NULL)", "count(*) FILTER (n.here IS NULL)"]
    counts += [f"count(*) FILTER ({both} AND ({' OR '.join(differ) or 'false'}))"]
    counts += [f"count(*) FILTER ({both} AND {condition})" for condition in differ]
    sides = [f"(SELECT *, true AS here FROM {table.relation})" for table in tables]
    added, removed, changed, *cells = fetch_row(
        connection,
        f"SELECT {', '.join(counts)} FROM {sides[0]} AS o FULL JOIN {sides[1]} AS n ON {equal}",
    )
    names = [column.name for column in others]
    return RowDiff(
        key=tuple(column.name for column in keys),
        added=added,
        removed=removed,
        changed=changed,
        cells=dict(zip(names, cells, strict=True)),
    )


def _compare_whole(
    connection: Engine,
    tables: tuple[LoadedTable, LoadedTable],
    shared: Sequence[SharedColumn],
) -> RowDiff:
    """Count how often each row is on either side, by a hash of its values."""
    old, new = tables
    before, after = hash_sides(shared)
    hashed = (
        f"SELECT {before} AS h, 1 AS x, 0 AS y FROM {old.relation} AS o"
        f" UNION ALL SELECT {after}, 0, 1 FROM {new.relation} AS n"
    )
    counted = f"SELECT sum(x)::BIGINT AS x, sum(y)::BIGINT AS y FROM ({hashed}) GROUP BY h"
    added, removed = fetch_row(
        connection,
        "SELECT coalesce(sum(greatest(y - x, 0)), 0)::BIGINT,"
        f" coalesce(sum(greatest(x - y, 0)), 0)::BIGINT FROM ({counted})",
    )
    return RowDiff(key=(), added=added, removed=removed)


def hash_sides(shared: Sequence[SharedColumn]) -> tuple[str, str]:
    """The expressions for the hash of a row's shared values in the two tables, `o` and `n`."""
    sides = [column.build_sides() for column in shared]
    before = ", ".join(side[0] for side in sides)
    after = ", ".join(side[1] for side in sides)
    return f"hash({before})", f"hash({after})"
