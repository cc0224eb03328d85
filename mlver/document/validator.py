"""The judge of documents, jsonschema, and the faults that it finds in people's words.

Most documents are accepted without it (see `mlver.document.accept`), so it is a module of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jsonschema
import referencing
from jsonschema.protocols import Validator

from mlver.document.faults import MAX_FAULTS, Path, format_fault
from mlver.document.strict import LineIndex
from mlver.document.wording import PlacedFault, explain_error, show_value

Search = Callable[[str], Any]


def make_validator(schema: Any, compile_search: Callable[[str], Search]) -> Validator:
    """Make a validator that reads `integer` and `pattern` as JSON Schema means them.

    jsonschema on its own takes 1.0 for an integer, and matches patterns by Python's rules, by which
    `$` lets a newline follow and `\\d` is any script's digit. No foreign reference is resolved.
    `compile_search` gives the search function of a pattern.
    """
    find_search = functools.cache(compile_search)

    def check_pattern(_: Any, pattern: str, instance: Any, __: Any) -> Any:
        if isinstance(instance, str) and not find_search(pattern)(instance):
            yield jsonschema.ValidationError(f"{show_value(instance)} does not match {pattern}")

    def is_integer(_: Any, instance: Any) -> bool:
        return type(instance) is int

    base = jsonschema.Draft202012Validator
    keywords = {**base.VALIDATORS, "pattern": check_pattern}
    types = base.TYPE_CHECKER.redefine("integer", is_integer)
    extend: Any = jsonschema.validators.extend
    extended = extend(base, keywords, type_checker=types)
    validator: Validator = extended(schema, registry=referencing.Registry())
    return validator


def list_faults(validator: Validator, document: Any, lines: LineIndex | None) -> tuple[str, ...]:
    """List every fault, in the order of the document's lines where they are known."""
    # A dictionary, because two branches of a schema may find the same fault.
    explained: dict[PlacedFault, None] = {}
    try:
        for error in validator.iter_errors(document):
            explained.update(dict.fromkeys(explain_error(error)))
            if len(explained) >= MAX_FAULTS:
                break
    except RecursionError:
        explained[(), "the schema and the document together nest too deep"] = None
    placed: list[tuple[int | None, Path, str]] = []
    for path, message in explained:
        line = None
        if lines is not None:
            line = lines.find_line(path)
        placed.append((line, path, message))
    placed.sort(key=lambda item: item[0] or 0)
    faults = [format_fault(*item) for item in placed[:MAX_FAULTS]]
    if len(placed) >= MAX_FAULTS:
        faults.append("and more")
    return tuple(faults)
