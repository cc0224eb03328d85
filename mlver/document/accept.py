"""A quick yes to a document: the schema compiled into plain functions, for the keywords that
mlver's schemas use.

jsonschema stays the judge: whatever is not accepted here goes to it, and it names the faults. But
most documents are right, and for those this is some thirty times faster and spares its import, a
fifth of a second at start-up. The source is the same schema file, and tests hold the two together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from mlver.document.pattern import translate_for_re

Check = Callable[[Any], bool]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}
_SILENT = frozenset(("$schema", "$id", "$defs", "title", "description", "default"))
# Keywords that are compiled with the one they stand beside: `properties` and `if`.
_BESIDE = frozenset(("additionalProperties", "then", "else"))


class UnknownKeyword(Exception):
    """A schema says something this module cannot judge."""


def compile_accept(root: dict[str, Any]) -> Check:
    """Compile a function that is True only of documents that satisfy the schema.

    Raise UnknownKeyword where it cannot tell.
    """
    return _SchemaCompiler(root).compile_schema(root)


class _SchemaCompiler:
    def __init__(self, root: dict[str, Any]) -> None:
        self.definitions: dict[str, Any] = root.get("$defs", {})
        self.compiled: dict[str, Check] = {}

    def compile_schema(self, schema: dict[str, Any]) -> Check:
        unknown = schema.keys() - _SILENT - _COMPILERS.keys() - _BESIDE
        if unknown:
            raise UnknownKeyword(", ".join(sorted(unknown)))
        checks: list[Check] = []
        for keyword, compiler in _COMPILERS.items():
            if keyword in schema:
                checks.append(compiler(self, schema))
        if "additionalProperties" in schema and "properties" not in schema:
            checks.append(self.compile_properties(schema))
        return _combine_checks(checks)

    def compile_reference(self, schema: dict[str, Any]) -> Check:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name not in self.compiled:
            # Stands in while the definition is compiled, because it may refer to itself.
            def call_compiled(value: Any) -> bool:
                return self.compiled[name](value)

            self.compiled[name] = call_compiled
            self.compiled[name] = self.compile_schema(self.definitions[name])
        return self.compiled[name]

    def compile_properties(self, schema: dict[str, Any]) -> Check:
        known: dict[str, Check] = {}
        for key, inner in schema.get("properties", {}).items():
            known[key] = self.compile_schema(inner)
        other = self.compile_others(schema.get("additionalProperties", True))

        def check_others(value: Any) -> bool:
            if type(value) is not dict:
                return True
            return all(map(other, value.values()))

        if not known:
            return check_others
        find_check = known.get

        def check_properties(value: Any) -> bool:
            if type(value) is not dict:
                return True
            return all(find_check(key, other)(item) for key, item in value.items())

        return check_properties

    def compile_others(self, others: Any) -> Check:
        """Compile the check of the values whose keys `properties` does not name."""
        if isinstance(others, dict):
            return self.compile_schema(others)
        allowed = bool(others)
        return lambda value: allowed

    def compile_items(self, schema: dict[str, Any]) -> Check:
        check_item = self.compile_schema(schema["items"])

        def check_items(value: Any) -> bool:
            if type(value) is not list:
                return True
            return all(map(check_item, value))

        return check_items

    def compile_alternatives(self, schema: dict[str, Any]) -> Check:
        checks = [self.compile_schema(inner) for inner in schema["anyOf"]]
        return lambda value: any(check(value) for check in checks)

    def compile_condition(self, schema: dict[str, Any]) -> Check:
        # Everything else may say no where it cannot tell, which would take the wrong branch.
        if schema["if"].keys() - {"type", "required"}:
            raise UnknownKeyword("if of more than a type and required keys")
        decide = self.compile_schema(schema["if"])
        check_then = self.compile_schema(schema.get("then", {}))
        check_else = self.compile_schema(schema.get("else", {}))
        return lambda value: check_then(value) if decide(value) else check_else(value)

    def compile_names(self, schema: dict[str, Any]) -> Check:
        check_name = self.compile_schema(schema["propertyNames"])

        def check_names(value: Any) -> bool:
            if type(value) is not dict:
                return True
            return all(map(check_name, value))

        return check_names


def _combine_checks(checks: list[Check]) -> Check:
    # One and two are spelt out: a call of `all` costs more than most checks do.
    match checks:
        case []:
            return lambda value: True
        case [only]:
            return only
        case [first, second]:
            return lambda value: first(value) and second(value)
    return lambda value: all(check(value) for check in checks)


def _compile_type(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    names = schema["type"]
    if isinstance(names, str):
        names = [names]
    allowed: set[type] = set()
    for name in names:
        allowed.update(_TYPES[name])
    allowed_types = frozenset(allowed)

    def check_type(value: Any) -> bool:
        kind = type(value)
        if kind is float and not math.isfinite(value):
            return False
        return kind in allowed_types

    return check_type


def _compile_required(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    required = frozenset(schema["required"])

    def check_required(value: Any) -> bool:
        if type(value) is not dict:
            return True
        return required <= value.keys()

    return check_required


def _compile_const(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    return _compile_choice([schema["const"]])


def _compile_enum(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    return _compile_choice(schema["enum"])


def _compile_choice(allowed: list[Any]) -> Check:
    if not all(isinstance(item, str) for item in allowed):
        raise UnknownKeyword("enum of anything but text")
    allowed_texts = frozenset(allowed)
    return lambda value: type(value) is str and value in allowed_texts


def _compile_pattern(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    search = re.compile(translate_for_re(schema["pattern"]), re.ASCII).search

    def check_pattern(value: Any) -> bool:
        if type(value) is not str:
            return True
        return search(value) is not None

    return check_pattern


def _compile_length(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    shortest: int = schema.get("minLength", 0)
    longest: float = schema.get("maxLength", math.inf)

    def check_length(value: Any) -> bool:
        if type(value) is not str:
            return True
        return shortest <= len(value) <= longest

    return check_length


def _compile_range(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    lowest: float = schema.get("minimum", -math.inf)
    highest: float = schema.get("maximum", math.inf)
    above: float = schema.get("exclusiveMinimum", -math.inf)

    def check_range(value: Any) -> bool:
        if type(value) not in (int, float):
            return True
        # A number that is not finite is left to the judge.
        in_range: bool = lowest <= value <= highest and above < value
        return in_range

    return check_range


def _compile_least_keys(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    fewest: int = schema["minProperties"]

    def check_least_keys(value: Any) -> bool:
        if type(value) is not dict:
            return True
        return len(value) >= fewest

    return check_least_keys


def _compile_least_items(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    fewest: int = schema["minItems"]

    def check_least_items(value: Any) -> bool:
        if type(value) is not list:
            return True
        return len(value) >= fewest

    return check_least_items


def _compile_unique(_: _SchemaCompiler, schema: dict[str, Any]) -> Check:
    if schema["uniqueItems"] is not True:
        raise UnknownKeyword("uniqueItems that is not true")

    def check_unique(value: Any) -> bool:
        if type(value) is not list:
            return True
        # Of anything but text, equality is left to the judge: to Python 1 equals 1.0 and true.
        if not all(type(item) is str for item in value):
            return False
        return len(set(value)) == len(value)

    return check_unique


# The cheapest and most telling keywords first.
_COMPILERS: dict[str, Callable[[_SchemaCompiler, dict[str, Any]], Check]] = {
    "type": _compile_type,
    "const": _compile_const,
    "enum": _compile_enum,
    "minLength": _compile_length,
    "maxLength": _compile_length,
    "pattern": _compile_pattern,
    "minimum": _compile_range,
    "maximum": _compile_range,
    "exclusiveMinimum": _compile_range,
    "minProperties": _compile_least_keys,
    "minItems": _compile_least_items,
    "uniqueItems": _compile_unique,
    "required": _compile_required,
    "$ref": _SchemaCompiler.compile_reference,
    "if": _SchemaCompiler.compile_condition,
    "anyOf": _SchemaCompiler.compile_alternatives,
    "items": _SchemaCompiler.compile_items,
    "propertyNames": _SchemaCompiler.compile_names,
    "properties": _SchemaCompiler.compile_properties,
}
