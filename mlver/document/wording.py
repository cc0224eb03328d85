"""What jsonschema found, said in people's words."""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mlver.document.faults import MAX_FAULTS, Path, shorten

Found = tuple[Path, str]

# difflib takes cubic time for words that are much alike, and there may be MAX_FAULTS of them.
MAX_CANDIDATES = 50
MAX_CANDIDATE_LENGTH = 40

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
    "object": "a map",
    "array": "a list",
}


def explain(error: Any) -> list[Found]:
    """The faults one jsonschema error stands for: the key path of each, and what is wrong there."""
    path: Path = tuple(error.absolute_path)
    if "propertyNames" in error.absolute_schema_path and isinstance(error.instance, str):
        path = (*path, error.instance)
    say = _SAID.get(error.validator)
    return list(itertools.islice(say(error, path), MAX_FAULTS)) if say else [(path, shorten(error.message, 200))]


def show(value: Any) -> str:
    """A value as a person would recognise it."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return f"`{shorten(value if isinstance(value, str) else json.dumps(value))}`"


def _unknown_key(error: Any, path: Path) -> Iterator[Found]:
    known = list(error.schema.get("properties", {}))
    for key in error.instance:
        if key in known:
            continue
        yield (*path, key), f"unknown key `{shorten(key)}`{_suggest(key, known)}"


def _missing(error: Any, path: Path) -> Iterator[Found]:
    yield from ((path, f"`{key}` is missing") for key in error.validator_value if key not in error.instance)


def _type(error: Any, path: Path) -> Iterator[Found]:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    names = _or(_TYPES.get(name, name) for name in wanted)
    quote = "string" in wanted and isinstance(error.instance, int | float)
    yield path, f"must be {names}, not {show(error.instance)}" + (" (write it in quotes)" if quote else "")


def _enum(error: Any, path: Path) -> Iterator[Found]:
    allowed = error.validator_value
    names = _or(show(item) for item in allowed)
    suggestion = _suggest(str(error.instance), allowed)
    yield path, f"must be {names}, not {show(error.instance)}{suggestion}"


def _suggest(word: str, known: Iterable[Any]) -> str:
    """The known word that is closest, if any is close: only among so few, and so short, that this is quick."""
    candidates = [str(item) for item in itertools.islice(known, MAX_CANDIDATES)]
    short_candidates = [candidate for candidate in candidates if len(candidate) <= MAX_CANDIDATE_LENGTH]
    close = difflib.get_close_matches(word[:MAX_CANDIDATE_LENGTH], short_candidates, n=1)
    return f": did you mean `{close[0]}`?" if close else ""


def _const(error: Any, path: Path) -> Iterator[Found]:
    yield path, f"must be {show(error.validator_value)}, not {show(error.instance)}"


def _pattern(error: Any, path: Path) -> Iterator[Found]:
    kind = shorten(error.schema.get("title", "")) or f"of the form {shorten(error.validator_value)}"
    yield path, f"{show(error.instance)} is not {kind}"


def _measure(words: str) -> Callable[[Any, Path], Iterator[Found]]:
    def say(error: Any, path: Path) -> Iterator[Found]:
        yield path, words.format(limit=error.validator_value, value=show(error.instance))

    return say


def _or(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


_SAID: dict[str, Callable[[Any, Path], Iterator[Found]]] = {
    "additionalProperties": _unknown_key,
    "required": _missing,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _measure("must be at least {limit}, not {value}"),
    "maximum": _measure("must be at most {limit}, not {value}"),
    "exclusiveMinimum": _measure("must be more than {limit}, not {value}"),
    "exclusiveMaximum": _measure("must be less than {limit}, not {value}"),
    "minLength": _measure("must have at least {limit} characters"),
    "maxLength": _measure("must have at most {limit} characters"),
    "minItems": _measure("must have at least {limit} items"),
    "maxItems": _measure("must have at most {limit} items"),
    "minProperties": _measure("must have at least {limit} keys"),
    "maxProperties": _measure("must have at most {limit} keys"),
}
