"""A result as one JSON document with stable keys; `schemas/result-<kind>.schema.json` describes each kind.

Every field is always there; what there is not is null, or empty. Records in it are as they are on disk.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any


def build_document(result: Any) -> dict[str, Any]:
    """`InitResult(...)` as `{"schema": "mlver/result/init/1", ...}`."""
    return {"schema": f"mlver/result/{name_result_kind(type(result))}/1", **_simplify_value(result)}


def name_result_kind(result: type) -> str:
    return result.__name__.removesuffix("Result").lower()


def dump_document(result: Any) -> str:
    return json.dumps(build_document(result), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _simplify_value(value: Any) -> Any:
    if hasattr(value, "to_document"):
        return value.to_document()
    if hasattr(value, "_asdict"):  # a named tuple is no list
        return {key: _simplify_value(item) for key, item in value._asdict().items()}
    if dataclasses.is_dataclass(value):
        fields = {
            field.name: _simplify_value(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
        return {**_collect_answers(value), **fields}
    if isinstance(value, Mapping):
        return {str(key): _simplify_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_simplify_value(item) for item in value]
    return value


def _collect_answers(value: Any) -> dict[str, bool]:
    """What a program asks first: whether the answer is yes (exit code 0), whether anything differs."""
    found = {}
    if hasattr(value, "exit_code"):
        found["ok"] = value.exit_code == 0
    if hasattr(value, "differs"):
        found["differs"] = value.differs
    return found
