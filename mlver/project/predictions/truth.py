"""Reads what came to be known of answers: CSV or JSON Lines, a row a request.

A row has the id of the request, what was true (or what a user said), and perhaps `time`, when that
came to be known. A file may be of any size: one row is held at a time.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, refusal_error
from mlver.policy.scoring.answers import write_answer
from mlver.project.predictions.log import LINE_BYTES, read_moment
from mlver.system.regular import reading_regular

TIME_COLUMN = "time"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES_SUFFIXES = (".jsonl", ".ndjson")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A quoted value may go over several lines, but what has this many lost its closing quote.
_ROW_LINES = 1_000
_NAMES_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """What came to be known of a request, at `time` in seconds since 1970 where a row says when.

    `value` is None where the row is still open. `place` names the file and the line.
    """

    place: str
    request: str
    value: str | None
    time: float | None


@dataclass(slots=True)
class TruthFile:
    """A file of rows at `path`, called `shown`; `hint` is what to type where it cannot be read.

    `request` is the column of the ids, and `values` the columns that may hold what is known, the
    first of which counts that is there; with none of them, it is the only one that is left.
    `digest` is that of the bytes that were read so far.
    """

    path: Path
    shown: str
    hint: str
    request: str
    values: Sequence[str]
    _hasher: Any = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> Digest:
        return Digest(self._hasher.hexdigest())

    def read_rows(self) -> Iterator[KnownAnswer]:
        """Read the rows; raise MlverError, which names the line, for what is none."""
        suffix = self.path.suffix.lower()
        if suffix not in _DELIMITERS and suffix not in _LINES_SUFFIXES:
            raise UsageError(
                f"{printable_name(self.shown)} is called neither .csv, .tsv nor .jsonl, so nobody"
                " can tell how to read it",
                hint=self.hint,
            )
        try:
            with reading_regular(self.path, follow=True) as file:
                if suffix in _DELIMITERS:
                    rows = self._read_table(file, _DELIMITERS[suffix])
                else:
                    rows = self._read_objects(file)
                yield from self._read_answers(rows)
        except OSError as error:
            raise refusal_error(f"reading {printable_name(self.shown)}", error) from error

    def _read_lines(self, file: BufferedReader) -> Iterator[tuple[int, str]]:
        number = 0
        while line := file.readline(LINE_BYTES + 1):
            number += 1
            self._hasher.update(line)
            if len(line) > LINE_BYTES:
                raise self._fault(number, "is longer than 1 MiB")
            try:
                yield (
                    number,
                    (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).decode(),
                )
            except UnicodeDecodeError:
                raise self._fault(number, "is not UTF-8") from None

    def _read_objects(self, file: BufferedReader) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for number, line in self._read_lines(file):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                raise self._fault(number, "is not one object in JSON") from None
            if not isinstance(row, dict):
                raise self._fault(number, "is not one object in JSON")
            yield number, row

    def _read_table(
        self, file: BufferedReader, delimiter: str
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        lines = _RowLines(self._read_lines(file), self)
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        header: list[str] | None = None
        while True:
            lines.begin_row()
            try:
                row = next(rows, None)
            except csv.Error as error:
                raise self._fault(lines.number, f"is no row of a table: {error}") from None
            if row is None:
                return
            if header is None:
                header = self._check_header(row)
            elif row:
                if len(row) != len(header):
                    words = f"has {len(row):,} values, not the {len(header):,} of the first line"
                    raise self._fault(lines.first, words)
                yield lines.first, dict(zip(header, row, strict=True))

    def _check_header(self, row: list[str]) -> list[str]:
        if len(set(row)) < len(row):
            raise self._fault(1, "names a column twice")
        return row

    def _read_answers(self, rows: Iterator[tuple[int, Mapping[str, Any]]]) -> Iterator[KnownAnswer]:
        column: str | None = None
        for number, row in rows:
            if column is None:
                column = self._choose_column(row)
            request = row.get(self.request)
            if not isinstance(request, str | int) or isinstance(request, bool) or request == "":
                raise self._fault(number, f"has no {printable_name(self.request)}")
            yield KnownAnswer(
                place=self._name_line(number),
                request=str(request),
                value=self._read_value(number, row.get(column)),
                time=self._read_time(number, row.get(TIME_COLUMN)),
            )

    def _choose_column(self, row: Mapping[str, Any]) -> str:
        """Choose the column that holds what is known; raise UsageError where nobody can tell."""
        if self.request not in row:
            raise UsageError(
                f"{printable_name(self.shown)} has no column {printable_name(self.request)}, by"
                f" which it would be joined; it has {_list_names(row)}",
                hint=self.hint,
            )
        for name in self.values:
            if name in row:
                return name
        left = [name for name in row if name not in (self.request, TIME_COLUMN)]
        if len(left) != 1:
            raise UsageError(
                f"nobody can tell which column of {printable_name(self.shown)} holds what is"
                f" known: it has {_list_names(row)}",
                hint=self.hint,
            )
        return left[0]

    def _read_value(self, number: int, value: object) -> str | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        answer = write_answer(value)
        if answer is None:
            raise self._fault(number, "holds neither a class nor a number")
        return answer

    def _read_time(self, number: int, text: object) -> float | None:
        if text is None or text == "":
            return None
        moment = read_moment(text)
        if moment is None:
            raise self._fault(number, "has a `time` that is none, such as 2026-03-02T09:30:00Z")
        return moment

    def _name_line(self, number: int) -> str:
        return f"{printable_name(self.shown)}, line {number}"

    def _fault(self, number: int, words: str) -> MlverError:
        return MlverError(f"{self._name_line(number)} {words}", hint=self.hint)

    def refuse_long_row(self, number: int) -> None:
        """Refuse a row that goes over very many lines."""
        raise self._fault(number, "begins a quoted value that does not end")


@dataclass(slots=True)
class _RowLines:
    """The lines of a table, a row of which may go over several."""

    lines: Iterator[tuple[int, str]]
    file: TruthFile
    first: int = 0
    number: int = 0

    def begin_row(self) -> None:
        self.first = self.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = next(self.lines)
        if self.number - self.first >= _ROW_LINES:
            self.file.refuse_long_row(self.first)
        return line


def _list_names(row: Mapping[str, Any]) -> str:
    shown = [printable_name(name) for name in list(row)[:_NAMES_SHOWN]]
    more = len(row) - len(shown)
    return ", ".join([*shown, f"and {more:,} more"] if more else shown)
