"""The metrics file that a command wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlver.document import values
from mlver.errors import MlverError
from mlver.project.worktree import value_files

# A key of a metrics file: how many rows it was measured on.
_COUNT = "count"


def read_metrics(data: bytes, path: Path, name: str) -> tuple[Mapping[str, Any], int | None]:
    """Read a metrics file: what it measured, and the rows where it has a `count` of them.

    Raise InvalidDocument for what is no finite number, and MlverError for a file without any.
    """
    if len(data) > value_files.BYTE_LIMIT:
        limit = value_files.BYTE_LIMIT >> 20
        raise MlverError(f"{name} is larger than {limit} MiB: that is no file of metrics")
    metrics = values.load_values(path.suffix, data, name)
    value_files.check_numbers(metrics, name)
    count = metrics.pop(_COUNT, None)
    if count is not None and (not isinstance(count, int) or count < 0):
        raise MlverError(f"{name} has the count {count}, which is no number of rows")
    if not metrics:
        raise MlverError(f"{name} has no metric")
    return metrics, count
