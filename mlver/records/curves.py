"""Metric curves: JSON Lines, an object a line, with a `step` and numbers.

`"NaN"`, `"Infinity"` and `"-Infinity"` stand for what was no finite number, such as a loss that was
NaN: JSON has no number for them. So does `null` for one of which nobody knows which.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from mlver.errors import InvalidDocument
from mlver.records.values import flatten_values

STEP = "step"
# A training that logs ten numbers each of a hundred thousand steps stays below it.
CURVES_LIMIT = 32 << 20
_LINE_LIMIT = 64 << 10
_NAME_LIMIT = 200
_NAMES_LIMIT = 1_000
# Steps times names: each is kept, whether or not a line has it. That of two million takes 16 MiB.
_VALUES_LIMIT = 2_000_000
# What JSON readers of other languages can hold.
_LARGEST = 1 << 63
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class Curves:
    """What was measured at each of the `steps`: `series` have a value a step, None for none.

    A value may be NaN or infinite.
    """

    steps: Sequence[float] = ()
    series: Mapping[str, Sequence[float | None]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.steps)


def format_point(step: float, values: Mapping[str, float | None]) -> bytes:
    """Write one line."""
    point: dict[str, Any] = {STEP: step}
    for name, value in values.items():
        point[name] = write_value(value)
    return json.dumps(point, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def write_value(value: float | None) -> float | str | None:
    """A value as JSON has it: a word for what is no finite number, None for none."""
    if value is None or _is_number(value):
        return value
    # NaN is neither more nor less than 0; an integer may be larger than any float.
    if not (value > 0 or value < 0):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def describe_unbounded(steps: Sequence[float], column: Sequence[float | None]) -> str | None:
    """Say at which steps a curve is no finite number, such as `NaN from step 120`, if any."""
    present = [place for place, value in enumerate(column) if value is not None]
    places = [place for place in present if not _is_finite(column[place])]
    if not places:
        return None
    words = [write_value(column[place]) for place in places]
    what = "NaN or infinite"
    if "NaN" not in words:
        what = "infinite"
    elif set(words) == {"NaN"}:
        what = "NaN"
    first = f"{steps[places[0]]:.12g}"
    if present[-len(places) :] == places:
        return f"{what} from step {first}"
    if len(places) == 1:
        return f"{what} at step {first}"
    return f"{what} at {len(places):,} steps, first at {first}"


def _is_finite(value: float | None) -> bool:
    return value is not None and _is_number(value)


def format_curves(curves: Curves) -> bytes:
    """Write all lines, each with the values that there are."""
    lines: list[bytes] = []
    for place, step in enumerate(curves.steps):
        values = {name: column[place] for name, column in curves.series.items()}
        present = {name: value for name, value in values.items() if value is not None}
        lines.append(format_point(step, present))
    return b"".join(lines)


def parse_curves(
    data: bytes, where: str, *, as_written: bool = False, faults: list[str] | None = None
) -> Curves:
    """Read curves; raise InvalidDocument, naming `where` and the line, for what are none.

    `as_written`: a training wrote the file, perhaps without steps, with text among the numbers, or
    with a last line that it did not come to the end of. With `faults`, a line that is none is left
    out, and said there.
    """
    if len(data) > CURVES_LIMIT:
        raise InvalidDocument(where, (f"is larger than {CURVES_LIMIT >> 20} MiB",))
    steps: list[float] = []
    series: dict[str, list[float | None]] = {}
    for number, line in _split_lines(data, as_written=as_written):
        try:
            step, values = _parse_point(line, number, as_written=as_written)
        except (ValueError, RecursionError) as error:
            fault = f"line {number}: {_describe_fault(error)}"
            if faults is None:
                raise InvalidDocument(where, (fault,)) from None
            faults.append(fault)
            continue
        for name in values:
            series.setdefault(name, [None] * len(steps))
        if len(series) > _NAMES_LIMIT:
            raise InvalidDocument(where, (f"line {number}: more than {_NAMES_LIMIT:,} names",))
        steps.append(step)
        if len(steps) * len(series) > _VALUES_LIMIT:
            fault = f"line {number}: more than {_VALUES_LIMIT:,} values, steps times names"
            raise InvalidDocument(where, (fault,))
        for name, column in series.items():
            column.append(values.get(name))
    return Curves(steps, series)


def _split_lines(data: bytes, *, as_written: bool) -> Iterator[tuple[int, bytes]]:
    lines = data.split(b"\n")
    unended = lines.pop()
    if unended and not as_written:
        lines.append(unended)
    for number, line in enumerate(lines, 1):
        if line.strip() or not as_written:
            yield number, line


def _parse_point(
    line: bytes, number: int, *, as_written: bool
) -> tuple[float, dict[str, float | None]]:
    if len(line) > _LINE_LIMIT:
        raise ValueError(f"is longer than {_LINE_LIMIT:,} bytes")
    point = json.loads(line.decode(), parse_constant=_read_constant if as_written else _refuse)
    if not isinstance(point, dict):
        raise ValueError("is no object")
    values = flatten_values(point) if as_written else point
    step = values.pop(STEP, number if as_written else None)
    if not _is_number(step):
        raise ValueError("has no `step` that is a number")
    numbers: dict[str, float | None] = {}
    for name, value in values.items():
        if not name or len(name) > _NAME_LIMIT:
            raise ValueError(f"has a name that is empty or longer than {_NAME_LIMIT} letters")
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise ValueError("has a name that is no text")
        measured = _read_value(value, as_written=as_written)
        if measured is not None:
            numbers[name] = measured
        elif not as_written:
            raise ValueError("has a value that is no finite number")
    return step, numbers


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) < _LARGEST


def _read_value(value: Any, *, as_written: bool) -> float | None:
    """Read a value of a line; None for what is none. A training may write infinite numbers."""
    if value is None:
        return math.nan
    if isinstance(value, str):
        return _WORDS.get(value)
    is_read = _is_number(value) or (as_written and isinstance(value, float))
    return cast("float", value) if is_read else None


def _read_constant(name: str) -> float:
    """Take NaN and the infinities, which JSON has not."""
    return _WORDS[name]


def _refuse(name: str) -> None:
    raise ValueError(f"`{name}` is no number")


def _describe_fault(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return "is no UTF-8"
    return str(error)
