"""A project's own schema, put on top of mlver's: untrusted, like every file of a repository.

It may use the keywords of draft 2020-12 listed here, refer to its own `$defs`, and to nothing else.
How much of it can meet at one place of a document is counted when it is read, and multiplied by the
size of a document before that is judged: so no schema, however it multiplies or refers to itself,
takes more than a few seconds. Its patterns run on an engine that cannot backtrack.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema

from mlver.document.expansion import (
    DEFINITIONS,
    ExpansionRefused,
    build_graph,
    count_expansion,
)
from mlver.document.faults import Path, format_fault, shorten_text
from mlver.document.pattern import PatternRefused
from mlver.document.strict import LineIndex
from mlver.document.validator import list_faults, make_validator
from mlver.document.values import load_values
from mlver.document.wording import PlacedFault
from mlver.errors import InvalidDocument

if TYPE_CHECKING:
    from mlver.document.linear import LinearPattern

MAX_BYTES = 64 * 1024
# Compiling the largest pattern that is taken costs some 15 ms.
MAX_PATTERNS = 100
# At one place of a document: keywords, and instructions of patterns.
MAX_KEYWORDS = 1000
MAX_INSTRUCTIONS = 100_000
# For one document, in keywords judged: each takes jsonschema 10 to 30 µs.
MAX_STEPS = 100_000
# RE2 at its slowest runs so many instructions in the time of one keyword, one instruction a byte in
# some 20 ns.
INSTRUCTIONS_A_STEP = 1000

_ONE = frozenset(
    ("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else")
)
_LIST = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_MAP = frozenset(("properties", "$defs", "dependentSchemas"))
_LIMITS = frozenset(
    (
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minContains",
        "maxContains",
    )
)
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
_LOCAL = re.compile(re.escape(DEFINITIONS) + r"([A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class ProjectSchema:
    """A schema that was found harmless, and how much of it can meet at one place of a document."""

    validator: Any
    keywords: int
    instructions: int

    def judge_document(self, document: Any, lines: LineIndex | None) -> tuple[str, ...]:
        """List every fault of the document; only one where it would take too long to judge."""
        places, size = _measure_document(document)
        steps = self.keywords * places + self.instructions * size // INSTRUCTIONS_A_STEP
        if steps > MAX_STEPS:
            return (
                "the project's own schema takes too long to judge a document of this size "
                f"({places:,} values, {size:,} bytes of text): make it simpler",
            )
        return list_faults(self.validator, document, lines)


@functools.lru_cache(maxsize=8)
def compile_schema(data: bytes, where: str) -> ProjectSchema:
    """Raise InvalidDocument, naming `where`, with every reason why this schema cannot be used."""
    if len(data) > MAX_BYTES:
        raise InvalidDocument(where, (f"{len(data)} bytes are too many: at most {MAX_BYTES}",))
    schema = load_values(".json", data, where)
    definitions = schema.get("$defs", {})
    if not isinstance(definitions, dict):
        definitions = {}
    faults = [format_fault(None, *reason) for reason in _judge_schema(schema, definitions)]
    if faults:
        raise InvalidDocument(where, tuple(faults))
    try:
        graph = build_graph(schema, definitions)
        keywords = count_expansion(graph, _weigh_keyword, MAX_KEYWORDS, "keywords")
        instructions = count_expansion(graph, _weigh_pattern, MAX_INSTRUCTIONS, "steps of patterns")
    except ExpansionRefused as error:
        advice = "use it in fewer `$ref`, `allOf`, `anyOf` and `oneOf`, and never in itself"
        message = format_fault(None, error.path, f"{error}; {advice}")
        raise InvalidDocument(where, (message,)) from None
    # A `$ref` would be relative to the `$id`.
    meant = {key: value for key, value in schema.items() if key != "$id"}
    validator = make_validator(meant, _compile_search)
    return ProjectSchema(validator, keywords.most, instructions.most)


def _judge_schema(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[PlacedFault]:
    if len(_find_patterns(schema)) > MAX_PATTERNS:
        yield (), f"more than {MAX_PATTERNS} patterns are too many"
        return
    reasons = list(_judge_keywords(schema, (), definitions))
    yield from reasons
    if not reasons:
        yield from _judge_by_metaschema(schema)


def _find_patterns(part: Any) -> set[str]:
    patterns: set[str] = set()
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            pattern = part.get("pattern")
            if isinstance(pattern, str):
                patterns.add(pattern)
    return patterns


def _compile_pattern(pattern: str) -> LinearPattern:
    # Imported here: re2 costs some 10 ms, and most schemas have no pattern.
    from mlver.document.linear import compile_pattern

    return compile_pattern(pattern)


def _compile_search(pattern: str) -> Callable[[str], bool]:
    return _compile_pattern(pattern).contains


def _weigh_keyword(keyword: str, value: Any) -> int:
    """Weigh one keyword: the steps it takes at one place, without the schemas it holds."""
    if keyword == "$ref":
        return 4
    if keyword == "enum":
        return 1 + len(value) // 4
    if keyword == "required":
        return 1 + len(value)
    if keyword == "dependentRequired":
        return 1 + sum(map(len, value.values()))
    if keyword in ("properties", "dependentSchemas"):
        return 1 + len(value) // 16
    return int(keyword not in _SILENT and keyword != "$defs")


def _weigh_pattern(keyword: str, value: Any) -> int:
    if keyword != "pattern":
        return 0
    return _compile_pattern(value).instructions


def _measure_document(value: Any) -> tuple[int, int]:
    """Count the keys and values of a document, and its bytes of text."""
    places = 0
    size = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        places += 1
        if isinstance(item, str):
            size += len(item.encode())
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
    return places, size


def _judge_keywords(schema: Any, path: Path, definitions: dict[str, Any]) -> Iterator[PlacedFault]:
    """Yield keywords that mlver does not take, references that lead nowhere, and bad patterns."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield path, "a schema is a map, true or false"
        return
    for keyword, value in schema.items():
        keyword_path = (*path, keyword)
        parts = list(_list_parts(keyword, value))
        for part_path, part in parts:
            yield from _judge_keywords(part, keyword_path + part_path, definitions)
        if not parts:
            yield from _judge_plain(keyword, value, keyword_path, definitions)


