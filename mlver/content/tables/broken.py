"""Where a file that the engine refused is broken: the first line that is no row, and why.

It is only asked when the engine refused a file, which often says neither the line nor the reason.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mlver.content.tables.formats import TableFormat

# The engine takes no longer ones.
_LONGEST_ROW, _LONGEST_OBJECT = 2_000_000, 16 << 20
_BLOCK = 1 << 20
_END, _ENCRYPTED_END = b"PAR1", b"PARE"


@dataclass(frozen=True, slots=True)
class BrokenPlace:
    """What is wrong with a file; `line` counts from 1 and is None where there are no lines."""

    words: str
    line: int | None = None


def has_nul(path: Path) -> bool:
    """Whether a file has a NUL byte, which the engine takes for a letter."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if b"\0" in block:
                return True
    return False


def count_keys(path: Path, more_than: int) -> int:
    """Count the keys of the first object in a line that has more than so many; 0 without one."""
    with path.open("rb") as file:
        while line := file.readline(_LONGEST_OBJECT):
            if line.count(b'":') <= more_than:
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue  # the engine refuses it
            if isinstance(value, dict) and len(value) > more_than:
                return len(value)
    return 0


class _BrokenLine(Exception):
    def __init__(self, line: int, words: str) -> None:
        super().__init__(words)
        self.place = BrokenPlace(words, line)


def find_broken(path: Path, form: TableFormat, delimiter: str | None) -> BrokenPlace | None:
    """Find the first place where a file is no table; None where nothing like that is wrong."""
    with path.open("rb") as file:
        try:
            if form == "parquet":
                return _check_ends(file)
            if form == "csv":
                _check_rows(file, delimiter or ",")
            else:
                _check_objects(file)
        except _BrokenLine as broken:
            return broken.place
    return None


def _read_lines(file: BinaryIO, longest: int) -> Iterator[tuple[int, str]]:
    """Read lines with their numbers."""
    number = 0
    while data := file.readline(longest):
        number += 1
        if len(data) == longest and not data.endswith(b"\n"):
            raise _BrokenLine(number, f"is longer than {longest:,} bytes")
        try:
            text = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            words = f"is not UTF-8 from its byte {error.start + 1:,} on"
            raise _BrokenLine(number, words) from None
        if "\0" in text:
            raise _BrokenLine(number, "has a NUL byte, which no text has")
        yield number, text


def _check_rows(file: BinaryIO, delimiter: str) -> None:
    """Check that each row is as wide as the first one, and each quote closed."""
    lines = (text for _, text in _read_lines(file, _LONGEST_ROW))
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    first = 1
    try:
        for row in rows:
            width = width or len(row)
            # An empty line is no row, unless there is one column alone.
            if row and len(row) != width:
                values = "1 value" if len(row) == 1 else f"{len(row):,} values"
                names = "1 name" if width == 1 else f"{width:,} names"
                raise _BrokenLine(first, f"has {values}, and the first line has {names}")
            first = rows.line_num + 1
    except csv.Error as error:
        raise _BrokenLine(first, _explain_quote(error)) from None


def _explain_quote(error: csv.Error) -> str:
    reason = str(error)
    if "expected after" in reason:
        return "has a quote inside of a value: write it twice, and the value in quotes"
    if "field larger" in reason:
        return (
            f"has a value that is longer than {csv.field_size_limit():,} letters, or an open quote"
        )
    return "has a quote that is never closed"


def _check_objects(file: BinaryIO) -> None:
    """Check that each line is one JSON object."""
    for number, text in _read_lines(file, _LONGEST_OBJECT):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except RecursionError:
            raise _BrokenLine(number, "is nested too deeply") from None
        except ValueError as error:
            reason = str(error).partition(": line")[0]
            raise _BrokenLine(number, f"is no JSON: {reason}") from None
        if not isinstance(value, dict):
            raise _BrokenLine(number, 'is no JSON object, such as {"a": 1}')


def _check_ends(file: BinaryIO) -> BrokenPlace | None:
    """Check that a Parquet file begins and ends as one."""
    start = file.read(len(_END))
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(size - len(_END), 0))
    end = file.read(len(_END))
    if _ENCRYPTED_END in (start, end):
        return BrokenPlace("it is encrypted")
    if start != _END:
        return BrokenPlace("it does not begin as a Parquet file does")
    if end != _END or size < 3 * len(_END):
        return BrokenPlace("it is cut short: it does not end as a Parquet file does")
    return None
