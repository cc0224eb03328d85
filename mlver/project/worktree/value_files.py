"""Parameters and metrics as they stand in the person's own files and on the command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlver import paths
from mlver.document import values
from mlver.errors import InvalidDocument, MlverError, UsageError, shell_command

_MAX_BYTES = 16 << 20


def gather_values(top: Path, files: Sequence[str], given: Sequence[str]) -> dict[str, Any]:
    """The values of `files` (YAML, JSON or TOML, later ones over earlier), with each `key=value` of `given` over them.

    Dots nest: `optimizer.lr=0.1`. Raise InvalidDocument with every fault of a file, MlverError where one is missing.
    """
    found: dict[str, Any] = {}
    for file in files:
        _merge_into(found, values.load_values(Path(file).suffix, _read_file(top, file), file))
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(
                f"`{text}` is not KEY=VALUE",
                hint="such as --param lr=0.001 or --metric accuracy=0.93",
            )
        values.assign_value(found, key, values.parse_scalar(value))
    return found


def read_past_values(files: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """The values of files as they once were; one that was not there, or is not valid, said nothing."""
    found: dict[str, Any] = {}
    for file, data in files:
        with suppress(InvalidDocument, UsageError):
            _merge_into(
                found, values.load_values(Path(file).suffix, data, file) if data is not None else {}
            )
    return found


def select_common(old: Mapping[str, Any], *sides: Mapping[str, Any]) -> dict[str, Any]:
    """What of `old` has a name on any of the sides."""
    kept: dict[str, Any] = {}
    for key, value in old.items():
        there = [side[key] for side in sides if key in side]
        if isinstance(value, Mapping) and value and all(isinstance(one, Mapping) for one in there):
            inner = select_common(value, *there)
            if inner:
                kept[key] = inner
        elif there:
            kept[key] = value
    return kept


def check_numbers(metrics: Mapping[str, Any], where: str) -> None:
    """Raise InvalidDocument naming every metric that is not a finite number."""
    faults = tuple(
        f"{key}: is {what}, not a number" for key, what in _find_non_numbers(metrics, "")
    )
    if faults:
        raise InvalidDocument(
            where, faults, hint="keep only numbers among the metrics; the rest belongs in --params"
        )


def _find_non_numbers(metrics: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _find_non_numbers(value, f"{prefix}{key}.")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield (
                f"{prefix}{key}",
                "true or false" if isinstance(value, bool) else _name_type(value),
            )
        elif not math.isfinite(value):
            yield f"{prefix}{key}", str(value)


def _name_type(value: Any) -> str:
    return {str: "text", list: "a list", type(None): "null"}.get(type(value), type(value).__name__)


def _merge_into(onto: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        mine = onto.get(key)
        if isinstance(mine, dict) and isinstance(value, Mapping):
            _merge_into(mine, value)
        else:
            onto[key] = value


def _read_file(top: Path, file: str) -> bytes:
    where = paths.join_inside(top, file)
    try:
        with where.open("rb") as opened:
            data = opened.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise MlverError(f"{file} does not exist", hint=shell_command("ls", where.parent)) from None
    except OSError as error:
        raise MlverError(
            f"{file} cannot be read: {error.strerror}", hint=shell_command("ls", "-ld", "--", file)
        ) from None
    if len(data) > _MAX_BYTES:
        raise MlverError(
            f"{file} is larger than {_MAX_BYTES >> 20} MiB: that is no parameter or metric file",
            hint="name a smaller file; what is that large can be a data set: --data NAME=PATH",
        )
    return data
