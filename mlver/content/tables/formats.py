"""The format of a table, told from its name, and how the engine reads it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Literal

from mlver.errors import MlverError, printable_name

TableFormat = Literal["csv", "parquet", "jsonl"]
_FORMATS: dict[str, TableFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
SUFFIXES = tuple(_FORMATS)


def detect_table(names: Iterable[str]) -> TableFormat | None:
    """The format that all names agree on; None where one is no table, or they do not agree."""
    formats = {_FORMATS.get(posixpath.splitext(name)[1].lower()) for name in names}
    return formats.pop() if len(formats) == 1 else None


def require_table(label: str, names: Iterable[str]) -> TableFormat:
    """The same; raise MlverError, which names the data by its `label`, where there is none."""
    found = detect_table(names)
    if found is None:
        raise MlverError(
            f"{printable_name(label)} is no table that mlver reads: those are"
            f" {', '.join(SUFFIXES)}, and folders of files of one of these formats"
        )
    return found
