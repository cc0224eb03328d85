"""A result as one JSON document with stable keys; `schemas/result-<kind>.schema.json` describes each kind.

Every field is always there; what there is not is null, or empty. Records in it are as they are on disk.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any


def document(result: Any) -> dict[str, Any]:
    """`InitResult(...)` as `{"schema": "mlver/result/init/1", ...}`."""
    return {"schema": f"mlver/result/{kind(type(result))}/1", **_plain(result)}


def kind(result: type) -> str:
    return result.__name__.removesuffix("Result").lower()


def dumps(result: Any) -> str:
    return json.dumps(document(result), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if hasattr(value, "to_document"):
        return value.to_document()
    if hasattr(value, "_asdict"):  # a named tuple is no list
        return {key: _plain(item) for key, item in value._asdict().items()}
    if dataclasses.is_dataclass(value):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {**_answers(value), **fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _answers(value: Any) -> dict[str, bool]:
    """What a program asks first: whether the answer is yes (exit code 0), whether anything differs."""
    found = {}
    if hasattr(value, "exit_code"):
        found["ok"] = value.exit_code == 0
    if hasattr(value, "differs"):
        found["differs"] = value.differs
    return found
