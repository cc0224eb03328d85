"""Licences as SPDX expressions: whether one is within those that are allowed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

# Licences that SPDX does not list are named so.
_OWN = "licenseref-"
_OTHER_DOCUMENT = "documentref-"
# No expression that people write is longer; the parser's time grows faster than the text.
_LONGEST = 1_000


def is_allowed(expression: str, allowed: Iterable[str]) -> bool | None:
    """Say whether an expression is within the allowed licences; None where it cannot be parsed.

    Of `A OR B` one has to be allowed, of `A AND B` both. `A WITH B` is one licence, which has to be
    allowed as a whole. An allowed one that cannot be parsed allows nothing.
    """
    parsed = _parse_expression(expression)
    if parsed is None:
        return None
    keys = {key for name in allowed if (key := _read_allowed(name)) is not None}
    return _judge_node(parsed, keys)


def _read_allowed(name: str) -> str | None:
    parsed = _parse_expression(name)
    return None if parsed is None or not _is_licence(parsed) else _write_key(parsed)


def _judge_node(node: Any, keys: set[str]) -> bool:
    if _is_licence(node):
        return _write_key(node) in keys
    judged = [_judge_node(part, keys) for part in node.args]
    return any(judged) if type(node).__name__ == "OR" else all(judged)


def _is_licence(node: Any) -> bool:
    return not getattr(node, "args", ())


def _write_key(node: Any) -> str:
    # SPDX compares names without regard to case.
    return str(node.render()).casefold()


def _parse_expression(text: str) -> Any | None:
    """Parse an expression; None for one that is none, or names what SPDX does not list."""
    if len(text) > _LONGEST:
        return None
    try:
        parsed = _load_licensing().parse(text, strict=True)
        if parsed is None:
            return None
        unknown = _load_licensing().unknown_license_keys(parsed)
    except (ExpressionError, RecursionError):
        return None
    for key in unknown:
        if not str(key).casefold().startswith((_OWN, _OTHER_DOCUMENT)):
            return None
    return parsed


@cache
def _load_licensing() -> Any:
    return get_spdx_licensing()
