"""The engine that reads tables, locked down: it sees the files it is given, and nothing else.

It reads no other file and no address, writes nothing but its own spilled blocks, loads no
extension, and its settings cannot be changed. File names reach it as parameters only, and columns
go by their place, so that nothing that others wrote becomes part of a query.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
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
_LEAST_SPILL, _SPILL_FACTOR = 1 << 30, 20
_LONGEST_REASON = 300
# How the engine names the copies that it is given, whose names say nothing to anybody.
_FILE = re.compile(r"(?:in )?file ['\"][^'\"]*['\"]")
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
        "max_temp_directory_size": _limit_spill(files),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with engine.connect(":memory:", config=settings) as connection:
        connection.execute("SET allowed_paths = $files", {"files": [os.fspath(f) for f in files]})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _limit_spill(files: Sequence[Path]) -> str:
    """How much may be spilled: a small file that unpacks to a huge table does not fill a disk."""
    size = sum(file.stat().st_size for file in files)
    return f"{max(_LEAST_SPILL, _SPILL_FACTOR * size)}B"


@contextmanager
def naming_table(
    label: str, explain: Callable[[], MlverError | None] | None = None
) -> Iterator[None]:
    """Refuse a table that cannot be read by its name, and say why on one line.

    `explain` finds a better reason than the engine has, if there is one.
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
        explained = None if explain is None else explain()
        if explained is not None:
            raise explained from None
        raise MlverError(
            f"{printable_name(label)} cannot be read as a table: {_summarise_reason(error)}"
        ) from None


def _summarise_reason(error: Exception) -> str:
    """The first lines of what the engine says: no query, no advice, and no name of a copy."""
    text = str(error).partition("\n\n")[0]
    for advice in _ADVICE:
        text = text.partition(advice)[0]
    text = _FILE.sub("it", text)
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
