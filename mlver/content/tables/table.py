"""A table in the engine, and its columns."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlver.content.tables.broken import count_keys, find_broken, has_nul
from mlver.content.tables.engine import EXTRA, Engine, fetch_row, naming_table, number_columns
from mlver.content.tables.formats import TableFormat
from mlver.errors import MlverError, printable_name, shell_command
from mlver.extras import import_extra
from mlver.records.profile import MOST_COLUMNS, ColumnKind

# Of a file whose first line is longer, nobody knows where its columns end.
_LONGEST_HEADER = 1 << 20
_DELIMITERS = ",;\t|"
_CSV_OPTIONS = (
    "header = true, skip = 0, comment = '', quote = '\"', escape = '\"', null_padding = false,"
    " nullstr = ['', 'NA', 'N/A', 'NULL', 'null', 'None'], delim = $delimiter,"
)
_READERS: dict[TableFormat, str] = {
    "csv": f"read_csv($files, {_CSV_OPTIONS} sample_size = $sample)",
    "jsonl": "read_json($files, format = 'newline_delimited', sample_size = $sample)",
    "parquet": "read_parquet($files)",
}
# How many rows tell the types; where a later row has another one, all of them are read for it.
_SAMPLE, _ALL_ROWS = 20_480, -1
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
_UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_TIMES = ("DATE", "TIMESTAMP")
_TEXTS = ("VARCHAR", "BOOLEAN", "ENUM", "UUID")


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The files of one table, all of the same format; `label` is what people call it.

    `files` may be copies, of files that have these `names`.
    """

    label: str
    format: TableFormat
    files: tuple[Path, ...]
    names: tuple[str, ...] = ()

    def find_fault(self, delimiter: str | None) -> MlverError | None:
        """Find the first place where one of the files is no table, by its own name."""
        names = self.names or (self.label,) * len(self.files)
        for file, name in zip(self.files, names, strict=True):
            broken = find_broken(file, self.format, delimiter)
            if broken is None:
                continue
            told, hint = broken.words, None
            if broken.line is not None:
                told = f"line {broken.line:,} {told}"
                hint = shell_command("sed", "-n", f"{broken.line}p", name)
            if name != self.label:
                told = f"in {printable_name(name)}, {told}"
            label = printable_name(self.label)
            return MlverError(f"{label} cannot be read as a table: {told}", hint=hint)
        return None


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name in the file, the engine's type, and what can be done with it."""

    name: str
    type: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """A table in the engine under the name `relation`, with its columns as `c0`, `c1` and so on."""

    label: str
    relation: str
    columns: tuple[Column, ...]
    rows: int

    def find_place(self, name: str) -> int | None:
        """The place of a column of this name; None where it has none."""
        names = [column.name for column in self.columns]
        return names.index(name) if name in names else None


def load_table(connection: Engine, table: TableFiles, relation: str) -> LoadedTable:
    """Read the files of a table into the engine, once; raise MlverError where that fails.

    What does not fit into memory is spilled.
    """
    if all(file.stat().st_size == 0 for file in table.files):
        raise MlverError(f"{printable_name(table.label)} cannot be read as a table: it is empty")
    if table.format != "parquet":
        _refuse_unfit_text(table)
    try:
        return _load_sampled(connection, table, relation, _SAMPLE)
    except _OtherType:
        return _load_sampled(connection, table, relation, _ALL_ROWS)


def _refuse_unfit_text(table: TableFiles) -> None:
    """Refuse what the engine would take, or would take long to refuse."""
    for file in table.files:
        fault = table.find_fault(None) if has_nul(file) else None
        if fault is not None:
            raise fault
        if table.format == "jsonl":
            _require_columns(table.label, count_keys(file, MOST_COLUMNS))
    if table.format == "csv":
        header = _read_header(table)
        if len(header) == _LONGEST_HEADER:
            raise MlverError(
                f"{printable_name(table.label)} cannot be read as a table: line 1 is longer than"
                f" {_LONGEST_HEADER:,} bytes"
            )
        _require_columns(table.label, header.count(_find_delimiter(table).encode()) + 1)


class _OtherType(Exception):
    """A row is of another type than those before it."""


def _load_sampled(connection: Engine, table: TableFiles, relation: str, sample: int) -> LoadedTable:
    engine = import_extra("duckdb", EXTRA)
    reader = _READERS[table.format]
    parameters: dict[str, Any] = {"files": [os.fspath(file) for file in table.files]}
    if table.format != "parquet":
        parameters["sample"] = sample
    if table.format == "csv":
        parameters["delimiter"] = _find_delimiter(table)
    delimiter = parameters.get("delimiter")
    with naming_table(table.label, partial(table.find_fault, delimiter)):
        described = connection.execute(f"DESCRIBE SELECT * FROM {reader}", parameters).fetchall()
        columns = tuple(Column(name, type_, _find_kind(type_)) for name, type_, *_ in described)
        _require_columns(table.label, len(columns))
        aliases = ", ".join(number_columns(len(columns)))
        create = (
            f"CREATE OR REPLACE TEMP TABLE {relation} AS SELECT * FROM {reader} AS t({aliases})"
        )
        try:
            connection.execute(create, parameters)
        except (engine.ConversionException, engine.InvalidInputException) as error:
            if sample == _ALL_ROWS or table.format == "parquet":
                raise
            raise _OtherType from error
        (rows,) = fetch_row(connection, f"SELECT count(*) FROM {relation}")
        if table.format == "parquet":
            _require_claimed_rows(connection, table, rows)
    return LoadedTable(table.label, relation, columns, rows)


def _require_columns(label: str, count: int) -> None:
    if count > MOST_COLUMNS:
        raise MlverError(
            f"{printable_name(label)} has {count:,} columns, and mlver compares"
            f" {MOST_COLUMNS:,} at most"
        )


def _require_claimed_rows(connection: Engine, table: TableFiles, rows: int) -> None:
    """Refuse Parquet files that do not have the rows that they say: something is missing."""
    files = [os.fspath(file) for file in table.files]
    query = "SELECT sum(num_rows::HUGEINT) FROM parquet_file_metadata($files)"
    (claimed,) = fetch_row(connection, query, files=files)
    if claimed != rows:
        raise MlverError(
            f"{printable_name(table.label)} cannot be read as a table: it says that it has"
            f" {claimed:,} rows, and has {rows:,}"
        )


def _find_delimiter(table: TableFiles) -> str:
    """The delimiter that the first line of a table has most often, outside of quotes."""
    text = _read_header(table).decode(errors="replace")
    counts = {letter: _count_cells(text, letter) for letter in _DELIMITERS}
    return max(counts, key=lambda letter: counts[letter])


def _read_header(table: TableFiles) -> bytes:
    with table.files[0].open("rb") as file:
        return file.readline(_LONGEST_HEADER)


def _count_cells(header: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=delimiter), []))
    except csv.Error:
        return 0


def _find_kind(type_: str) -> ColumnKind:
    if "[" in type_:
        return "other"
    plain = type_.partition("(")[0]
    if plain in _NUMBERS or plain in _UNSIGNED:
        return "number"
    if plain.startswith(_TIMES):
        return "time"
    return "category" if plain in _TEXTS else "other"
