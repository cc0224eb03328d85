"""A quick yes to a document: the schema compiled into plain functions, for the keywords mlver's own schemas use.

jsonschema stays the judge: whatever is not accepted here goes to it, and it names the faults. But most documents are
right, and for those this is some thirty times faster and spares its import, a fifth of a second at start-up. The
source is the same schema file, and tests hold the two together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from mlver.document.pattern import translate

Test = Callable[[Any], bool]

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


class UnknownKeyword(Exception):
    """A schema says something this module cannot judge."""


def compile_accept(root: dict[str, Any]) -> Test:
    """A function that is True only of documents that satisfy the schema; raise UnknownKeyword where it cannot tell."""
    return _Compiler(root).test(root)


class _Compiler:
    def __init__(self, root: dict[str, Any]) -> None:
        self.definitions: dict[str, Any] = root.get("$defs", {})
        self.compiled: dict[str, Test] = {}

    def test(self, schema: dict[str, Any]) -> Test:
        unknown = schema.keys() - _SILENT - _COMPILERS.keys() - {"additionalProperties"}
        if unknown:
            raise UnknownKeyword(", ".join(sorted(unknown)))
        tests = [
            compiler(self, schema) for keyword, compiler in _COMPILERS.items() if keyword in schema
        ]
        if "additionalProperties" in schema and "properties" not in schema:
            tests.append(self.properties(schema))
        match tests:
            case []:
                return lambda value: True
            case [only]:
                return only
            case [first, second]:
                return lambda value: first(value) and second(value)
        return lambda value: all(test(value) for test in tests)

    def reference(self, schema: dict[str, Any]) -> Test:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name not in self.compiled:

            def itself(
                value: Any,
            ) -> bool:  # stands in while the definition is compiled, which may refer to itself
                return self.compiled[name](value)

            self.compiled[name] = itself
            self.compiled[name] = self.test(self.definitions[name])
        return self.compiled[name]

    def properties(self, schema: dict[str, Any]) -> Test:
        known = {key: self.test(inner) for key, inner in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties", True)
        other: Test = (
            self.test(others) if isinstance(others, dict) else (lambda value: bool(others))
        )
        if not known:
            return lambda value: type(value) is not dict or all(map(other, value.values()))
        find = known.get
        return lambda value: (
            type(value) is not dict or all(find(key, other)(item) for key, item in value.items())
        )

    def items(self, schema: dict[str, Any]) -> Test:
        each = self.test(schema["items"])
        return lambda value: type(value) is not list or all(map(each, value))

    def names(self, schema: dict[str, Any]) -> Test:
        each = self.test(schema["propertyNames"])
        return lambda value: type(value) is not dict or all(map(each, value))


def _type(_: _Compiler, schema: dict[str, Any]) -> Test:
    named = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    types = frozenset(kind for name in named for kind in _TYPES[name])
    return lambda value: type(value) in types and (type(value) is not float or math.isfinite(value))


def _required(_: _Compiler, schema: dict[str, Any]) -> Test:
    needed = frozenset(schema["required"])
    return lambda value: type(value) is not dict or needed <= value.keys()


def _const(_: _Compiler, schema: dict[str, Any]) -> Test:
    return _one_of([schema["const"]])


def _enum(_: _Compiler, schema: dict[str, Any]) -> Test:
    return _one_of(schema["enum"])


def _one_of(allowed: list[Any]) -> Test:
    if not all(isinstance(item, str) for item in allowed):
        raise UnknownKeyword("enum of anything but text")
    texts = frozenset(allowed)
    return lambda value: type(value) is str and value in texts


def _pattern(_: _Compiler, schema: dict[str, Any]) -> Test:
    search = re.compile(translate(schema["pattern"]), re.ASCII).search
    return lambda value: type(value) is not str or search(value) is not None


def _length(_: _Compiler, schema: dict[str, Any]) -> Test:
    low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    return lambda value: type(value) is not str or low <= len(value) <= high


def _range(_: _Compiler, schema: dict[str, Any]) -> Test:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    return lambda value: type(value) not in (int, float) or low <= value <= high


def _least_keys(_: _Compiler, schema: dict[str, Any]) -> Test:
    least: int = schema["minProperties"]
    return lambda value: type(value) is not dict or len(value) >= least


_COMPILERS: dict[str, Callable[[_Compiler, dict[str, Any]], Test]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minLength": _length,
    "maxLength": _length,
    "pattern": _pattern,
    "minimum": _range,
    "maximum": _range,
    "minProperties": _least_keys,
    "required": _required,
    "$ref": _Compiler.reference,
    "items": _Compiler.items,
    "propertyNames": _Compiler.names,
    "properties": _Compiler.properties,
}
