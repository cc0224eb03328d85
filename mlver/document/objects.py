"""The values of Python programs, as the plain values that a document is made of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mlver.document.faults import MAX_DEPTH, Path, format_fault
from mlver.errors import InvalidDocument


def copy_plain(values: Mapping[str, object], where: str) -> dict[str, Any]:
    """Copy a map of names and values, which may be nested, as text, numbers, lists and maps.

    Scalars of NumPy, PyTorch and their like become Python's numbers, tuples become lists, and
    paths, and names that are whole numbers, become text.

    Raise InvalidDocument, which says `where`, for anything else.
    """
    copied: dict[str, Any] = _copy_value(values, (), where)
    return copied


def _copy_value(value: object, path: Path, where: str) -> Any:
    if len(path) > MAX_DEPTH:
        # What holds itself ends here as well.
        raise _build_refusal(path[:3], f"nested more than {MAX_DEPTH} deep", where)
    value = _unwrap_scalar(value)
    match value:
        case None | bool():
            return value
        # A member of an enumeration is its value, whatever it prints.
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
        case str():
            return str.__str__(value)
        case Mapping():
            return _copy_map(value, path, where)
        case list() | tuple():
            copied: list[Any] = []
            for index, item in enumerate(value):
                copied.append(_copy_value(item, (*path, index), where))
            return copied
        case os.PathLike():
            return os.fsdecode(value)
    kind = type(value).__name__
    raise _build_refusal(path, f"a {kind} is neither text, a number, a list nor a map", where)


def _copy_map(values: Mapping[Any, object], path: Path, where: str) -> dict[str, Any]:
    copied: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(key, bool) or not isinstance(key, str | int):
            kind = type(key).__name__
            raise _build_refusal(path, f"a name is text, and {key!r} is a {kind}", where)
        name = str(key)
        if name in copied:
            raise _build_refusal((*path, name), "is named twice, as text and as a number", where)
        copied[name] = _copy_value(value, (*path, name), where)
    return copied


def _unwrap_scalar(value: object) -> object:
    """Python's number for an array of one element, as NumPy, PyTorch, JAX and others have them."""
    if isinstance(value, str | Mapping) or not hasattr(value, "item"):
        return value
    try:
        return value.item()
    except (TypeError, ValueError, RuntimeError):
        # An array of many elements is no value, and is refused by its own name.
        return value


def _build_refusal(path: Path, reason: str, where: str) -> InvalidDocument:
    return InvalidDocument(where, (format_fault(None, path, reason),))
