"""The engine that reads tables, locked down: it sees the files it is given, and nothing else.

It reads no other file and no address, writes nothing but its own spilled blocks, loads no
extension, and its settings cannot be changed. File names reach it as parameters only, and columns
go by their place, so that nothing that others wrote becomes part of a query.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mlver.errors import MlverError, printable_name, shell_command
from mlver.extras import import_extra

if TYPE_CHECKING:
    import duckdb

Engine: TypeAlias = "duckdb.DuckDBPyConnection"
EXTRA = "insight"
# Of blocks; what a query needs beside them comes on top of it.
MEMORY_LIMIT = "400MB"
_MOST_THREADS = 2
_LONGEST_REASON = 300
_ADVICE = ("The search space used was", "Possible ", "Column ")


@contextmanager
def open_engine(files: Sequence[Path], spill: Path) -> Iterator[Engine]:
    """Open an engine that sees these files only, and spills into the folder `spill`.

    Raise MlverError where it is not installed.
    """
    engine = import_extra("duckdb", EXTRA)
    spill.mkdir(exist_ok=True)
    settings = {
        "memory_limit": MEMORY_LIMIT,
        "threads": min(_MOST_THREADS, os.cpu_count() or 1),
        "temp_directory": os.fspath(spill),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with engine.connect(":memory:", config=settings) as connection:
        connection.execute("SET allowed_paths = $files", {"files": [os.fspath(f) for f in files]})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


@contextmanager
def naming_table(label: str, files: Sequence[Path] = ()) -> Iterator[None]:
    """Refuse a table that cannot be read by its name, and say why on one line.

    `files` are copies whose own names say nothing to anybody.
    """
    engine = import_extra("duckdb", EXTRA)
    try:
        yield
    except (engine.OutOfMemoryException, MemoryError):
        raise MlverError(
            f"{printable_name(label)} was not read: it needs more than {MEMORY_LIMIT} of memory, or"
            " than there is room for temporary files",
            hint=shell_command("df", "-h"),
        ) from None
    except engine.Error as error:
        raise MlverError(
            f"{printable_name(label)} cannot be read as a table: {_summarise_reason(error, files)}"
        ) from None


def _summarise_reason(error: Exception, files: Sequence[Path]) -> str:
    """The first lines of what the engine says, without the query and its advice."""
    text = str(error).partition("\n\n")[0]
    for file in files:
        text = text.replace(os.fspath(file), file.name)
    for advice in _ADVICE:
        text = text.partition(advice)[0]
    reason = " ".join(line.strip() for line in text.splitlines())
    return printable_name(reason.strip())[:_LONGEST_REASON]


def number_columns(count: int, prefix: str = "c") -> tuple[str, ...]:
    """Name so many columns by their place."""
    return tuple(f"{prefix}{place}" for place in range(count))


def fetch_row(connection: Engine, query: str, **parameters: Any) -> tuple[Any, ...]:
    """Run a query that has one row."""
    row = connection.execute(query, parameters or None).fetchone()
    assert row is not None
    return row
