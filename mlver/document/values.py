"""Parameters and metrics from where people keep them: YAML, JSON and TOML files, and `k=v` on the command line.

All three formats obey the caps of `strict`, and none may hold NaN, an infinity, or a key twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from mlver.document import strict
from mlver.document.faults import MAX_DEPTH, shorten
from mlver.document.scalar import MAX_DIGITS, SURROGATE, BadNumber, finite, integer
from mlver.errors import InvalidDocument, UsageError, shell_command

MAX_TOML_BYTES = 1024 * 1024  # tomllib is written in Python
SUFFIXES = (".yaml", ".yml", ".json", ".toml")

# A JSON string, or a bracket; possessive, so that an unclosed string is not scanned again from each quote in it.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
# A dotted key of more parts than MAX_DEPTH (group 1), or one piece of anything else: each character is seen once.
_LONG_KEY = re.compile(
    rf"""((?:[\w"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}})|[\w"'-]++[ \t]*+\.?|[^\w"'-]++""", re.ASCII
)
_NOT_FINITE = re.compile(r"[-+]?\.?(?:nan|inf|infinity)", re.IGNORECASE)


def load_values(suffix: str, data: bytes, where: str) -> dict[str, Any]:
    """The map in a params or metrics file, by the file's suffix; TOML dates and times become ISO 8601 text.

    Raise UsageError for a suffix that is none of SUFFIXES, InvalidDocument for what the file holds.
    """
    readers = {".yaml": _yaml, ".yml": _yaml, ".json": _json, ".toml": _toml}
    reader = readers.get(suffix.lower())
    if reader is None:
        raise UsageError(
            f"{where} is neither YAML, JSON nor TOML",
            hint=f"name it with one of {', '.join(SUFFIXES)}",
        )
    value = reader(data, where)
    if not isinstance(value, dict):
        raise InvalidDocument(where, ("it must hold a map of names and values at the top",))
    return value


def parse_scalar(text: str) -> Any:
    """The value in `k=v`: what the text means as JSON, else the text; raise UsageError for NaN and infinities."""
    if _NOT_FINITE.fullmatch(text.strip()):
        raise UsageError(f"`{text}` is not a finite number", hint=_as_text(text))
    if SURROGATE.search(text):
        raise UsageError(f"`{ascii(text)[1:-1]}` is not UTF-8 text", hint="give the value in UTF-8")
    try:
        return _parse_json(text)
    except json.JSONDecodeError:
        return text
    except BadNumber as error:
        raise UsageError(str(error), hint=_as_text(text)) from None


def _as_text(text: str) -> str:
    return f"if you mean the text, quote it twice: {shell_command(json.dumps(text))}"


def assign(values: dict[str, Any], dotted: str, value: Any) -> None:
    """Set `a.b` to the value, making the maps on the way; a value may replace a value, never a map, nor the reverse."""
    *parents, last = dotted.split(".")
    if not last or not all(parents):
        raise UsageError(
            f"`{dotted}` is not a name: it has an empty part",
            hint="write name=value or group.name=value",
        )
    for depth, part in enumerate(parents, 1):
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise UsageError(
                f"`{'.'.join(parents[:depth])}` is a value already: `{dotted}` cannot stand inside it",
                hint="give it another name, or take that value out of the file",
            )
        values = inner
    if isinstance(values.get(last), dict) and not isinstance(value, dict):
        raise UsageError(
            f"`{dotted}` is a group of values: give the one you mean",
            hint=f"write {dotted}.NAME=value",
        )
    values[last] = value


def _yaml(data: bytes, where: str) -> Any:
    return strict.load(data, where).value


def _json(data: bytes, where: str) -> Any:
    text = strict.decode_text(data, where)
    try:
        return _parse_json(text)
    except json.JSONDecodeError as error:
        raise InvalidDocument(
            where, (f"line {error.lineno}, column {error.colno}: {error.msg}",)
        ) from None
    except BadNumber as error:
        raise InvalidDocument(where, (str(error),)) from None


def _toml(data: bytes, where: str) -> Any:
    import tomllib

    if len(data) > MAX_TOML_BYTES:
        raise InvalidDocument(where, (f"{len(data)} bytes are too many: at most {MAX_TOML_BYTES}",))
    text = strict.decode_text(data, where)
    try:
        if any(
            found[1] for found in _LONG_KEY.finditer(text)
        ):  # tomllib takes quadratic time on them
            raise BadNumber(f"a name of more than {MAX_DEPTH} parts")
        return _toml_values(tomllib.loads(text, parse_float=finite), 0)
    except (tomllib.TOMLDecodeError, BadNumber) as error:
        said = shorten(str(error), 200)
    except ValueError:  # Python's own limit on converting integers
        said = f"an integer of more than {MAX_DIGITS} digits is too long"
    except RecursionError:
        said = f"nested more than {MAX_DEPTH} deep"
    raise InvalidDocument(where, (said,))


def _toml_values(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise BadNumber(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        return {key: _toml_values(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_toml_values(item, depth + 1) for item in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if type(value) is int:
        return integer(str(value))
    return value


def _parse_json(text: str) -> Any:
    _cap_brackets(text)
    value = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_float=finite,
        parse_int=integer,
        parse_constant=_refuse_constant,
    )
    if "\\u" in text and SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise BadNumber("an escape that is no Unicode character")
    return value


def _cap_brackets(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        mark = found[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_DEPTH:
            raise BadNumber(f"nested more than {MAX_DEPTH} deep")


def _unique(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    built = dict(pairs)
    if len(built) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadNumber(f"`{shorten(twice)}` is given twice in the same map")
    return built


def _refuse_constant(name: str) -> Any:
    raise BadNumber(f"`{name}` is not a finite number")
