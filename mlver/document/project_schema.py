"""A project's own schema, put on top of mlver's: untrusted, like every file of a repository.

It may use the keywords of draft 2020-12 listed here, refer to its own `$defs`, and to nothing else. Every keyword it
applies to a part of a document is charged to a budget, so that no schema, however it multiplies or refers to itself,
takes more than about a second; its patterns run on an automaton that cannot backtrack.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlver.document.automaton import Automaton, Budget, TooCostly
from mlver.document.faults import Path, fault, shorten
from mlver.document.pattern import PatternRefused
from mlver.document.schema import faults_of, make_validator
from mlver.document.strict import Lines
from mlver.document.values import load_values
from mlver.document.wording import Found
from mlver.errors import InvalidDocument

MAX_BYTES = 64 * 1024
STEPS = 1_000_000

_ONE = frozenset(
    ("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else")
)
_LIST = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_MAP = frozenset(("properties", "$defs", "dependentSchemas"))
_LIMITS = frozenset(
    f"{bound}{what}"
    for bound in ("min", "max")
    for what in ("imum", "Length", "Items", "Properties", "Contains")
) | {"exclusiveMinimum", "exclusiveMaximum"}
_PLAIN = (
    frozenset(("type", "enum", "const", "required", "dependentRequired", "pattern", "$ref"))
    | _LIMITS
)
_SILENT = frozenset(
    (
        "$schema",
        "$id",
        "$comment",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "format",
    )
)
_LOCAL = re.compile(r"#/\$defs/([A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class ProjectSchema:
    """A schema that was found harmless, and the budget its every use draws on."""

    validator: Any
    budget: Budget

    def faults(self, value: Any, lines: Lines | None) -> tuple[str, ...]:
        """Every fault of the document; one more where the judging was cut short."""
        self.budget.steps = STEPS
        try:
            return faults_of(self.validator, value, lines)
        except TooCostly:
            return (
                "the project's own schema takes too long to judge this document: make it simpler",
            )


@functools.lru_cache(maxsize=8)
def compile_schema(data: bytes, where: str) -> ProjectSchema:
    """Raise InvalidDocument, naming `where`, with every reason why this schema cannot be used."""
    if len(data) > MAX_BYTES:
        raise InvalidDocument(where, (f"{len(data)} bytes are too many: at most {MAX_BYTES}",))
    schema = load_values(".json", data, where)
    definitions = schema.get("$defs", {})
    found = list(_judge(schema, (), definitions if isinstance(definitions, dict) else {}))
    if not found:
        found = list(_metaschema(schema))
    if found:
        raise InvalidDocument(where, tuple(fault(None, path, message) for path, message in found))
    budget = Budget(STEPS)
    meant = {
        key: value for key, value in schema.items() if key != "$id"
    }  # which a `$ref` would be relative to
    return ProjectSchema(make_validator(meant, _matcher(budget), budget.spend), budget)


def _matcher(budget: Budget) -> Callable[[str], Callable[[str], bool]]:
    return lambda pattern: Automaton.of(pattern, budget).search


def _judge(schema: Any, path: Path, definitions: dict[str, Any]) -> Iterator[Found]:
    """The keywords mlver does not take, the references that lead nowhere, the patterns it cannot match."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield path, "a schema is a map, true or false"
        return
    for keyword, value in schema.items():
        here = (*path, keyword)
        if keyword in _ONE:
            yield from _judge(value, here, definitions)
        elif keyword in _LIST and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _judge(inner, (*here, index), definitions)
        elif keyword in _MAP and isinstance(value, dict):
            for name, inner in value.items():
                yield from _judge(inner, (*here, name), definitions)
        else:
            yield from _judge_plain(keyword, value, here, definitions)


def _judge_plain(
    keyword: str, value: Any, path: Path, definitions: dict[str, Any]
) -> Iterator[Found]:
    if keyword == "$id" and len(path) > 1:
        yield path, "only the whole schema has an `$id`"
    elif keyword == "$ref":
        local = _LOCAL.fullmatch(value) if isinstance(value, str) else None
        if local is None:
            yield (
                path,
                f"`{shorten(str(value))}` is not in this file: mlver fetches nothing, refer to `#/$defs/NAME`",
            )
        elif local[1] not in definitions:
            yield path, f"`{shorten(str(value))}` leads nowhere: there is no such name in `$defs`"
    elif keyword == "pattern" and isinstance(value, str):
        try:
            Automaton.of(value, Budget(STEPS))
        except PatternRefused as error:
            yield path, f"the pattern `{shorten(value)}` cannot be used: {error}"
    elif keyword in ("enum", "const") and not _simple(
        value if isinstance(value, list) else [value]
    ):
        yield path, "only text, numbers, true, false and null: comparing more may take any time"
    elif keyword not in _PLAIN | _SILENT | _LIST | _MAP:
        yield path, "a keyword that mlver does not take in a project's schema"


def _simple(values: list[Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in values)


def _metaschema(schema: dict[str, Any]) -> Iterator[Found]:
    """What draft 2020-12 itself says against the schema."""
    import jsonschema

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        yield tuple(error.absolute_path), shorten(error.message, 200)
