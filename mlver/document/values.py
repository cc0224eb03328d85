"""Parameters and metrics from where people keep them: YAML, JSON, TOML, JSON Lines and CSV files,
and `k=v` arguments.

All formats obey the caps of `strict`, and none may hold a key twice, or NaN or an infinity where
they are used. Of JSON
Lines and CSV, to which training adds a line an epoch, the last line counts.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

from mlver.document import strict
from mlver.document.conflicts import holds_conflict
from mlver.document.faults import MAX_DEPTH, shorten_text
from mlver.document.scalar import (
    MAX_DIGITS,
    SURROGATE,
    BadNumber,
    parse_finite,
    parse_integer,
    resolve_word,
)
from mlver.errors import BOTH_SIDES, InvalidDocument, UsageError, shell_command

MAX_TOML_BYTES = 1024 * 1024  # tomllib is written in Python
SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".jsonl", ".ndjson", ".csv")

# A JSON string, or a bracket; possessive, so that an unclosed string is not scanned again from each
# quote in it.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
# A dotted key of more parts than MAX_DEPTH (group 1), or one piece of anything else: each character
# is seen once.
_LONG_KEY = re.compile(
    rf"""((?:[\w"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}})|[\w"'-]++[ \t]*+\.?|[^\w"'-]++""",
    re.ASCII,
)
# How a number is read where only finite ones may stand, and elsewhere.
_FLOATS: Mapping[bool, Callable[[str], float]] = {True: parse_finite, False: float}
_NOT_FINITE = re.compile(r"[-+]?\.?(?:nan|inf|infinity)", re.IGNORECASE)


def load_values(suffix: str, data: bytes, where: str, *, finite: bool = True) -> dict[str, Any]:
    """Load the map in a params or metrics file, by the file's suffix.

    TOML dates and times become ISO 8601 text. Unless `finite`, numbers may be infinities and NaN:
    the caller refuses those that it uses.

    Raise UsageError for a suffix that is none of SUFFIXES, InvalidDocument for what the file holds.
    """
    reader = _READERS.get(suffix.lower())
    if reader is None:
        raise UsageError(
            f"{where} is no file of values that mlver reads: their names end in one of"
            f" {', '.join(SUFFIXES)}"
        )
    try:
        document = reader(data, where, finite)
    except InvalidDocument as error:
        if holds_conflict(data):
            raise InvalidDocument(where, (BOTH_SIDES,), hint="git status") from error
        raise
    if not isinstance(document, dict):
        raise InvalidDocument(where, ("it must hold a map of names and values at the top",))
    return document


def parse_scalar(text: str) -> Any:
    """Parse the value in `k=v`: what the text means as JSON, or as a number in YAML, else the text.

    Raise UsageError for NaN and infinities.
    """
    if _NOT_FINITE.fullmatch(text.strip()):
        raise UsageError(f"`{text}` is not a finite number; {_suggest_text(text)}")
    if SURROGATE.search(text):
        raise UsageError(f"`{ascii(text)[1:-1]}` is not UTF-8 text; give the value in UTF-8")
    try:
        return _parse_json(text)
    except json.JSONDecodeError:
        return _parse_number(text)
    except BadNumber as error:
        raise UsageError(f"{error}; {_suggest_text(text)}") from None


def _parse_number(text: str) -> Any:
    """Parse `.9`, `5.` or `0x10`, which are numbers in a file of YAML; else return the text."""
    try:
        value = resolve_word(text)
    except BadNumber as error:
        raise UsageError(f"{error}; {_suggest_text(text)}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text
    return value


def _suggest_text(text: str) -> str:
    return f"if you mean the text, quote it twice: {shell_command(json.dumps(text))}"


def assign_value(values: dict[str, Any], dotted: str, value: Any) -> None:
    """Set `a.b` to the value, making the maps on the way.

    A value may replace a value, never a map, nor a map a value.
    """
    *parents, last = dotted.split(".")
    if not last or not all(parents):
        raise UsageError(
            f"`{dotted}` is not a name: it has an empty part; write name=value or group.name=value"
        )
    for depth, part in enumerate(parents, 1):
        group = values.setdefault(part, {})
        if not isinstance(group, dict):
            parent = ".".join(parents[:depth])
            raise UsageError(
                f"`{parent}` is a value already: `{dotted}` cannot stand inside it;"
                " give it another name, or take that value out of the file"
            )
        values = group
    if isinstance(values.get(last), dict) and not isinstance(value, dict):
        raise UsageError(
            f"`{dotted}` is a group of values: give the one you mean, as {dotted}.NAME=value"
        )
    values[last] = value


def _read_yaml(data: bytes, where: str, finite: bool) -> Any:
    return strict.load_with_aliases(data, where, finite=finite)


def _read_json(data: bytes, where: str, finite: bool) -> Any:
    text = strict.decode_text(data, where)
    try:
        return _parse_json(text, finite=finite)
    except json.JSONDecodeError as error:
        _require_text(text, where)
        message = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except BadNumber as error:
        message = str(error)
    raise InvalidDocument(where, (message,))


def _read_toml(data: bytes, where: str, finite: bool) -> Any:
    if len(data) > MAX_TOML_BYTES:
        message = f"{len(data)} bytes are too many: at most {MAX_TOML_BYTES}"
        raise InvalidDocument(where, (message,))
    text = strict.decode_text(data, where)
    try:
        _refuse_long_keys(text)
        return _convert_toml(tomllib.loads(text, parse_float=_FLOATS[finite]), 0)
    except (tomllib.TOMLDecodeError, BadNumber) as error:
        message = shorten_text(str(error), 200)
    except ValueError:  # Python's own limit on converting integers
        message = f"an integer of more than {MAX_DIGITS} digits is too long"
    except RecursionError:
        message = f"nested more than {MAX_DEPTH} deep"
    raise InvalidDocument(where, (message,))


def _require_text(text: str, where: str) -> None:
    """Raise InvalidDocument for a file that a training has begun and written nothing to."""
    if not text.strip():
        raise InvalidDocument(where, ("the file is empty; write values to it, or leave it out",))


def _read_json_lines(data: bytes, where: str, finite: bool) -> Any:
    # Not `splitlines`: JSON may hold the other characters that end a line somewhere.
    text = strict.decode_text(data, where)
    _require_text(text, where)
    lines = text.rstrip().split("\n")
    try:
        return _parse_json(lines[-1], finite=finite)
    except json.JSONDecodeError as error:
        message = f"column {error.colno}: {error.msg}"
    except BadNumber as error:
        message = str(error)
    raise InvalidDocument(where, (f"line {len(lines)}: {message}",))


def _read_csv(data: bytes, where: str, finite: bool) -> Any:
    """The last row by the names in the first; an empty cell has no value."""
    text = strict.decode_text(data, where)
    _require_text(text, where)
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        cells: list[str] = []
        for row in rows:
            cells = row or cells
        return _pair_cells(names, cells, finite=finite)
    except (csv.Error, BadNumber) as error:
        message = str(error)
    except UsageError as error:
        message = error.message
    raise InvalidDocument(where, (f"line {rows.line_num}: {message}",))


def _pair_cells(names: list[str], cells: list[str], *, finite: bool) -> dict[str, Any]:
    if not cells:
        raise BadNumber("it has a line of names, and none of values")
    if len(cells) != len(names):
        raise BadNumber(f"the last row has {len(cells)} cells, and the first {len(names)} names")
    values: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        if name in values:
            raise BadNumber(f"`{shorten_text(name)}` is given twice")
        values[name] = _parse_cell(cell.strip(), finite=finite)
    return {name: value for name, value in values.items() if value != ""}


def _parse_cell(text: str, *, finite: bool) -> Any:
    if not finite and _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return parse_scalar(text)


_READERS: Mapping[str, Callable[[bytes, str, bool], Any]] = {
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": _read_json,
    ".toml": _read_toml,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".csv": _read_csv,
}


def _refuse_long_keys(text: str) -> None:
    # tomllib takes quadratic time on them.
    for piece in _LONG_KEY.finditer(text):
        if piece[1]:
            raise BadNumber(f"a name of more than {MAX_DEPTH} parts")


def _convert_toml(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise BadNumber(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        return {key: _convert_toml(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_convert_toml(item, depth + 1) for item in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if type(value) is int:
        return parse_integer(str(value))
    return value


def _parse_json(text: str, *, finite: bool = True) -> Any:
    _cap_brackets(text)
    value = json.loads(
        text,
        object_pairs_hook=_refuse_twice,
        parse_float=_FLOATS[finite],
        parse_int=parse_integer,
        parse_constant=_refuse_constant if finite else float,
    )
    if "\\u" in text and SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise BadNumber("an escape that is no Unicode character")
    return value


def _cap_brackets(text: str) -> None:
    depth = 0
    for bracket in _BRACKETS.finditer(text):
        if bracket[0] in "[{":
            depth += 1
        elif bracket[0] in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise BadNumber(f"nested more than {MAX_DEPTH} deep")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    mapping = dict(pairs)
    if len(mapping) == len(pairs):
        return mapping
    keys: set[str] = set()
    for key, _ in pairs:
        if key in keys:
            raise BadNumber(f"`{shorten_text(key)}` is given twice in the same map")
        keys.add(key)
    return mapping


def _refuse_constant(name: str) -> Any:
    raise BadNumber(f"`{name}` is not a finite number")