def _list_parts(keyword: str, value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the schemas that one keyword holds, each with the path behind the keyword."""
    if keyword in _ONE:
        yield (), value
    elif keyword in _LIST and isinstance(value, list):
        for index, inner in enumerate(value):
            yield (index,), inner
    elif keyword in _MAP and isinstance(value, dict):
        for name, inner in value.items():
            yield (name,), inner


def _judge_plain(
    keyword: str, value: Any, path: Path, definitions: dict[str, Any]
) -> Iterator[PlacedFault]:
    if keyword == "$id" and len(path) > 1:
        yield path, "only the whole schema has an `$id`"
    elif keyword == "$ref":
        yield from _judge_reference(str(value), path, definitions)
    elif keyword == "pattern" and isinstance(value, str):
        yield from _judge_pattern(value, path)
    elif keyword in ("enum", "const"):
        choices = value if isinstance(value, list) else [value]
        if any(isinstance(choice, dict | list) for choice in choices):
            yield path, "only text, numbers, true, false and null: comparing more may take any time"
    elif keyword not in _PLAIN | _SILENT | _LIST | _MAP:
        yield path, "a keyword that mlver does not take in a project's schema"


def _judge_reference(
    reference: str, path: Path, definitions: dict[str, Any]
) -> Iterator[PlacedFault]:
    local = _LOCAL.fullmatch(reference)
    shown = shorten_text(reference)
    if local is None:
        advice = f"mlver fetches nothing, refer to `{DEFINITIONS}NAME`"
        yield path, f"`{shown}` is not in this file: {advice}"
    elif local[1] not in definitions:
        yield path, f"`{shown}` leads nowhere: there is no such name in `$defs`"


def _judge_pattern(pattern: str, path: Path) -> Iterator[PlacedFault]:
    try:
        _compile_pattern(pattern)
    except PatternRefused as error:
        yield path, f"the pattern `{shorten_text(pattern)}` cannot be used: {error}"


def _judge_by_metaschema(schema: dict[str, Any]) -> Iterator[PlacedFault]:
    """Yield what draft 2020-12 itself says against the schema."""
    try:
        # Without formats: by them a pattern is judged by `re`, which does not know all of ECMA's
        # escapes.
        no_formats = jsonschema.FormatChecker(formats=())
        jsonschema.Draft202012Validator.check_schema(schema, format_checker=no_formats)
    except jsonschema.SchemaError as error:
        yield tuple(error.absolute_path), shorten_text(error.message, 200)
