"""A result as one JSON document with stable keys.

`schemas/result-<kind>.schema.json` describes each kind. Every field is always present; a value that
is absent is null, or empty. Records in it are as they are on disk.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlver.terminal.sanitise import hide_commands


def build_document(result: Any) -> dict[str, Any]:
    """`InitResult(...)` as `{"schema": "mlver/result/init/1", ...}`."""
    return {"schema": f"mlver/result/{name_result_kind(type(result))}/1", **_simplify_value(result)}


def name_result_kind(result: type) -> str:
    return result.__name__.removesuffix("Result").lower()


def dump_document(result: Any) -> str:
    return dump_json(build_document(result), indent=2)


def dump_json(document: Any, *, indent: int | None = None) -> str:
    """Write a document, in which no text of others acts on what shows it."""
    text = json.dumps(document, indent=indent, ensure_ascii=True, allow_nan=False)
    # A mark can only stand in a string, where the escape means the same.
    return hide_commands(text, escape=_escape_in_string) + "\n"


def _escape_in_string(mark: str) -> str:
    return f"\\u{ord(mark):04x}"


def _simplify_value(value: Any) -> Any:
    if hasattr(value, "to_document"):
        return value.to_document()
    # A named tuple has fields, and is no list.
    if hasattr(value, "_asdict"):
        return _simplify_mapping(value._asdict())
    if dataclasses.is_dataclass(value):
        document = _collect_answers(value)
        for field in dataclasses.fields(value):
            document[field.name] = _simplify_value(getattr(value, field.name))
        return document
    if isinstance(value, Mapping):
        return _simplify_mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_simplify_value(item) for item in value]
    return value


def _simplify_mapping(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    simple: dict[str, Any] = {}
    for key, item in mapping.items():
        simple[str(key)] = _simplify_value(item)
    return simple


def _collect_answers(result: Any) -> dict[str, Any]:
    """What a program asks first: is the answer yes (exit code 0), does anything differ?"""
    answers: dict[str, Any] = {}
    if hasattr(result, "exit_code"):
        answers["ok"] = result.exit_code == 0
    if hasattr(result, "differs"):
        answers["differs"] = result.differs
    return answers
