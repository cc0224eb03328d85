"""What jsonschema reports, in people's words."""

from __future__ import annotations

import difflib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mlver.document.faults import MAX_FAULTS, Path, shorten_text

PlacedFault = tuple[Path, str]

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


def explain_error(error: Any) -> list[PlacedFault]:
    """Explain one jsonschema error: the key path of each fault it stands for, and what is wrong."""
    path: Path = tuple(error.absolute_path)
    # jsonschema gives the path of the map, and the key as what is wrong.
    if "propertyNames" in error.absolute_schema_path and isinstance(error.instance, str):
        path = (*path, error.instance)
    explain = _EXPLANATIONS.get(error.validator)
    if explain is None:
        return [(path, shorten_text(error.message, 200))]
    return list(itertools.islice(explain(error, path), MAX_FAULTS))


def show_value(value: Any) -> str:
    """Show a value as a person would recognise it."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{shorten_text(text)}`"


def _explain_unknown_key(error: Any, path: Path) -> Iterator[PlacedFault]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key not in known:
            suggestion = _suggest_word(key, known)
            yield (*path, key), f"unknown key `{shorten_text(key)}`{suggestion}"


def _explain_missing(error: Any, path: Path) -> Iterator[PlacedFault]:
    for key in error.validator_value:
        if key not in error.instance:
            yield path, f"`{key}` is missing"


def _explain_alternatives(error: Any, path: Path) -> Iterator[PlacedFault]:
    """Say which keys would do, where that is all that the alternatives ask for."""
    alternatives: list[list[str]] = []
    for alternative in error.validator_value:
        if not isinstance(alternative, dict) or alternative.keys() != {"required"}:
            yield path, shorten_text(error.message, 200)
            return
        keys = [f"`{shorten_text(str(key))}`" for key in alternative["required"]]
        alternatives.append(keys)
    yield path, f"needs {_join_alternatives(alternatives)}"


def _join_alternatives(alternatives: Sequence[Sequence[str]]) -> str:
    """Join sets of keys: each with each, where they are all that can be made of a few choices."""
    if len({len(keys) for keys in alternatives}) == 1:
        choices = [list(dict.fromkeys(keys)) for keys in zip(*alternatives, strict=True)]
        if math.prod(map(len, choices)) == len(alternatives):
            return ", and ".join(map(_join_or, choices))
    return _join_or(" and ".join(keys) for keys in alternatives)


def _explain_type(error: Any, path: Path) -> Iterator[PlacedFault]:
    expected = error.validator_value
    if isinstance(expected, str):
        expected = [expected]
    names = _join_or(_TYPES.get(name, name) for name in expected)
    message = f"must be {names}, not {show_value(error.instance)}"
    if "string" in expected and isinstance(error.instance, int | float):
        message += " (write it in quotes)"
    yield path, message


def _explain_enum(error: Any, path: Path) -> Iterator[PlacedFault]:
    allowed = error.validator_value
    names = _join_or(map(show_value, allowed))
    suggestion = _suggest_word(str(error.instance), allowed)
    yield path, f"must be {names}, not {show_value(error.instance)}{suggestion}"


def _explain_const(error: Any, path: Path) -> Iterator[PlacedFault]:
    expected = show_value(error.validator_value)
    yield path, f"must be {expected}, not {show_value(error.instance)}"


def _explain_pattern(error: Any, path: Path) -> Iterator[PlacedFault]:
    title = shorten_text(error.schema.get("title", ""))
    description = title or f"of the form {shorten_text(error.validator_value)}"
    yield path, f"{show_value(error.instance)} is not {description}"


def _explain_repetition(error: Any, path: Path) -> Iterator[PlacedFault]:
    yield path, "holds the same entry twice"


def _explain_measure(words: str) -> Callable[[Any, Path], Iterator[PlacedFault]]:
    def explain_limit(error: Any, path: Path) -> Iterator[PlacedFault]:
        yield path, words.format(limit=error.validator_value, value=show_value(error.instance))

    return explain_limit


def _suggest_word(word: str, known: Iterable[Any]) -> str:
    """Suggest the known word that is closest, if any is close.

    Only among so few, and so short, that this is quick.
    """
    candidates: list[str] = []
    for item in itertools.islice(known, MAX_CANDIDATES):
        candidate = str(item)
        if len(candidate) <= MAX_CANDIDATE_LENGTH:
            candidates.append(candidate)
    closest = difflib.get_close_matches(word[:MAX_CANDIDATE_LENGTH], candidates, n=1)
    return f": did you mean `{closest[0]}`?" if closest else ""


def _join_or(names: Iterable[str]) -> str:
    *most, last = [*names] or ["one of no values at all"]
    return f"{', '.join(most)} or {last}" if most else last


_EXPLANATIONS: dict[str, Callable[[Any, Path], Iterator[PlacedFault]]] = {
    "additionalProperties": _explain_unknown_key,
    "required": _explain_missing,
    "anyOf": _explain_alternatives,
    "type": _explain_type,
    "enum": _explain_enum,
    "const": _explain_const,
    "pattern": _explain_pattern,
    "minimum": _explain_measure("must be at least {limit}, not {value}"),
    "maximum": _explain_measure("must be at most {limit}, not {value}"),
    "exclusiveMinimum": _explain_measure("must be more than {limit}, not {value}"),
    "exclusiveMaximum": _explain_measure("must be less than {limit}, not {value}"),
    "minLength": _explain_measure("must have at least {limit} characters"),
    "maxLength": _explain_measure("must have at most {limit} characters"),
    "uniqueItems": _explain_repetition,
    "minItems": _explain_measure("must have at least {limit} items"),
    "maxItems": _explain_measure("must have at most {limit} items"),
    "minProperties": _explain_measure("must have at least {limit} keys"),
    "maxProperties": _explain_measure("must have at most {limit} keys"),
}
